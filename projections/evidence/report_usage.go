// Usage and access patterns: by token, source, action, resource and hour; sources seen first; refusals.

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
)

// maxResources bounds the distinct resources of one token; what is more is summed up.
const maxResources = 1000

type usage struct {
	sums  map[usageKey]*usageSum
	kinds map[uuid.UUID]int // distinct resources by token
	hours map[time.Time]*usageSum
	seen  map[events.Position]time.Time // sources by the position that introduced them
}

// usageKey is one line of the table.
type usageKey struct {
	token     uuid.UUID
	dimension string
	value     string
}

type usageSum struct {
	uses, refusals int64
	first, last    time.Time
	source         events.Position
}

// The dimensions of usage, in the order of the table.
var dimensions = []string{"token", "source", "action", "resource", "hour", "refusal"}

func newUsage(Request) fold {
	return &usage{sums: map[usageKey]*usageSum{}, kinds: map[uuid.UUID]int{}, hours: map[time.Time]*usageSum{}, seen: map[events.Position]time.Time{}}
}

func (u *usage) event(_ *State, rec events.Recorded, inside bool) {
	switch e := rec.Event.(type) {
	case events.TokenSourceSeen:
		u.seen[rec.Position] = rec.RecordedAt
	case events.TokenUsed:
		if inside {
			u.use(rec, e.Source, e.Action, e.Resource, max(e.Count, 1), "")
		}
	case events.TokenUseRefused:
		if inside {
			u.use(rec, e.Source, e.Action, e.Resource, max(e.Count, 1), e.Code)
		}
	}
}

func (u *usage) use(rec events.Recorded, source events.Position, action, resource string, n int64, code string) {
	token, _, err := rec.Stream.IDs()
	if err != nil {
		return
	}
	add := func(dimension, value string) *usageSum {
		k := usageKey{token, dimension, value}
		sum := u.sums[k]
		if sum == nil {
			sum = &usageSum{first: rec.RecordedAt}
			u.sums[k] = sum
		}
		sum.add(n, code, rec.RecordedAt)
		return sum
	}
	hour := rec.RecordedAt.UTC().Truncate(time.Hour)
	entry(u.hours, hour).add(n, code, rec.RecordedAt)
	add("token", "")
	if source > 0 {
		add("source", "source "+Text(int64(source))).source = source
	}
	add("action", orNone(action))
	add("hour", hour.Format("15h UTC"))
	if u.sums[usageKey{token, "resource", orNone(resource)}] == nil {
		if u.kinds[token]++; u.kinds[token] > maxResources {
			resource = "(all others)"
		}
	}
	add("resource", orNone(resource))
	if code != "" {
		add("refusal", code)
	}
}

func (s *usageSum) add(n int64, code string, at time.Time) {
	if code == "" {
		s.uses += n
	} else {
		s.refusals += n
	}
	s.last = at
}

func orNone(s string) string {
	if s == "" {
		return "(not said)"
	}
	return s
}

func (u *usage) finish(_ context.Context, p *period, t *Table) error {
	t.Columns = columns("token", "Token", "name", "Name", "dimension", "By", "value", "Value", "uses", "Uses", "refusals", "Refusals",
		"first_at", "First", "last_at", "Last", "first_seen", "Source first seen in the period")
	for _, c := range p.closing.Credentials() { // a token without uses is a row
		if !c.Begun.Before(p.From) || c.LiveAt(p.From) {
			entry(u.sums, usageKey{c.ID, "token", ""})
		}
	}
	keys := slices.SortedFunc(maps.Keys(u.sums), func(a, b usageKey) int {
		if c := compareIDs(a.token, b.token); c != 0 {
			return c
		}
		if c := cmp.Compare(slices.Index(dimensions, a.dimension), slices.Index(dimensions, b.dimension)); c != 0 {
			return c
		}
		if c := cmp.Compare(u.sums[a].source, u.sums[b].source); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for _, k := range keys {
		sum := u.sums[k]
		var first any
		if k.dimension == "source" {
			first = !u.seen[sum.source].Before(p.From)
		}
		t.row(k.token, p.closing.name(k.token, p.Organization), k.dimension, k.value, sum.uses, sum.refusals, sum.first, sum.last, first)
	}
	t.Charts = []Chart{u.chart(p)}
	return none(t, "no token existed in the period")
}

// maxPoints is how many points a chart of usage has at most.
const maxPoints = 60

// chart is usage over time, in steps that make it at most so many points.
func (u *usage) chart(p *period) Chart {
	step := time.Hour
	start := p.From.Truncate(time.Hour)
	if start.Before(p.began) {
		start = p.began.Truncate(time.Hour)
	}
	for p.To.Sub(start) > maxPoints*step {
		step *= 2
	}
	c := Chart{Title: "Usage over time", Kind: Lines, Series: []Series{{Name: "uses"}, {Name: "refusals"}}}
	for at := start; at.Before(p.To); at = at.Add(step) {
		var uses, refusals int64
		for h := at; h.Before(at.Add(step)); h = h.Add(time.Hour) {
			if sum := u.hours[h]; sum != nil {
				uses, refusals = uses+sum.uses, refusals+sum.refusals
			}
		}
		c.Labels = append(c.Labels, at.Format("2006-01-02 15h"))
		c.Series[0].Values = append(c.Series[0].Values, uses)
		c.Series[1].Values = append(c.Series[1].Values, refusals)
	}
	return c
}
