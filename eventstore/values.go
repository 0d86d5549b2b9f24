// The personal values of a block in the making, and the keys that seal them.

package eventstore

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// stagedValues are the personal values that are noted while their leaves are
// written, to be sealed by subject.
type stagedValues struct {
	subjects *subjectKeys // of the log
	of       generation   // of keys
	keys     map[events.SubjectID]subjectKey
	made     []events.SubjectID         // the keys that are new
	refused  map[events.SubjectID]error // why a subject's values cannot be written
	noted    map[events.SubjectID]map[events.Position]events.Sealed
}

func (v *stagedValues) clear() {
	v.of = v.subjects.generation()
	v.keys, v.made, v.refused = map[events.SubjectID]subjectKey{}, nil, map[events.SubjectID]error{}
	v.noted = nil
}

// stale reports whether a key that was at hand may be gone by now.
func (v *stagedValues) stale() bool { return v.of != v.subjects.generation() }

// lacks reports whether the key of a subject is yet to be looked up.
func (v *stagedValues) lacks(subject events.SubjectID) bool {
	if _, ok := v.keys[subject]; ok || v.refused[subject] != nil {
		return false
	}
	key, ok := v.subjects.cached(subject)
	if ok {
		v.keys[subject] = key
	}
	return !ok
}

// learn takes in the keys of subjects that were looked up. A subject that has none
// gets one now, which is stored with the block.
func (v *stagedValues) learn(names []string, wrapped []wrappedKey) {
	for _, k := range wrapped {
		key, err := v.subjects.unwrap(k)
		if err != nil {
			v.refused[k.Subject] = fmt.Errorf("%w: %w", events.ErrUnavailable, err)
			continue
		}
		v.keys[k.Subject] = key
	}
	for _, name := range names {
		subject := events.SubjectID(name)
		if _, ok := v.keys[subject]; ok || v.refused[subject] != nil {
			continue
		}
		var key subjectKey
		_, _ = rand.Read(key.SubjectKey[:]) // ends the program rather than return few bytes
		v.keys[subject] = key
		v.made = append(v.made, subject)
	}
}

// commit makes the commitment of a value at its place and notes the value.
func (v *stagedValues) commit(subject events.SubjectID, at events.Position, field, value string) (events.Commitment, error) {
	key, ok := v.keys[subject]
	if !ok {
		return events.Commitment{}, fmt.Errorf("no key for the personal values of %s: %w", subject, events.ErrUnavailable)
	}
	if v.noted == nil {
		v.noted = map[events.SubjectID]map[events.Position]events.Sealed{}
	}
	if v.noted[subject] == nil {
		v.noted[subject] = map[events.Position]events.Sealed{}
	}
	if v.noted[subject][at] == nil {
		v.noted[subject][at] = events.Sealed{}
	}
	v.noted[subject][at][field] = value
	return events.Commit(key.Nonce(at, field), field, value), nil
}

// seal encrypts what was noted; nil if nothing was. Keys that were made for
// requests which were then refused are forgotten: they are not stored, so they
// must not be used again.
func (v *stagedValues) seal(first events.Position) (*sealedValues, error) {
	v.made = slices.DeleteFunc(v.made, func(subject events.SubjectID) bool {
		unused := v.noted[subject] == nil
		if unused {
			delete(v.keys, subject)
		}
		return unused
	})
	if len(v.noted) == 0 {
		return nil, nil
	}
	for _, subject := range v.made {
		v.keys[subject] = subjectKey{v.keys[subject].SubjectKey, first}
	}
	sealed := &sealedValues{origin: v.subjects.origin, first: first, keys: v.keys}
	for _, subject := range slices.Sorted(maps.Keys(v.noted)) {
		b, err := keyring.Box{Origin: sealed.origin, Subject: subject, First: first}.Seal(v.keys[subject].SubjectKey, v.noted[subject])
		if err != nil {
			return nil, err
		}
		sealed.boxes = append(sealed.boxes, box{subject, b})
	}
	return sealed, nil
}

// queue stores the keys of subjects that have their first values in this block.
// The lock keeps two processes from making a key for the same one.
func (v *stagedValues) queue(b *pgx.Batch, at time.Time, first events.Position) error {
	if len(v.made) == 0 {
		return nil
	}
	var names []string
	var wrapped [][]byte
	var keks []int32
	for _, subject := range v.made {
		w, kek, err := v.subjects.ring.WrapSubjectKey(v.subjects.origin, subject, v.keys[subject].SubjectKey)
		if err != nil {
			return fmt.Errorf("wrap the key of %s: %w", subject, err)
		}
		names, wrapped, keks = append(names, string(subject)), append(wrapped, w), append(keks, int32(kek))
	}
	b.Queue(`INSERT INTO subject_keys (subject, wrapped, kek, created_at, since)
		SELECT *, $4::timestamptz, $5::bigint FROM unnest($1::text[], $2::bytea[], $3::int[])`, names, wrapped, keks, at, int64(first))
	return nil
}
