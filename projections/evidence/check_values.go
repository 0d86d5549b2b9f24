// The part of the audit that is about personal values: each is the one that its leaf commits to, or was erased on record.

package evidence

import (
	"context"
	"fmt"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// values compares the personal values of a block with the commitments in its leaves.
// A value that cannot be opened has to be of a subject whose erasure comes later.
func (a *audit) values(b *eventstore.Block, recs []events.Recorded) error {
	opened, err := b.Disclosures()
	if err != nil {
		return a.mismatch(b.First, "personal values", err.Error())
	}
	type place struct {
		at    events.Position
		field string
	}
	open := make(map[place]eventstore.Disclosure, len(opened))
	for _, d := range opened {
		open[place{d.Position, d.Field}] = d
	}
	closed := b.Closed()
	for _, rec := range recs {
		delete(a.closed, events.ErasedBy(rec.Stream, rec.Event))
		for field, p := range events.Personals(rec.Event) {
			d, ok := open[place{rec.Position, field}]
			switch {
			case ok && events.Commit(d.Nonce, field, d.Value) != p.Commitment:
				return a.mismatch(rec.Position, "personal values", fmt.Sprintf("the field %s is not what the event commits to", field))
			case !ok && len(closed) == 0:
				return a.mismatch(rec.Position, "personal values", fmt.Sprintf("the field %s is gone", field))
			case !ok:
				for _, subject := range closed {
					a.closed[subject] = rec.Position
				}
			}
		}
	}
	return nil
}

// unerased finds values that nobody can open, and whose erasure is not on record.
// An erasure that was appended meanwhile stands behind the end that the audit began with.
func (a *audit) unerased(ctx context.Context) error {
	for at := events.Position(-1); len(a.closed) > 0 && at != a.state.Position; {
		at = a.state.Position
		if err := a.through(ctx, 0); err != nil {
			return err
		}
	}
	var first events.SubjectID
	for subject, at := range a.closed {
		if first == "" || at < a.closed[first] || at == a.closed[first] && subject < first {
			first = subject
		}
	}
	if first == "" {
		return nil
	}
	return a.mismatch(a.closed[first], "personal values", fmt.Sprintf("the key of %s is gone, and no event erased it", first))
}
