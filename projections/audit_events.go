// Audit events: questions about trails, answered from their segments.

package projections

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// EventQuery asks for events of one trail, in the order of the log. Zero fields
// do not limit.
type EventQuery struct {
	Trail    events.TrailID // required
	Token    uuid.UUID
	Actor    string // an actor's id, or the owner of a personal token
	Types    []events.Type
	From, To time.Time // From ≤ recorded < To
	Page     PageArgs
	Count    bool
}

// segmentsAtOnce is how many segments are read with one statement, at most.
const segmentsAtOnce = 32

// AuditEvents gives a page of events with their leaves. Personal values are not
// opened.
func (v *Views) AuditEvents(ctx context.Context, q EventQuery) (Page[events.Recorded], error) {
	n, backward, err := q.Page.size()
	if err != nil {
		return Page[events.Recorded]{}, err
	}
	after, err := eventCursor("after", q.Page.After)
	if err != nil {
		return Page[events.Recorded]{}, err
	}
	before, err := eventCursor("before", q.Page.Before)
	if err != nil {
		return Page[events.Recorded]{}, err
	}
	found, err := v.scan(ctx, q, after, before, n+1, backward)
	if err != nil {
		return Page[events.Recorded]{}, err
	}
	more := len(found) > n
	found = found[:min(n, len(found))]
	if backward {
		slices.Reverse(found)
	}
	p := Page[events.Recorded]{Edges: make([]Edge[events.Recorded], len(found))}
	for i, rec := range found {
		p.Edges[i] = Edge[events.Recorded]{rec, encodeCursor(cursorForm{cursorVersion, eventList, "", []string{strconv.FormatInt(int64(rec.Position), 10)}})}
	}
	if err := v.eventNeighbours(ctx, q, &p, after, before, more, backward); err != nil {
		return Page[events.Recorded]{}, err
	}
	if q.Count {
		p.Total, err = v.countEvents(ctx, q)
	}
	return p, err
}

const eventList = "events"

// eventCursor gives the position of a cursor, 0 for none.
func eventCursor(field, cursor string) (events.Position, error) {
	if cursor == "" {
		return 0, nil
	}
	f, err := decodeCursor(field, cursor, eventList, "")
	if err != nil {
		return 0, err
	}
	if len(f.Keys) != 1 {
		return 0, badCursor(field)
	}
	p, err := strconv.ParseInt(f.Keys[0], 10, 64)
	if err != nil || p < 1 {
		return 0, badCursor(field)
	}
	return events.Position(p), nil
}

func (v *Views) eventNeighbours(
	ctx context.Context, q EventQuery, p *Page[events.Recorded], after, before events.Position, more, backward bool,
) error {
	p.HasNext, p.HasPrevious = more && !backward, more && backward
	first, last := after+1, before-1
	if len(p.Edges) > 0 {
		first, last = p.Edges[0].Node.Position, p.Edges[len(p.Edges)-1].Node.Position
	}
	if before > 0 && !p.HasNext {
		beyond, err := v.scan(ctx, q, last, 0, 1, false)
		if err != nil {
			return err
		}
		p.HasNext = len(beyond) > 0
	}
	if after > 0 && !p.HasPrevious {
		beyond, err := v.scan(ctx, q, 0, first, 1, true)
		if err != nil {
			return err
		}
		p.HasPrevious = len(beyond) > 0
	}
	return nil
}

// scan finds up to limit events between two positions, both exclusive; 0 is no
// bound. Backward, the last ones come first. It reads few segments first and
// twice as many each time, since where most events match the first ones do.
func (v *Views) scan(ctx context.Context, q EventQuery, after, before events.Position, limit int, backward bool) ([]events.Recorded, error) {
	var found []events.Recorded
	for most := 1 + limit/MaxPage; ; most = min(2*most, segmentsAtOnce) {
		segments, err := v.segments(ctx, q, after, before, backward, most)
		if err != nil {
			return nil, err
		}
		for _, s := range segments {
			recs, err := s.events()
			if err != nil {
				return nil, err
			}
			if backward {
				slices.Reverse(recs)
			}
			for _, rec := range recs {
				if rec.Position > after && (before == 0 || rec.Position < before) && q.matches(rec) {
					if found = append(found, rec); len(found) == limit {
						return found, nil
					}
				}
			}
		}
		if len(segments) < most {
			return found, nil
		}
		last := segments[len(segments)-1]
		if backward {
			before = events.Position(last.FirstPosition)
		} else {
			after = events.Position(last.LastPosition)
		}
	}
}

// segments reads the next segments that may hold an answer.
func (v *Views) segments(ctx context.Context, q EventQuery, after, before events.Position, backward bool, most int) ([]segment, error) {
	c := &compiler{}
	conditions := append(q.conditions(c), "last_position > "+c.arg(int64(after)))
	if before > 0 {
		// The index has the ends of segments: none that begins before the bound ends
		// behind the first one that ends there or later.
		bound := c.arg(int64(before))
		conditions = append(conditions, "first_position < "+bound, `last_position <= coalesce(
			(SELECT min(b.last_position) FROM trails_segments b WHERE b.trail = $1 AND b.last_position >= `+bound+`), `+bound+`)`)
	}
	direction := ""
	if backward {
		direction = " DESC"
	}
	rows, err := v.db.Query(ctx, fmt.Sprintf("SELECT %s FROM trails_segments WHERE %s ORDER BY last_position%s LIMIT %d",
		segmentColumns, strings.Join(conditions, " AND "), direction, most), c.args...)
	if err != nil {
		return nil, fmt.Errorf("read trails: %w", err)
	}
	segments, err := pgx.CollectRows(rows, pgx.RowToStructByPos[segment])
	if err != nil {
		return nil, fmt.Errorf("read trails: %w", err)
	}
	return segments, nil
}

// conditions are what a segment must fulfil to hold an answer.
func (q EventQuery) conditions(c *compiler) []string {
	conditions := []string{"trail = " + c.arg(string(q.Trail))}
	if q.Token != uuid.Nil {
		conditions = append(conditions, "tokens @> ARRAY["+c.arg(q.Token)+"::uuid]")
	}
	if q.Actor != "" {
		conditions = append(conditions, "actors @> ARRAY["+c.arg(text(q.Actor))+"::text]")
	}
	if len(q.Types) > 0 {
		types := make([]string, len(q.Types))
		for i, t := range q.Types {
			types[i] = text(string(t))
		}
		conditions = append(conditions, "types && "+c.arg(types)+"::text[]")
	}
	if !q.From.IsZero() {
		conditions = append(conditions, "last_at >= "+c.arg(q.From))
	}
	if !q.To.IsZero() {
		conditions = append(conditions, "first_at < "+c.arg(q.To))
	}
	return conditions
}

func (q EventQuery) matches(rec events.Recorded) bool {
	if q.Token != uuid.Nil {
		kind := rec.Stream.Kind()
		token, _, err := rec.Stream.IDs()
		if err != nil || token != q.Token || (kind != events.KindToken && kind != events.KindGrant) {
			return false
		}
	}
	return (q.Actor == "" || slices.Contains(actorNames(rec.Meta.Actor), q.Actor)) &&
		(len(q.Types) == 0 || slices.Contains(q.Types, rec.Event.Type())) &&
		(q.From.IsZero() || !rec.RecordedAt.Before(q.From)) &&
		(q.To.IsZero() || rec.RecordedAt.Before(q.To))
}

// countEvents counts by the segments' bounds where nothing but the trail limits,
// since trail positions have no gap; else it looks into every segment.
func (v *Views) countEvents(ctx context.Context, q EventQuery) (n int64, err error) {
	if q.Token == uuid.Nil && q.Actor == "" && len(q.Types) == 0 && q.From.IsZero() && q.To.IsZero() {
		err := v.db.QueryRow(ctx, `SELECT coalesce(max(last), 0) FROM trails_segments WHERE trail = $1`, string(q.Trail)).Scan(&n)
		return n, err
	}
	for after := events.Position(0); ; {
		segments, err := v.segments(ctx, q, after, 0, false, segmentsAtOnce)
		if err != nil {
			return 0, err
		}
		for _, s := range segments {
			recs, err := s.events()
			if err != nil {
				return 0, err
			}
			for _, rec := range recs {
				if q.matches(rec) {
					n++
				}
			}
		}
		if len(segments) < segmentsAtOnce {
			return n, nil
		}
		after = events.Position(segments[len(segments)-1].LastPosition)
	}
}
