// The audit of a log whose beginning was archived and is not at hand: it begins with the first epoch
// after the cut, and says what it took from there.

package evidence

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

// cut looks where the database begins. Where it is not at the first event, an event has to say
// so; without the archives the audit then begins later.
func (a *audit) cut(ctx context.Context) error {
	first, err := a.Log.First(ctx)
	if err != nil || first == 1 {
		return err
	}
	archived, err := a.Log.Archived(ctx)
	if err != nil {
		return err
	}
	if archived < first-1 {
		return a.mismatch(first, "blocks", fmt.Sprintf("the database begins at position %d, and no event says that what was before is archived", first))
	}
	for _, err := range a.Log.Blocks(ctx, 0, false) {
		if errors.Is(err, events.ErrArchived) && a.Sealed != nil {
			return a.resume(ctx, first-1)
		}
		if err != nil && !errors.Is(err, eventstore.ErrCorrupt) { // of that, the reading itself tells
			return err
		}
		break
	}
	return nil
}

// resume begins with the first epoch that holds the last archived event. What the epoch has signed
// proves the trees that it takes from the tables, and the events between; the rows that decisions make are
// taken from their copies.
func (a *audit) resume(ctx context.Context, archived events.Position) error {
	epoch, err := a.Sealed.Holding(ctx, archived)
	if err != nil {
		return fmt.Errorf("the epoch after the archived events: %w", err)
	}
	if a.all, err = a.Sealed.EventsFrontier(ctx, int64(archived)); err == nil {
		err = a.upTo(ctx, epoch)
	}
	if err != nil {
		return err
	}
	if a.trails, err = a.Sealed.Trails(ctx, epoch); err != nil {
		return err
	}
	if a.indexes, err = a.Sealed.Organizations(ctx, epoch); err != nil {
		return err
	}
	end := events.Position(epoch.Epoch.Size)
	for rec, err := range a.Log.Decisions(ctx, 0) {
		if err != nil {
			return err
		}
		if rec.Position > end {
			break
		}
		if err := a.state.Apply(rec); err != nil {
			return a.mismatch(rec.Position, "decisions", err.Error())
		}
	}
	a.state.Position, a.changed, a.from = end, end, epoch.Epoch.Number
	a.done.Position, a.done.Archived, a.done.From, a.done.Trails = end, archived, end, len(a.trails)
	return nil
}

// upTo hashes the events between the cut and the epoch, which has signed what they come to.
func (a *audit) upTo(ctx context.Context, epoch sealer.Sealed) error {
	for b, err := range a.Log.Blocks(ctx, events.Position(a.all.Size()), false) {
		if a.all.Size() >= epoch.Epoch.Size {
			break
		}
		if err == nil {
			err = b.Lines(func(line eventstore.Line) error {
				a.all.Append(merkle.LeafHash(line.Leaf))
				return nil
			})
		}
		if errors.Is(err, eventstore.ErrCorrupt) {
			return a.mismatch(events.Position(a.all.Size()+1), "blocks", err.Error())
		}
		if err != nil {
			return err
		}
	}
	if a.all.Size() != epoch.Epoch.Size || a.all.Root() != epoch.Epoch.Root {
		return a.mismatch(events.Position(a.all.Size()), fmt.Sprintf("epoch %d: events tree", epoch.Epoch.Number),
			"the events after the archived ones, or what was left of their tree, are not those that were signed")
	}
	return nil
}
