// Reading one trail from its segments, in order, without holding more than a few of them.

package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// ErrTrail is returned where a trail's segments do not hold all of its events.
var ErrTrail = errors.New("the read model of the trail has a gap")

// Trail gives the events of a trail behind a trail position, in order and
// without a gap, up to a position of the log; 0 is all that the read model has.
// Personal values are not opened. The events share memory with their segment.
func (v *Views) Trail(ctx context.Context, trail events.TrailID, after, through events.Position) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for {
			segments, err := v.trailSegments(ctx, trail, after, through)
			for _, s := range segments {
				var recs []events.Recorded
				if recs, err = s.events(); err != nil {
					break
				}
				for _, rec := range recs {
					if rec.TrailPosition <= after {
						continue
					}
					if through > 0 && rec.Position > through {
						return
					}
					if rec.TrailPosition != after+1 {
						err = fmt.Errorf("%w: after number %d of trail %s comes %d", ErrTrail, after, trail, rec.TrailPosition)
						break
					}
					after = rec.TrailPosition
					if !yield(rec, nil) {
						return
					}
				}
			}
			if err != nil {
				yield(events.Recorded{}, err)
				return
			}
			if len(segments) < segmentsAtOnce {
				return
			}
		}
	}
}

func (v *Views) trailSegments(ctx context.Context, trail events.TrailID, after, through events.Position) ([]segment, error) {
	rows, err := v.db.Query(ctx, fmt.Sprintf(`SELECT %s FROM trails_segments
		WHERE trail = $1 AND first >= coalesce((SELECT max(first) FROM trails_segments WHERE trail = $1 AND first <= $2), 0)
			AND ($3 = 0 OR first_position <= $3) ORDER BY first LIMIT %d`, segmentColumns, segmentsAtOnce),
		string(trail), int64(after)+1, int64(through))
	if err != nil {
		return nil, fmt.Errorf("read trails: %w", err)
	}
	segments, err := pgx.CollectRows(rows, pgx.RowToStructByPos[segment])
	if err != nil {
		return nil, fmt.Errorf("read trails: %w", err)
	}
	return segments, nil
}
