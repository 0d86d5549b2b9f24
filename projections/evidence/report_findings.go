// Findings: what the rules found unusual or missing, what people said of it, and when it was closed.

package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

type findings struct {
	triaged map[findingName]triage // the last word on each
}

// findingName is what a finding of an organization is known by.
type findingName struct {
	position events.Position
	rule     string
}

type triage struct {
	status events.FindingStatus
	at     time.Time
	by     string
	note   string
}

// closed is when nobody has to look at a finding any more, nil while somebody has.
func (t triage) closed(resolved *time.Time) *time.Time {
	if t.status == events.FindingClosed || t.status == events.FindingFalsePositive {
		return &t.at
	}
	return resolved
}

func (f *findings) event(_ *State, rec events.Recorded, _ bool) {
	if e, ok := rec.Event.(events.OrganizationFindingTriaged); ok {
		f.triaged[findingName{events.Position(e.At), e.Rule}] = triage{e.Status, rec.RecordedAt, rec.Meta.Actor.Name(), rec.Meta.Reason}
	}
}

func (f *findings) finish(ctx context.Context, p *period, t *Table) error {
	t.Columns = columns("rule", "Rule", "position", "Position", "raised_at", "Raised at", "tokens", "Tokens", "name", "Name of the token", "detail", "Detail",
		"resolved_at", "Resolved at", "status", "Status", "triaged_at", "Triaged at", "triaged_by", "Triaged by", "note", "Note",
		"minutes", "Minutes to the end")
	found, err := p.source.FindingsAsOf(ctx, p.Organization, p.Request.Position, p.To)
	if err != nil {
		return err
	}
	for _, row := range found {
		name := findingName{row.Position, string(row.Rule)}
		word, triaged := f.triaged[name]
		if delete(f.triaged, name); !triaged {
			word.status = events.FindingOpen
		}
		ended := word.closed(row.ResolvedAt)
		if ended != nil && ended.Before(p.From) {
			continue
		}
		detail, err := plainDetail(row.Detail)
		if err != nil {
			return err
		}
		t.row(string(row.Rule), row.Position, row.RaisedAt, tokensOf(row), p.nameOf(row), detail,
			row.ResolvedAt, string(word.status), word.at, word.by, word.note, minutes(row.RaisedAt, ended))
	}
	for _, name := range slices.SortedFunc(maps.Keys(f.triaged), findingName.compare) {
		if word := f.triaged[name]; !word.at.Before(p.From) {
			t.row(name.rule, name.position, nil, []string{}, "", "what showed it was erased", nil, string(word.status), word.at, word.by, word.note, nil)
		}
	}
	return none(t, "nothing was found in the period, and nothing was open")
}

func (n findingName) compare(other findingName) int {
	if n.position != other.position {
		return int(n.position - other.position)
	}
	return strings.Compare(n.rule, other.rule)
}

func tokensOf(row projections.FindingRow) []string {
	ids := []string{}
	if row.Token != nil {
		ids = append(ids, row.Token.String())
	}
	for _, id := range row.Tokens {
		ids = append(ids, id.String())
	}
	return ids
}

func (p *period) nameOf(row projections.FindingRow) string {
	if row.Token == nil {
		return ""
	}
	return p.closing.name(*row.Token, p.Organization)
}

// plainDetail writes a finding's detail the same way, wherever it was kept.
func plainDetail(detail json.RawMessage) (string, error) {
	var members map[string]any
	err := json.Unmarshal(detail, &members)
	if err != nil {
		return "", fmt.Errorf("the detail of a finding: %w", err)
	}
	if len(members) == 0 {
		return "", nil
	}
	text, err := json.Marshal(members) // in the order of the names
	return string(text), err
}
