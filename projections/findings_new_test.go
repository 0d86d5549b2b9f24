// Findings that are handed out as they come, and listed.

package projections_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// Findings are handed out once, those of the clock when it has come, and a list shows no others.
func TestFindingsAreHandedOutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	id := w.token("ci")
	w.append(events.OrganizationStream(w.orgs[0]), w.trail(), events.OrganizationPolicyChanged{After: events.Policy{ReviewEvery: 3600}})
	used := w.append(events.TokenStream(id), w.trail(), events.TokenUsed{Action: "createEvidence"})
	for range 5 {
		w.append(events.TokenStream(id), w.trail(), events.TokenSourceSeen{Agent: events.Personal{Subject: events.OrganizationStream(w.orgs[0]), Value: "x"}})
	}
	w.caughtUp(r)
	list := func(now time.Time) (out []string) {
		t.Helper()
		p, err := r.views.Findings(t.Context(), projections.FindingQuery{Organization: w.orgs[0], Token: id, Count: true, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Nodes() {
			out = append(out, at(string(f.Rule), f.Position-used))
		}
		return out
	}
	now := time.Now()
	if got := list(now); !slices.Equal(got, []string{"new_source 5", "new_source 4", "new_source 3", "new_source 2", "new_source 1"}) {
		t.Errorf("now: %q", got)
	}
	if got := list(now.Add(2 * time.Hour)); len(got) != 6 || got[0] != at("review_overdue", -2) {
		t.Errorf("two hours later: %q", got)
	}
	waiting, err := r.views.Outstanding(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range projections.Rules { // what only comes with time is not open yet
		want := int64(0)
		if rule == projections.RuleNewSource {
			want = 5
		}
		if n, told := waiting.Findings[rule]; n != want || !told {
			t.Errorf("%d findings of %s are open, want %d", n, rule, want)
		}
	}
	var place projections.NewFindings
	var got []string
	for _, ahead := range []time.Duration{0, 0, 0, 0, 2 * time.Hour, 2 * time.Hour, 100 * day, 100 * day} {
		found, next, err := r.views.FindingsAfter(t.Context(), uuid.Nil, place, now.Add(ahead), 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			got = append(got, at(string(f.Rule), f.Position-used))
		}
		place = next
	}
	follow := func(of uuid.UUID) (got []string) {
		var place projections.NewFindings
		for range 20 { // one at a time, as somebody whose connection breaks after each
			found, _, err := r.views.FindingsAfter(t.Context(), of, place, now.Add(100*day), 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(found) == 0 {
				return got
			}
			got = append(got, at(string(found[0].Rule), found[0].Position-used))
			if place, err = projections.NewFindingsBehind("after", found[0].Behind.Cursor()); err != nil {
				t.Fatal(err)
			}
		}
		return append(got, "and so on")
	}
	if one := follow(w.orgs[0]); !slices.Equal(one, got) {
		t.Errorf("one at a time: %q, want %q", one, got)
	}
	if other := follow(uuid.New()); len(other) != 0 {
		t.Errorf("of another organization: %q", other)
	}
	for _, cursor := range []string{"", "nonsense", projections.NewFindings{}.Cursor()[4:]} {
		if n, err := projections.NewFindingsBehind("after", cursor); err == nil {
			t.Errorf("%q is taken for %+v", cursor, n)
		}
	}
	if want := []string{
		"new_source 1", "new_source 2", "new_source 3", "new_source 4", "new_source 5", at("review_overdue", -2),
	}; !slices.Equal(got, want) {
		t.Errorf("handed out %q, want %q", got, want)
	}
}
