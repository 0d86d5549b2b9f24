// Findings as they were: at any point of the log, and what an erasure leaves of them.

package projections_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// erased is the story as a log tells it whose erased values nobody can read any more.
func (s *story) erased() *story {
	again := *s
	again.log = slices.Clone(s.log)
	for i, rec := range again.log {
		e, ok := rec.Event.(events.TokenSourceSeen)
		if !ok {
			continue
		}
		for _, later := range again.log[i:] {
			if events.ErasedBy(later.Stream, later.Event) == e.Address.Subject {
				e.Address.Value, e.Agent.Value = "", ""
				again.log[i].Event = e
			}
		}
	}
	return &again
}

// What is rebuilt after an erasure has the same findings, and remembers the same.
func TestFindingsAreTheSameAfterAnErasureAndARebuild(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	compared := 0
	for _, c := range stories {
		s := newStory(t)
		c.tell(s)
		again := s.erased()
		if reflect.DeepEqual(s.log, again.log) {
			continue
		}
		compared++
		rows, _ := g.fold(s, whole)
		rebuilt, _ := g.fold(again, whole)
		if !slices.Equal(rows, rebuilt) {
			t.Errorf("%s: rebuilt\n%s\nand before\n%s", c.name, strings.Join(rebuilt, "\n"), strings.Join(rows, "\n"))
		}
	}
	if compared < 2 {
		t.Errorf("%d stories have an erasure", compared)
	}
}

// What is folded in memory, and what the versions of rows tell, is what there was.
func TestFindingsAsTheyWere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	id := w.token("ci")
	policy := func(p events.Policy) {
		w.append(events.OrganizationStream(w.orgs[0]), w.trail(), events.OrganizationPolicyChanged{After: p})
	}
	source := func(value string) {
		w.append(events.TokenStream(id), w.trail(), events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(w.orgs[0]), Value: value}})
	}
	policy(events.Policy{ReviewEvery: 3600, RotationAge: 1})
	source("192.0.2.1")
	w.append(events.TokenStream(id), w.trail(), events.TokenUsed{Action: "createEvidence"})
	source("198.51.100.1")
	policy(events.Policy{ReviewEvery: 7200, RotationAge: 3600}) // a finding that was due is due later
	policy(events.Policy{})
	policy(events.Policy{RotationAge: 1})
	w.append(events.TokenStream(id), w.trail(), events.TokenReviewed{})
	source("203.0.113.1")
	last := w.append(events.TokenStream(id), w.trail(), events.TokenRevoked{})
	w.caughtUp(r)
	var all []events.Recorded
	for rec, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
	found := 0
	for _, ahead := range []time.Duration{time.Microsecond, 2 * time.Hour, 100 * day} {
		for i, rec := range all[:last] {
			before := rec.RecordedAt.Add(ahead)
			want, err := projections.FoldFindings(func(yield func(events.Recorded, error) bool) {
				for _, one := range all[:i+1] {
					if !yield(one, nil) {
						return
					}
				}
			}, w.orgs[0], before)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.views.FindingsAsOf(t.Context(), w.orgs[0], rec.Position, before)
			if err != nil {
				t.Fatal(err)
			}
			found += len(want)
			if a, b := fmt.Sprint(said(t, got)), fmt.Sprint(said(t, want)); a != b {
				t.Errorf("at %d, %s ahead: kept\n%s\nfolded\n%s", rec.Position, ahead, a, b)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d findings were compared", found)
	}
}

// said is what findings say, whichever way their JSON is written.
func said(t *testing.T, rows []projections.FindingRow) (out []any) {
	t.Helper()
	for _, row := range rows {
		var one map[string]any
		text, err := json.Marshal(row)
		if err == nil {
			err = json.Unmarshal(text, &one)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"raised_at", "resolved_at"} {
			if at, ok := one[name].(string); ok {
				instant, err := time.Parse(time.RFC3339Nano, at)
				if err != nil {
					t.Fatal(err)
				}
				one[name] = instant.UnixMicro()
			}
		}
		out = append(out, one)
	}
	return out
}
