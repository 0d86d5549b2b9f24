// What is asked of usage is what the log says, whether it stands in tokens' own rows or in the tables behind them.

package projections_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// counted is what a test counts itself of one token in one trail.
type counted struct {
	projections.Usage
	hours   map[time.Time]projections.UsageHour
	actions map[string]projections.UsageAction
	sources map[events.Position]projections.UsageSource
}

type tokenInTrail struct {
	token uuid.UUID
	trail events.TrailID
}

// count folds the log in the plainest way.
func (w *world) count() map[tokenInTrail]*counted {
	all := map[tokenInTrail]*counted{}
	for rec, err := range w.log.ReadAll(w.t.Context(), 0) {
		if err != nil {
			w.t.Fatal(err)
		}
		var uses, refusals int64
		var action string
		var source events.Position
		switch e := rec.Event.(type) {
		case events.TokenUsed:
			uses, action, source = max(e.Count, 1), e.Action, e.Source
		case events.TokenUseRefused:
			refusals, action, source = max(e.Count, 1), e.Action, e.Source
		default:
			continue
		}
		token, _, _ := rec.Stream.IDs()
		c := all[tokenInTrail{token, rec.Trail}]
		if c == nil {
			c = &counted{
				hours:   map[time.Time]projections.UsageHour{},
				actions: map[string]projections.UsageAction{}, sources: map[events.Position]projections.UsageSource{},
			}
			all[tokenInTrail{token, rec.Trail}] = c
		}
		at := rec.RecordedAt.Truncate(time.Hour)
		h, a, s := c.hours[at], c.actions[action], c.sources[source]
		c.Uses, h.Uses, a.Uses, s.Uses = c.Uses+uses, h.Uses+uses, a.Uses+uses, s.Uses+uses
		c.Refusals, h.Refusals, a.Refusals, s.Refusals = c.Refusals+refusals, h.Refusals+refusals, a.Refusals+refusals, s.Refusals+refusals
		if uses > 0 {
			last := rec.RecordedAt
			c.LastUsedAt, a.LastUsedAt, s.LastUsedAt = &last, &last, &last
		}
		h.Hour, a.Action, s.Position = at, action, source
		c.hours[at], c.actions[action] = h, a
		if source != 0 {
			c.sources[source] = s
		}
	}
	return all
}

// crowd records uses and refusals of more kinds than a token's row holds, and one
// token that has few.
func (w *world) crowd(kinds int) {
	quiet, busy := w.token("quiet"), w.token("busy")
	random := rand.New(rand.NewPCG(3, 4))
	for _, token := range []uuid.UUID{quiet, busy} {
		var sources []events.Position
		for i := range 3 {
			sources = append(sources, w.append(events.TokenStream(token), w.trail(), events.TokenSourceSeen{
				Address: events.Personal{Subject: events.OrganizationStream(w.orgs[0]), Value: fmt.Sprintf("192.0.2.%d", i)},
			}))
		}
		most := kinds
		if token == quiet {
			most = 2
		}
		for range 120 {
			action := fmt.Sprintf("action %d", random.IntN(most))
			switch n := random.IntN(20); {
			case n == 0:
				w.append(events.TokenStream(token), w.trail(), events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Action: action, Count: 3})
				continue
			case n == 1:
				action = "an action\tof two\nlines"
			}
			w.append(events.TokenStream(token), w.trail(), events.TokenUsed{Action: action, Source: sources[random.IntN(len(sources))]})
		}
	}
}

func TestUsageIsWhatTheLogSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	w.crowd(20)
	w.caughtUp(r)
	for of, want := range w.count() {
		for _, trail := range []events.TrailID{of.trail, ""} {
			asked, err := r.views.Usage(t.Context(), []uuid.UUID{of.token}, trail)
			if err != nil {
				t.Fatal(err)
			}
			lately, err := r.views.UsageSince(t.Context(), of.token, trail, time.Now().Add(-24*time.Hour), 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []projections.Usage{asked[of.token], lately.Usage} {
				if got.Uses != want.Uses || got.Refusals != want.Refusals || !got.LastUsedAt.Equal(*want.LastUsedAt) {
					t.Errorf("in trail %q: %+v, the log says %+v", trail, got, want.Usage)
				}
			}
			hours, err := r.views.UsageHours(t.Context(), of.token, trail, 1000)
			same(t, "hours", want.hours, hours, err, func(h projections.UsageHour) (time.Time, projections.UsageHour) {
				h.Hour = h.Hour.UTC()
				return h.Hour, h
			})
			actions, err := r.views.UsageActions(t.Context(), of.token, trail, 1000)
			for _, list := range [][]projections.UsageAction{actions, lately.Actions} {
				same(t, "actions", want.actions, list, err, func(a projections.UsageAction) (string, projections.UsageAction) {
					a.LastUsedAt = utc(a.LastUsedAt)
					return a.Action, a
				})
			}
			sources, err := r.views.UsageSources(t.Context(), of.token, trail, 1000)
			for _, list := range [][]projections.UsageSource{sources, lately.Sources} {
				same(t, "sources", want.sources, list, err, func(s projections.UsageSource) (events.Position, projections.UsageSource) {
					s.Address, s.FirstSeenAt, s.LastUsedAt = nil, time.Time{}, utc(s.LastUsedAt)
					return s.Position, s
				})
			}
		}
		at, found, err := r.views.LastUse(t.Context(), of.token, of.trail, 0)
		if err != nil || !found || !at.Equal(*want.LastUsedAt) {
			t.Errorf("last use %v %t %v, the log says %v", at, found, err, want.LastUsedAt)
		}
	}
}

func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	in := at.UTC()
	return &in
}

// same compares a list with what was counted, row by row.
func same[K comparable, V any](t *testing.T, what string, want map[K]V, list []V, err error, plain func(V) (K, V)) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	got := map[K]V{}
	for _, v := range list {
		k, v := plain(v)
		got[k] = v
	}
	if len(got) != len(list) || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, the log says %+v", what, list, want)
	}
}
