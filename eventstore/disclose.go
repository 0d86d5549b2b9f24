// Disclosing personal values: each with the nonce that proves it, and no key.

package eventstore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tokenledger/tokenledger/events"
)

// Disclosure is the value of one field of one event. The nonce opens this
// commitment and no other.
type Disclosure struct {
	Position events.Position
	Field    string
	Value    string
	Nonce    [32]byte
}

// Closed are the subjects with values in the block that cannot be opened: they were
// erased, or the log was opened without keys that open them.
func (b *Block) Closed() []events.SubjectID {
	if b.values == nil {
		return nil
	}
	var subjects []events.SubjectID
	for _, x := range b.values.boxes {
		if key, ok := b.values.keys[x.subject]; !ok || key.since > b.values.first { // as in open
			subjects = append(subjects, x.subject)
		}
	}
	return subjects
}

// Disclosures are all personal values of the block that can be opened, in the
// order of positions and fields. Those of erased subjects are not among them.
func (b *Block) Disclosures() ([]Disclosure, error) {
	var all []Disclosure
	err := b.values.each(func(key events.SubjectKey, values map[events.Position]events.Sealed) {
		for at, fields := range values {
			for field, value := range fields {
				all = append(all, Disclosure{at, field, value, key.Nonce(at, field)})
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("block %d to %d: %w: %w", b.First, b.Last, ErrCorrupt, err)
	}
	slices.SortFunc(all, func(a, b Disclosure) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Field, b.Field))
	})
	return all, nil
}
