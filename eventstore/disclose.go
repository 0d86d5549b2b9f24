// Disclosing personal values: each with the nonce that proves it, and no key.

package eventstore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// Disclosure is the value of one field of one event. The nonce opens this
// commitment and no other.
type Disclosure struct {
	Position events.Position
	Field    string
	Value    string
	Nonce    [32]byte
}

// Disclosures are all personal values of the block that can be opened, in the
// order of positions and fields. Those of erased subjects are not among them.
func (b *Block) Disclosures() ([]Disclosure, error) {
	if b.values == nil {
		return nil, nil
	}
	var all []Disclosure
	for _, x := range b.values.boxes {
		key, ok := b.values.keys[x.subject]
		if !ok || key.since > b.values.first { // as in open
			continue
		}
		values, err := keyring.Box{Origin: b.values.origin, Subject: x.subject, First: b.values.first}.Open(key.SubjectKey, x.bytes)
		if err != nil {
			return nil, fmt.Errorf("block %d to %d: %w: %w", b.First, b.Last, ErrCorrupt, err)
		}
		for at, fields := range values {
			for field, value := range fields {
				all = append(all, Disclosure{at, field, value, key.Nonce(at, field)})
			}
		}
	}
	slices.SortFunc(all, func(a, b Disclosure) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Field, b.Field))
	})
	return all, nil
}
