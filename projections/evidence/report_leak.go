// The leak report: what a token was good for and used for, from where, and what has been refused since.

package evidence

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

type leak struct {
	Request
	token uuid.UUID // of the request, or the one whose value has its fingerprint
	uses  usageSums
	told  []change // what was done to it
}

// refusedSince is the section of what was refused after the token's end.
const refusedSince = "refusals since"

// tokenParameter names the token that a report is about.
const tokenParameter = "token"

// maxOperations bounds what is listed of one token in one section.
const maxOperations = 10_000

func newLeak(r Request) fold {
	return &leak{Request: r, token: r.Token, uses: newUsageSums(maxOperations)}
}

func (l *leak) event(s *State, rec events.Recorded, _ bool) {
	token, _, err := rec.Stream.IDs()
	kind := rec.Stream.Kind()
	if err != nil || kind != events.KindToken && kind != events.KindGrant {
		return
	}
	if e, ok := rec.Event.(events.TokenCreated); ok && l.token == uuid.Nil && l.Fingerprint != "" && e.Fingerprint == l.Fingerprint {
		l.token = token
	}
	if token != l.token {
		return
	}
	switch e := rec.Event.(type) {
	case events.TokenUsed:
		l.use(rec, e.Source, e.Action, e.Resource, max(e.Count, 1), "")
		return
	case events.TokenUseRefused:
		l.use(rec, e.Source, e.Action, e.Resource, max(e.Count, 1), e.Code)
		if c, known := l.credential(s); known && c.EndedAt != nil && !c.EndedAt.After(rec.RecordedAt) {
			l.uses.of(usageKey{l.token, refusedSince, e.Code}).add(max(e.Count, 1), e.Code, rec.RecordedAt)
		}
		return
	case events.TokenSourceSeen:
		return
	}
	l.told = append(l.told, change{rec: slim(rec), what: string(rec.Event.Type())})
}

func (l *leak) use(rec events.Recorded, source events.Position, action, resource string, n int64, code string) {
	add := func(dimension, value string) {
		l.uses.of(usageKey{l.token, dimension, value}).add(n, code, rec.RecordedAt)
	}
	if source > 0 {
		add("source", "source "+Text(int64(source)))
	}
	operation := orNone(action)
	if resource != "" {
		operation += " " + resource
	}
	add("operation", operation)
	if code != "" {
		add("refusal", code)
	}
}

// family is the token with those before and after it in rotations, oldest first.
func family(s *State, token uuid.UUID) []uuid.UUID {
	all := []uuid.UUID{token}
	follow := func(next func(*projections.TokenRow) *uuid.UUID) {
		for id := token; ; {
			row := s.Tokens[id]
			if row == nil || next(row) == nil || slices.Contains(all, *next(row)) {
				return
			}
			id = *next(row)
			all = append(all, id)
		}
	}
	follow(func(r *projections.TokenRow) *uuid.UUID { return r.RotatedFrom })
	follow(func(r *projections.TokenRow) *uuid.UUID { return r.RotatedTo })
	slices.SortFunc(all, func(a, b uuid.UUID) int {
		var begun [2]time.Time
		for i, id := range []uuid.UUID{a, b} {
			if row := s.Tokens[id]; row != nil {
				begun[i] = row.CreatedAt
			}
		}
		return cmp.Or(begun[0].Compare(begun[1]), compareIDs(a, b))
	})
	return all
}

func (l *leak) finish(_ context.Context, p *period, t *Table) error {
	if l.token == uuid.Nil && l.Fingerprint == "" {
		return ErrNoToken
	}
	c, found := l.credential(p.closing)
	if !found || c.Kind == organizationToken && l.Fingerprint != "" && l.Fingerprint != p.closing.Tokens[l.token].Fingerprint {
		// A value that only bears the token's public id is not the token's.
		return ErrTokenUnknown
	}
	t.Parameters = append(t.Parameters, Parameter{tokenParameter, l.token.String()})
	t.Columns = columns("section", "Section", "token", "Token", "value", "Value", "uses", "Uses", "refusals", "Refusals",
		"first_at", "From", "last_at", "To", "position", "Position", "by", "By", "reason", "Reason")
	ended, how := c.within(p.To)
	if ended == nil {
		how = "open: the token still works"
	}
	t.row("exposure window", l.token, how, nil, nil, c.Begun, ended, nil, c.CreatedBy, c.Reason)
	for _, id := range family(p.closing, l.token) {
		relation := "the token itself"
		if id != l.token {
			relation = "of the same rotation"
		}
		if row := p.closing.Tokens[id]; row != nil {
			one := ofToken(*row, p.To)
			last, how := one.within(p.To)
			t.row("lineage", id, strings.TrimSpace(relation+" "+how), nil, nil, one.Begun, last, nil, one.CreatedBy, one.Reason)
		} else {
			t.row("lineage", id, relation, nil, nil, c.Begun, ended, nil, c.CreatedBy, c.Reason)
		}
	}
	for _, m := range l.told {
		t.row("history", l.token, m.what, nil, nil, m.rec.RecordedAt, m.rec.RecordedAt, m.rec.Position, m.rec.Meta.Actor.Name(), m.rec.Meta.Reason)
	}
	for _, section := range []string{"source", "operation", "refusal"} {
		l.section(t, section, ended)
	}
	return nil
}

func (l *leak) credential(s *State) (Credential, bool) {
	if row := s.Tokens[l.token]; row != nil && row.Kind == events.OrganizationKind {
		return ofToken(*row, s.At), true
	}
	if row := s.Grants[Pair{l.token, l.Organization}]; row != nil {
		return ofGrant(*row, s.At), true
	}
	return Credential{}, false
}

// section lists one dimension of what the token did; that it did nothing is a row.
func (l *leak) section(t *Table, section string, ended *time.Time) {
	title := section + "s"
	if section == "refusal" && ended != nil {
		section, title = refusedSince, refusedSince
	}
	sums := l.uses.byKey
	keys := slices.DeleteFunc(slices.Collect(maps.Keys(sums)), func(k usageKey) bool { return k.dimension != section })
	slices.SortFunc(keys, func(a, b usageKey) int {
		return cmp.Or(sums[a].first.Compare(sums[b].first), strings.Compare(a.value, b.value))
	})
	for _, k := range keys {
		sum := sums[k]
		t.row(title, l.token, k.value, sum.uses, sum.refusals, sum.first, sum.last, nil, nil, nil)
	}
	if len(keys) == 0 {
		t.row(title, l.token, "none", int64(0), int64(0), nil, nil, nil, nil, nil)
	}
}
