// Where the events of a trail come from: the read model of trails, or the log alone.

package evidence

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// Source gives the events of one trail. [projections.Views] is one, [Log] another.
type Source interface {
	// Trail gives the events behind a trail position, in order and without a gap,
	// up to a position of the log; 0 is all that there are.
	Trail(ctx context.Context, trail events.TrailID, after, through events.Position) iter.Seq2[events.Recorded, error]
	// FindingsAsOf gives what the rules had found in an organization before an instant,
	// by events up to a position of the log, 0 for all, in the order of positions and
	// rules. What people said of the findings stands in the trail.
	FindingsAsOf(ctx context.Context, organization uuid.UUID, through events.Position, before time.Time) ([]projections.FindingRow, error)
}

// Blocks is what is needed of the log to read it from the beginning.
type Blocks interface {
	Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error]
}

// Log is the log as a [Source]: it reads every block and trusts no read model.
type Log struct{ Blocks }

// Trail implements [Source].
func (l Log) Trail(ctx context.Context, trail events.TrailID, after, through events.Position) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		seen := events.Position(0)
		for rec, err := range l.All(ctx, through) {
			if err != nil {
				yield(events.Recorded{}, err)
				return
			}
			if rec.Trail != trail {
				continue
			}
			if seen++; rec.TrailPosition != seen {
				yield(events.Recorded{}, fmt.Errorf("trail %s: position %d is its event %d, after %d: %w",
					trail, rec.Position, rec.TrailPosition, seen-1, eventstore.ErrCorrupt))
				return
			}
			if seen > after && !yield(rec, nil) {
				return
			}
		}
	}
}

// FindingsAsOf implements [Source]: it finds them again.
func (l Log) FindingsAsOf(ctx context.Context, organization uuid.UUID, through events.Position, before time.Time) ([]projections.FindingRow, error) {
	return projections.FoldFindings(l.All(ctx, through), organization, before)
}

// All gives every event up to a position; 0 is all that there are.
func (l Log) All(ctx context.Context, through events.Position) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for b, err := range l.Blocks.Blocks(ctx, 0, false) {
			var recs []events.Recorded
			if err == nil {
				recs, err = b.Events()
			}
			if err != nil {
				yield(events.Recorded{}, err)
				return
			}
			for _, rec := range recs {
				if (through > 0 && rec.Position > through) || !yield(rec, nil) {
					return
				}
			}
		}
	}
}

// Point is a moment in the history of the log: right after the event at a
// position, or an instant, which the events recorded then belong to. The zero
// Point is the end of what there is.
type Point struct {
	Position events.Position
	Time     time.Time
}

// before reports whether the point lies before the event.
func (p Point) before(rec events.Recorded) bool {
	return (p.Position > 0 && rec.Position > p.Position) || (!p.Time.IsZero() && rec.RecordedAt.After(p.Time))
}

// ErrTooEarly is returned for a point before the organization existed.
var ErrTooEarly = fmt.Errorf("the organization did not exist yet")
