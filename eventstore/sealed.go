// Personal values beside the leaves: their container in a block and the keys of subjects.

package eventstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// The column "sealed" is the byte 1, then for each subject, in the order of
// their ids: the length of the id as a varint, the id, the length of the box, the
// box. The boxes are those of [keyring.Box].
const sealedFormat = 1

var errSealed = errors.New("the sealed values have no known form")

// box holds the values of one subject in one block, encrypted.
type box struct {
	subject events.SubjectID
	bytes   []byte
}

func joinBoxes(boxes []box) []byte {
	if len(boxes) == 0 {
		return nil
	}
	b := []byte{sealedFormat}
	for _, x := range boxes {
		b = binary.AppendUvarint(b, uint64(len(x.subject)))
		b = append(b, x.subject...)
		b = binary.AppendUvarint(b, uint64(len(x.bytes)))
		b = append(b, x.bytes...)
	}
	return b
}

func splitBoxes(b []byte) ([]box, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if b[0] != sealedFormat {
		return nil, errSealed
	}
	var boxes []box
	for b = b[1:]; len(b) > 0; {
		var x box
		var subject []byte
		var ok bool
		if subject, b, ok = cutCounted(b); !ok {
			return nil, errSealed
		}
		if x.bytes, b, ok = cutCounted(b); !ok {
			return nil, errSealed
		}
		x.subject = events.SubjectID(subject)
		boxes = append(boxes, x)
	}
	return boxes, nil
}

func cutCounted(b []byte) (head, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	b = b[size:]
	return b[:n], b[n:], true
}

// sealedValues opens what is sealed in one block, as far as there are keys.
type sealedValues struct {
	origin string
	first  events.Position
	boxes  []box
	keys   map[events.SubjectID]subjectKey
}

// subjectKey is a subject's key and the first position of the block that it was made for.
type subjectKey struct {
	events.SubjectKey
	since events.Position
}

// each gives the values of one subject after the other, with the key that opened them.
// A subject without a key was erased, or the ring cannot tell its key; one whose key is
// younger than the block was erased after it. Neither is among them.
func (v *sealedValues) each(yield func(events.SubjectKey, map[events.Position]events.Sealed)) error {
	if v == nil {
		return nil
	}
	for _, x := range v.boxes {
		key, ok := v.keys[x.subject]
		if !ok || key.since > v.first {
			continue
		}
		values, err := keyring.Box{Origin: v.origin, Subject: x.subject, First: v.first}.Open(key.SubjectKey, x.bytes)
		if err != nil {
			return err
		}
		yield(key.SubjectKey, values)
	}
	return nil
}

// open gives the values by position.
func (v *sealedValues) open() (map[events.Position]events.Sealed, error) {
	all := map[events.Position]events.Sealed{}
	err := v.each(func(_ events.SubjectKey, values map[events.Position]events.Sealed) {
		for at, fields := range values { // an event may have values of several subjects
			if all[at] == nil {
				all[at] = events.Sealed{}
			}
			maps.Copy(all[at], fields)
		}
	})
	return all, err
}

// subjectKeys keeps the keys of subjects that were used last, unwrapped.
type subjectKeys struct {
	origin string
	ring   *keyring.Ring // nil: no personal value can be read or written

	mu   sync.Mutex // guards the two below
	keys recent[events.SubjectID, subjectKey]
	now  generation
}

// generation counts the occasions on which keys were forgotten for good. Whoever is
// about to take keys, from memory or from the table, asks for it first: if it has
// moved by the time they are to be used or remembered, one may be destroyed.
type generation int

const subjectKeysHalf = 50_000

func newSubjectKeys(origin string, ring *keyring.Ring) *subjectKeys {
	return &subjectKeys{
		origin: origin, ring: ring,
		keys: newRecent[events.SubjectID, subjectKey](subjectKeysHalf),
	}
}

func (s *subjectKeys) cached(subject events.SubjectID) (subjectKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys.get(subject)
}

// remember keeps keys that were taken in a generation, unless it is over.
func (s *subjectKeys) remember(of generation, keys map[events.SubjectID]subjectKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of != s.now {
		return
	}
	s.keys.trim()
	for subject, key := range keys {
		s.keys.put(subject, key)
	}
}

// forget drops the keys of subjects that were erased. It comes before the head moves
// past the erasure, so that whoever counts on that head finds them gone.
func (s *subjectKeys) forget(subjects []events.SubjectID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now++
	for _, subject := range subjects {
		s.keys.forget(subject)
	}
}

// forgetAll is for a head that was reached without a look at what was erased before.
func (s *subjectKeys) forgetAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now++
	s.keys = newRecent[events.SubjectID, subjectKey](subjectKeysHalf)
}

func (s *subjectKeys) generation() generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *subjectKeys) unwrap(k wrappedKey) (subjectKey, error) {
	key, err := s.ring.UnwrapSubjectKey(s.origin, k.Subject, k.Wrapped, k.KEK)
	return subjectKey{key, k.Since}, err
}

// querier is a connection, a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// attach makes the personal values of blocks readable. Only where every erasure up to
// their end is known may the keys come from memory.
func (s *subjectKeys) attach(ctx context.Context, q querier, blocks []*Block, known bool) error {
	if s.ring == nil {
		return nil
	}
	of := s.generation()
	keys, missing := map[events.SubjectID]subjectKey{}, map[string]bool{}
	for _, b := range blocks {
		boxes, err := splitBoxes(b.sealed)
		if err != nil {
			return fmt.Errorf("block %d to %d: %w: %w", b.First, b.Last, ErrCorrupt, err)
		}
		if len(boxes) > 0 {
			b.values = &sealedValues{origin: s.origin, first: b.First, boxes: boxes, keys: keys}
		}
		for _, x := range boxes {
			if key, ok := s.cached(x.subject); ok && known {
				keys[x.subject] = key
			} else {
				missing[string(x.subject)] = true
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	loaded, err := s.load(ctx, q, slices.Collect(maps.Keys(missing)))
	s.remember(of, loaded)
	maps.Copy(keys, loaded)
	return err
}

// load reads the keys of subjects. One that this ring cannot unwrap is left out: it
// is as good as erased for this process.
func (s *subjectKeys) load(ctx context.Context, q querier, subjects []string) (map[events.SubjectID]subjectKey, error) {
	rows, _ := q.Query(ctx, selectSubjectKeys, subjects) // its error comes out of the rows
	wrapped, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wrappedKey])
	if err != nil {
		return nil, fmt.Errorf("read the keys of subjects: %w", err)
	}
	loaded := map[events.SubjectID]subjectKey{}
	for _, w := range wrapped {
		if key, err := s.unwrap(w); err == nil {
			loaded[w.Subject] = key
		}
	}
	return loaded, nil
}

const selectSubjectKeys = `SELECT subject, wrapped, kek, since FROM subject_keys WHERE subject = ANY ($1)`

// wrappedKey is a row of subject_keys.
type wrappedKey struct {
	Subject events.SubjectID
	Wrapped []byte
	KEK     int
	Since   events.Position
}
