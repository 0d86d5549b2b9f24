// Erasures that stand in the log.

package eventstore

import (
	"context"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// Erasure says that a subject's key was destroyed.
type Erasure struct {
	Subject events.SubjectID
	At      time.Time
}

// Erasures gives all erasures of the log, in order. There are few; an index finds them.
func (l *Log) Erasures(ctx context.Context) ([]Erasure, error) {
	const sql = `SELECT leaf FROM decisions WHERE type IN ('user.erased', 'organization.network_data_erased') ORDER BY position`
	recorded, err := l.decode(ctx, sql)
	all := make([]Erasure, 0, len(recorded))
	for _, r := range recorded {
		all = append(all, Erasure{events.ErasedBy(r.Stream, r.Event), r.RecordedAt})
	}
	return all, err
}

// erasedBy are the subjects whose keys go with the block of the changes.
func erasedBy(changes []change) (subjects []events.SubjectID) {
	for _, c := range changes {
		if c.erased != "" {
			subjects = append(subjects, c.erased)
		}
	}
	return subjects
}
