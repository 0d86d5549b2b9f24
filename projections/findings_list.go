// Asking for findings.

package projections

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// FindingRow is one finding. Organization, Rule and Position are its identity.
type FindingRow struct {
	Organization uuid.UUID            `json:"organization"`
	Rule         Rule                 `json:"rule"`
	Position     events.Position      `json:"position"` // of the event that raised it, or from which its time runs
	RaisedAt     time.Time            `json:"raised_at"`
	Token        *uuid.UUID           `json:"token"`
	Tokens       []uuid.UUID          `json:"tokens"` // where it is about several
	Detail       json.RawMessage      `json:"detail"`
	ResolvedAt   *time.Time           `json:"resolved_at"` // what was awaited has happened
	Status       events.FindingStatus `json:"status"`
	TriagedAt    *time.Time           `json:"triaged_at"`
	TriagedBy    *string              `json:"triaged_by"`
	Note         *string              `json:"note"`
}

// FindingQuery asks for findings of one organization, the newest first. Zero
// fields do not limit.
type FindingQuery struct {
	Organization uuid.UUID // required
	Rules        []Rule
	Statuses     []events.FindingStatus
	Token        uuid.UUID
	Resolved     *bool
	From, To     time.Time // From ≤ raised < To
	Page         PageArgs
	Count        bool
	Now          time.Time // what is raised later is none yet; zero: this instant
}

var findingKeys = map[string]key[FindingRow]{
	"raised_at": {"t.raised_at", keyTime, func(r FindingRow, _ time.Time) string { return timeKey(&r.RaisedAt, "") }},
	"position":  {"t.position", keyPosition, func(r FindingRow, _ time.Time) string { return strconv.FormatInt(int64(r.Position), 10) }},
}

// findingID makes no two rows of an organization equal.
var findingID = key[FindingRow]{"t.rule", keyText, func(r FindingRow, _ time.Time) string { return string(r.Rule) }}

// Findings gives a page. The error is an [InputError] where the question is at fault.
func (v *Views) Findings(ctx context.Context, q FindingQuery) (Page[FindingRow], error) {
	l, err := newList("findings", qualified("t", columnsOf[FindingRow]()), "findings t", findingKeys, findingID,
		[]Order{{Field: "raised_at", Desc: true}, {Field: "position", Desc: true}})
	if err != nil {
		return Page[FindingRow]{}, err
	}
	c := &compiler{now: instant(q.Now)}
	conditions := []string{"t.organization = " + c.arg(q.Organization), "t.raised_at <= " + c.arg(c.now)}
	if len(q.Rules) > 0 {
		conditions = append(conditions, "t.rule = ANY("+c.arg(q.Rules)+"::text[])")
	}
	if len(q.Statuses) > 0 {
		conditions = append(conditions, "t.status = ANY("+c.arg(q.Statuses)+"::text[])")
	}
	if q.Token != uuid.Nil {
		token := c.arg(q.Token)
		conditions = append(conditions, "(t.token = "+token+" OR t.tokens @> ARRAY["+token+"::uuid])")
	}
	if q.Resolved != nil {
		conditions = append(conditions, "(t.resolved_at IS NOT NULL) = "+c.arg(*q.Resolved))
	}
	if !q.From.IsZero() {
		conditions = append(conditions, "t.raised_at >= "+c.arg(q.From))
	}
	if !q.To.IsZero() {
		conditions = append(conditions, "t.raised_at < "+c.arg(q.To))
	}
	return l.page(ctx, v.db, c, strings.Join(conditions, " AND "), q.Page, q.Count)
}

// Finding finds one; not found, also where it is none yet.
func (v *Views) Finding(ctx context.Context, organization uuid.UUID, rule Rule, at events.Position) (row FindingRow, found bool, err error) {
	rows, err := selectRows[FindingRow](ctx, v.db, "findings",
		"t.organization = $1 AND t.rule = $2 AND t.position = $3 AND t.raised_at <= clock_timestamp()", organization, string(rule), int64(at))
	if err != nil || len(rows) == 0 {
		return row, false, err
	}
	return rows[0], true, nil
}
