// Recorded uses, read back from a trail with where they came from.

package projections

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// PastUse is one recorded use, or the sum of several that were recorded as one.
type PastUse struct {
	Position              events.Position
	Token                 uuid.UUID
	At                    time.Time
	Action, Resource, Via string
	Address               netip.Addr // zero: nobody said where it came from
	Erased                bool       // where it came from was said, and cannot be read any more
}

// sourcesKnown bounds what is remembered of sources while uses are read.
const sourcesKnown = 50_000

// PastUses gives a trail's uses from an instant on, in the order of the log. It
// holds a few segments of the trail at a time, however many uses there are.
func (v *Views) PastUses(ctx context.Context, trail events.TrailID, from time.Time) iter.Seq2[PastUse, error] {
	q := EventQuery{Trail: trail, Types: []events.Type{events.TokenUsed{}.Type()}, From: from}
	return func(yield func(PastUse, error) bool) {
		places := map[events.Position]whence{}
		for after := events.Position(0); ; {
			segments, err := v.segments(ctx, q, after, 0, false, segmentsAtOnce)
			if err != nil {
				yield(PastUse{}, err)
				return
			}
			for _, s := range segments {
				if more, err := v.usesIn(ctx, q, s, places, yield); err != nil || !more {
					if err != nil {
						yield(PastUse{}, err)
					}
					return
				}
			}
			if len(segments) < segmentsAtOnce {
				return
			}
			after = events.Position(segments[len(segments)-1].LastPosition)
		}
	}
}

// whence is what is known of a source.
type whence struct {
	address netip.Addr
	erased  bool
}

// usesIn gives the uses of one segment; more is false once nobody wants any.
func (v *Views) usesIn(
	ctx context.Context, q EventQuery, s segment, places map[events.Position]whence, yield func(PastUse, error) bool,
) (more bool, err error) {
	recs, err := s.events()
	if err != nil {
		return false, err
	}
	if err := v.locate(ctx, recs, places); err != nil {
		return false, err
	}
	for _, rec := range recs {
		e, used := rec.Event.(events.TokenUsed)
		if !used || !q.matches(rec) {
			continue
		}
		id, _, err := rec.Stream.IDs()
		if err != nil {
			return false, at(rec, err)
		}
		from := places[e.Source]
		if !yield(PastUse{
			Position: rec.Position, Token: id, At: rec.RecordedAt, Action: e.Action, Resource: e.Resource, Via: e.Via,
			Address: from.address, Erased: from.erased,
		}, nil) {
			return false, nil
		}
	}
	return true, nil
}

// locate looks up the sources that a segment's uses name.
func (v *Views) locate(ctx context.Context, recs []events.Recorded, places map[events.Position]whence) error {
	if len(places) > sourcesKnown {
		clear(places)
	}
	var missing []int64
	for _, rec := range recs {
		if e, used := rec.Event.(events.TokenUsed); used && e.Source != 0 {
			if _, known := places[e.Source]; !known {
				places[e.Source] = whence{erased: true} // until its row says otherwise
				missing = append(missing, int64(e.Source))
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	rows, err := v.db.Query(ctx, `SELECT position, address, agent FROM usage_sources WHERE position = ANY($1)`, missing)
	if err != nil {
		return fmt.Errorf("read sources: %w", err)
	}
	var position int64
	var address, agent *string
	_, err = pgx.ForEachRow(rows, []any{&position, &address, &agent}, func() error {
		from := whence{erased: address == nil && agent == nil}
		if address != nil {
			from.address, _ = netip.ParseAddr(*address)
		}
		places[events.Position(position)] = from
		return nil
	})
	if err != nil {
		return fmt.Errorf("read sources: %w", err)
	}
	return nil
}
