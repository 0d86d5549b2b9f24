// Idle tokens end by the policy, and those in use do not.

package scheduler_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

func TestIdleTokensEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	used, idle := w.token("used", 300*day), w.token("idle", 300*day)
	out, err := w.directory.Tokens.CreatePersonalToken(t.Context(), w.owner, aggregate.NewPersonalToken{
		Organizations: []uuid.UUID{w.org}, NewToken: aggregate.NewToken{Name: "laptop"},
	})
	must(t, err)
	record := func(stream events.StreamID, e events.Event) time.Time {
		t.Helper()
		r, err := w.log.Append(t.Context(), events.Request{Batches: []events.Batch{{
			Stream: stream, Trail: events.OrganizationTrail(w.org), Meta: events.Meta{Actor: w.owner.Principal.Actor}, Events: []events.Event{e},
		}}})
		must(t, err)
		return r.RecordedAt
	}
	look := func(at time.Time) []string {
		t.Helper()
		before := w.settle()
		w.clock.at = at
		must(t, w.scheduler().LookForIdle(t.Context()))
		got := w.since(before)
		slices.Sort(got)
		return got
	}
	if got := look(time.Now().Add(100 * day)); got != nil {
		t.Errorf("without a policy: %q", got)
	}
	record(events.OrganizationStream(w.org), events.OrganizationPolicyChanged{After: events.Policy{IdleExpiry: 3600}})
	last := record(events.TokenStream(used), events.TokenUsed{Action: "createEvidence"})
	const due = time.Hour + 15*time.Second
	if got := look(last.Add(time.Hour)); got != nil {
		t.Errorf("too early: %q", got)
	}
	// A moment before the used token is idle, all others have been: the owner's first token, too.
	want := []string{"grant.ended", "grant.ended", "token.expired", "token.organizations_changed", "token.organizations_changed"}
	if got := look(last.Add(due - time.Microsecond)); !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
	if got := look(last.Add(due)); !slices.Equal(got, []string{"token.expired"}) {
		t.Errorf("the used one: %q", got)
	}
	if again := look(last.Add(day)); again != nil {
		t.Errorf("again: %q", again)
	}
	for _, id := range []uuid.UUID{used, idle} {
		var token aggregate.Token
		for rec, err := range w.log.ReadStream(t.Context(), events.TokenStream(id), 0) {
			must(t, err)
			token = aggregate.TokenDecider.Evolve(token, rec.Event.(events.TokenEvent))
		}
		if token.Ended != aggregate.Expired {
			t.Errorf("%s: %+v", id, token)
		}
	}
	var grant aggregate.Grant
	for rec, err := range w.log.ReadStream(t.Context(), events.GrantStream(out.ID, w.org), 0) {
		must(t, err)
		grant = aggregate.GrantDecider.Evolve(grant, rec.Event.(events.GrantEvent))
	}
	if grant.Live || grant.Cause != events.CausePolicy {
		t.Errorf("the grant: %+v", grant)
	}
}
