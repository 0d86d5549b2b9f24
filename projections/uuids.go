// UUIDs on their way to Postgres and back: as the sixteen bytes that they are.
//
// The driver knows [uuid.UUID] only as something that database/sql can use, and
// so writes each as a text and reads it back from one. Runs and pages have
// thousands of them.

package projections

import (
	"bytes"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// plainUUIDs teaches a connection's types what a UUID is.
func plainUUIDs(m *pgtype.Map) {
	m.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{encodeUUID}, m.TryWrapEncodePlanFuncs...)
	m.TryWrapScanPlanFuncs = append([]pgtype.TryWrapScanPlanFunc{scanUUID}, m.TryWrapScanPlanFuncs...)
}

func encodeUUID(value any) (pgtype.WrappedEncodePlanNextSetter, any, bool) {
	id, ok := value.(uuid.UUID)
	return &uuidEncodePlan{}, pgtype.UUID{Bytes: id, Valid: true}, ok
}

type uuidEncodePlan struct{ next pgtype.EncodePlan }

func (p *uuidEncodePlan) SetNext(next pgtype.EncodePlan) { p.next = next }

func (p *uuidEncodePlan) Encode(value any, buf []byte) ([]byte, error) {
	return p.next.Encode(pgtype.UUID{Bytes: value.(uuid.UUID), Valid: true}, buf)
}

func scanUUID(target any) (pgtype.WrappedScanPlanNextSetter, any, bool) {
	id, ok := target.(*uuid.UUID)
	return &uuidScanPlan{}, (*scannedUUID)(id), ok
}

type uuidScanPlan struct{ next pgtype.ScanPlan }

func (p *uuidScanPlan) SetNext(next pgtype.ScanPlan) { p.next = next }

func (p *uuidScanPlan) Scan(src []byte, target any) error {
	return p.next.Scan(src, (*scannedUUID)(target.(*uuid.UUID)))
}

// scannedUUID is where a UUID is read into. NULL is none.
type scannedUUID uuid.UUID

// ScanUUID implements [pgtype.UUIDScanner].
func (id *scannedUUID) ScanUUID(v pgtype.UUID) error {
	*id = scannedUUID(v.Bytes)
	return nil
}

// sortedIDs are the keys of a map, in the order of an index.
func sortedIDs[V any](of map[uuid.UUID]V) []uuid.UUID {
	return slices.SortedFunc(maps.Keys(of), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
}
