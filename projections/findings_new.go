// Handing out findings once they are there: to whoever announces them, and to who follows them live.

package projections

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// NewFindings is where the findings end that somebody has taken. The zero value
// stands before the first.
type NewFindings struct {
	// Of those that an event shows, the last one.
	Position     events.Position `json:"position"`
	Organization uuid.UUID       `json:"organization"`
	Rule         Rule            `json:"rule"`
	// Of those that come with time, all up to this instant.
	Until time.Time `json:"until"`
}

// settling is how long an append may be under way before nothing can be recorded
// at an earlier time any more. Findings that come with time wait for that, so
// that none is passed over; it is nothing against the days that they run.
const settling = 30 * time.Second

// NewFinding is a finding, and the place that stands behind it and no other that
// is still to come.
type NewFinding struct {
	FindingRow
	Behind NewFindings
}

// FindingsAfter gives findings that are new behind a place, those of one
// organization or, if that is zero, of all: about limit of each sort, and the
// place behind them. Each is given once, whatever the read model's lag.
func (v *Views) FindingsAfter(
	ctx context.Context, of uuid.UUID, after NewFindings, now time.Time, limit int,
) ([]NewFinding, NewFindings, error) {
	shown, err := selectRows[FindingRow](ctx, v.db, "findings",
		"NOT t.timed AND (t.organization = $1 OR $1 = $2) AND (t.position, t.organization, t.rule) > ($3, $4, $5)"+
			" ORDER BY t.position, t.organization, t.rule LIMIT $6",
		of, uuid.Nil, int64(after.Position), after.Organization, string(after.Rule), limit)
	if err != nil {
		return nil, after, err
	}
	var found []NewFinding
	for _, row := range shown {
		after.Position, after.Organization, after.Rule = row.Position, row.Organization, row.Rule
		found = append(found, NewFinding{row, after})
	}
	until, err := v.settled(ctx, now)
	if err != nil || !until.After(after.Until) {
		return found, after, err
	}
	timed, err := selectRows[FindingRow](ctx, v.db, "findings",
		"t.timed AND (t.organization = $1 OR $1 = $2) AND t.raised_at > $3 AND t.raised_at <= $4"+
			" ORDER BY t.raised_at FETCH FIRST $5 ROWS WITH TIES", of, uuid.Nil, after.Until, until, limit)
	if err != nil {
		return nil, after, err
	}
	for i, row := range timed {
		if i+1 == len(timed) || timed[i+1].RaisedAt.After(row.RaisedAt) { // several may come at one instant
			after.Until = row.RaisedAt.UTC()
		}
		found = append(found, NewFinding{row, after})
	}
	if len(timed) < limit {
		after.Until = until
	}
	return found, after, nil
}

// FindingsMark changes whenever there is a finding more that an event shows, and
// whenever anybody's rights may have changed. Uses that show nothing leave it as it is.
type FindingsMark struct {
	Shown   events.Position // the last event that shows a finding
	Decided events.Position // the last decision
}

// FindingsMark is asked in place of [Views.FindingsAfter], by all who follow at once.
func (v *Views) FindingsMark(ctx context.Context) (m FindingsMark, err error) {
	err = v.db.QueryRow(ctx, `SELECT coalesce((SELECT max(t.position) FROM findings t WHERE NOT t.timed), 0),
		coalesce((SELECT max(position) FROM decisions), 0)`).Scan(&m.Shown, &m.Decided)
	if err != nil {
		return m, fmt.Errorf("look whether there are new findings: %w", err)
	}
	return m, nil
}

// newFindingsList is what the cursors of places are of.
const newFindingsList = "new findings"

// Cursor is the place as clients keep it.
func (n NewFindings) Cursor() string {
	return encodeCursor(cursorForm{cursorVersion, newFindingsList, "", []string{
		strconv.FormatInt(int64(n.Position), 10), n.Organization.String(), string(n.Rule), timeKey(&n.Until, ""),
	}})
}

// NewFindingsBehind reads what [NewFindings.Cursor] wrote. The error is an [InputError].
func NewFindingsBehind(field, cursor string) (n NewFindings, err error) {
	f, err := decodeCursor(field, cursor, newFindingsList, "")
	if err != nil {
		return n, err
	}
	if len(f.Keys) != 4 {
		return n, badCursor(field)
	}
	position, err := strconv.ParseInt(f.Keys[0], 10, 64)
	if err == nil {
		n.Organization, err = uuid.Parse(f.Keys[1])
	}
	if err == nil {
		n.Until, err = time.Parse(keyTimeLayout, f.Keys[3])
	}
	if err != nil || !keyKinds[keyText].valid(f.Keys[2]) {
		return n, badCursor(field)
	}
	n.Position, n.Rule = events.Position(position), Rule(f.Keys[2])
	return n, nil
}

// FromNowOn is the place behind all findings until now: those of events up to
// the head, and those that came with time.
func FromNowOn(head events.Position, now time.Time) NewFindings {
	return NewFindings{Position: head, Organization: uuid.Max, Until: now}
}

// settled is an instant up to which no finding that comes with time can appear
// any more: some time ago, and not beyond what the read model has folded.
func (v *Views) settled(ctx context.Context, now time.Time) (time.Time, error) {
	var folded *time.Time
	err := v.db.QueryRow(ctx, `SELECT b.recorded_at FROM projections p JOIN blocks b ON b.last_position >= p.position
		WHERE p.name = 'findings' AND p.active AND b.last_position > p.position ORDER BY b.last_position LIMIT 1`).Scan(&folded)
	until := now.Add(-settling)
	switch {
	case isNoRows(err): // it is at the head
		return until, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("how far findings are: %w", err)
	case folded.Before(until): // the first block that is missing
		until = folded.Add(-time.Microsecond)
	}
	return until.UTC(), nil
}
