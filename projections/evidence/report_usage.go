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

// maxValues bounds the values of one token in one dimension; what is more is summed up.
const maxValues = 1000

// otherValues is the sum of what is beyond.
const otherValues = "(all others)"

type usage struct {
	sums  usageSums
	hours map[time.Time]*usageSum
	seen  map[events.Position]time.Time // sources by the position that introduced them
}

// usageSums are sums by key, of which each token and dimension has so many.
type usageSums struct {
	most   int
	byKey  map[usageKey]*usageSum
	values map[usageKey]int // distinct ones so far; the key has no value
}

func newUsageSums(most int) usageSums {
	return usageSums{most: most, byKey: map[usageKey]*usageSum{}, values: map[usageKey]int{}}
}

// of is the sum of a key, or that of all others.
func (u *usageSums) of(k usageKey) *usageSum {
	if sum := u.byKey[k]; sum != nil {
		return sum
	}
	dimension := usageKey{token: k.token, dimension: k.dimension}
	if u.values[dimension]++; u.values[dimension] > u.most {
		k.value = otherValues
	}
	return entry(u.byKey, k)
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
	return &usage{sums: newUsageSums(maxValues), hours: map[time.Time]*usageSum{}, seen: map[events.Position]time.Time{}}
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
	add := func(dimension, value string, source events.Position) {
		sum := u.sums.of(usageKey{token, dimension, value})
		sum.source = source
		sum.add(n, code, rec.RecordedAt)
	}
	hour := rec.RecordedAt.UTC().Truncate(time.Hour)
	entry(u.hours, hour).add(n, code, rec.RecordedAt)
	add("token", "", 0)
	if source > 0 {
		add("source", "source "+Text(int64(source)), source)
	}
	add("action", orNone(action), 0)
	add("hour", hour.Format("15h UTC"), 0)
	add("resource", orNone(resource), 0)
	if code != "" {
		add("refusal", code, 0)
	}
}

func (s *usageSum) add(n int64, code string, at time.Time) {
	if code == "" {
		s.uses += n
	} else {
		s.refusals += n
	}
	if s.first.IsZero() {
		s.first = at
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
			u.sums.of(usageKey{c.ID, "token", ""})
		}
	}
	sums := u.sums.byKey
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b usageKey) int {
		if c := compareIDs(a.token, b.token); c != 0 {
			return c
		}
		if c := cmp.Compare(slices.Index(dimensions, a.dimension), slices.Index(dimensions, b.dimension)); c != 0 {
			return c
		}
		if c := cmp.Compare(sums[a].source, sums[b].source); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for _, k := range keys {
		sum := sums[k]
		var first any
		if k.dimension == "source" && k.value != otherValues {
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
