// The verifier on a real log: what it allows, what it refuses and why, and that
// it is never behind what the log holds when it matters.

package verifier_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func TestDecisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	other := newID()
	w.append(events.OrganizationStream(other), events.OrganizationTrail(other), events.OrganizationCreated{Index: 1, Name: "other", DisplayName: "Other"})
	ask := func(value string) verifier.Query { return verifier.Query{Value: value, Action: "createEvidence"} }
	org := func(facts ...events.Event) verifier.Query {
		id, value := w.organizationToken("evidence:write")
		if len(facts) > 0 {
			w.append(events.TokenStream(id), w.trail(), facts...)
		}
		return ask(value)
	}
	goodID, good := w.organizationToken("evidence:write")
	wrong, err := secret.New(secret.Organization, secret.ID(goodID), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, never := w.organizationToken("control:read")
	_, mine := w.personalToken()
	_, narrow := w.personalToken("control:read")
	endedID, ended := w.personalToken()
	w.append(events.GrantStream(endedID, w.org), w.trail(), events.GrantEnded{Cause: events.CauseOrganization})
	past, future := w.now().Add(-time.Second), w.now().Add(time.Hour)
	for _, c := range []struct {
		name string
		q    verifier.Query
		want verifier.Code
	}{
		{"an organization token with the scope", ask(good), ""},
		{"a scope that is named", verifier.Query{Value: good, Scope: "evidence:read"}, ""},
		{"two scopes that are named", verifier.Query{Value: good, Scope: "evidence:read control:read"}, verifier.ScopeInsufficient},
		{"for its own organization", verifier.Query{Value: good, Organization: w.org, Action: "createEvidence"}, ""},
		{"a personal token has its owner's rights", ask(mine), ""},
		{"a personal token with scopes has only those", ask(narrow), verifier.ScopeInsufficient},
		{"nonsense", ask("tola_nonsense"), verifier.Malformed},
		{"a secret that is not this token's", ask(wrong.Reveal()), verifier.WrongValue},
		{"another organization asks", verifier.Query{Value: good, Organization: other, Action: "createEvidence"}, verifier.OtherOrganization},
		{"an action that nobody mapped", verifier.Query{Value: good, Action: "launch"}, verifier.ActionUnknown},
		{"a scope that it lacks", ask(never), verifier.ScopeInsufficient},
		{"revoked", org(events.TokenRevoked{}), verifier.Revoked},
		{"deleted", org(events.TokenRevoked{}, events.TokenDeleted{}), verifier.Deleted},
		{"suspended", org(events.TokenSuspended{}), verifier.Suspended},
		{"suspended until later", org(events.TokenSuspended{Until: future}), verifier.Suspended},
		{"suspended until before", org(events.TokenSuspended{Until: past}), ""},
		{"resumed", org(events.TokenSuspended{}, events.TokenResumed{}), ""},
		{"its deadline moved into the past", org(events.TokenExpiryChanged{ExpiresAt: past}), verifier.Expired},
		{"replaced, overlap over", org(events.TokenRotated{Successor: newID(), Until: past}), verifier.Replaced},
		{"replaced, overlap not over", org(events.TokenRotated{Successor: newID(), Until: future}), ""},
		{"its scopes were narrowed", org(events.TokenScopesChanged{Scopes: []string{"control:read"}}), verifier.ScopeInsufficient},
		{"a grant that the organization ended", verifier.Query{Value: ended, Organization: w.org, Action: "createEvidence"}, verifier.NotGranted},
	} {
		w.caughtUp(v)
		d := w.verify(v, c.q)
		if d.Code != c.want || d.Allowed != (c.want == "") {
			t.Errorf("%s: got %q, allowed %v; want %q", c.name, d.Code, d.Allowed, c.want)
		}
		if d.Allowed != (d.Position > 0) {
			t.Errorf("%s: allowed %v at position %d", c.name, d.Allowed, d.Position)
		}
	}
}

func TestAllowedUseIsDurableWithItsSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	id, value := w.organizationToken("evidence:write")
	q := verifier.Query{
		Value: value, Action: "createEvidence", Resource: "evidence/1", Via: "test", RequestID: "request-1",
		Address: netip.MustParseAddr("192.0.2.1"), Agent: "curl/8",
	}
	first, second := w.verify(v, q), w.verify(v, q)
	if !first.Allowed || !second.Allowed || second.Position != first.Position+1 {
		t.Fatalf("got %+v then %+v", first, second)
	}
	var uses []events.TokenUsed
	var seen []events.Position
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch e := r.Event.(type) {
		case events.TokenUsed:
			uses = append(uses, e)
			if r.Meta.Correlation != "request-1" || r.Meta.Actor != events.OrganizationToken(id) || r.Trail != w.trail() {
				t.Errorf("use with %+v in trail %s", r.Meta, r.Trail)
			}
		case events.TokenSourceSeen:
			seen = append(seen, r.Position)
			if e.Address.Value != "192.0.2.1" || e.Agent.Value != "curl/8" {
				t.Errorf("source: got %q, %q", e.Address.Value, e.Agent.Value)
			}
		}
	}
	if len(seen) != 1 || len(uses) != 2 || uses[0].Source != seen[0] || uses[1].Source != seen[0] {
		t.Errorf("sources at %v, uses %+v; want both uses to cite the one source", seen, uses)
	}
	if uses[0].Action != "createEvidence" || uses[0].Resource != "evidence/1" || uses[0].Via != "test" {
		t.Errorf("got %+v", uses[0])
	}
}

// TestNoUseAfterRevocation races uses on two verifiers against what ends them.
// The oracle reads the log alone.
func TestNoUseAfterRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	verifiers := []*verifier.Verifier{w.verifier(), w.verifier()}
	const rounds = 40
	for round := range rounds {
		id, value := w.personalToken()
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for _, v := range verifiers {
			for range 4 {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						d, err := v.Verify(t.Context(), verifier.Query{Value: value, Organization: w.org, Action: "createEvidence"})
						if err != nil && !errors.Is(err, verifier.ErrUnsettled) {
							t.Error(err)
							return
						}
						if err == nil && !d.Allowed && d.Code != verifier.Unknown {
							return
						}
					}
				})
			}
		}
		end := map[int]func() events.Receipt{
			0: func() events.Receipt {
				return w.append(events.TokenStream(id), events.UserTrail(w.user), events.TokenRevoked{})
			},
			1: func() events.Receipt {
				return w.append(events.GrantStream(id, w.org), w.trail(), events.GrantEnded{Cause: events.CauseOrganization})
			},
			2: func() events.Receipt {
				return w.append(events.TokenStream(id), events.UserTrail(w.user), events.TokenScopesChanged{Scopes: []string{"control:read"}})
			},
		}[round%3]()
		time.AfterFunc(5*time.Second, func() { close(stop) })
		wg.Wait()
		for r, err := range w.log.ReadAll(t.Context(), end.Last()) {
			if err != nil {
				t.Fatal(err)
			}
			if _, used := r.Event.(events.TokenUsed); used && r.Stream == events.TokenStream(id) {
				t.Errorf("round %d: a use at %d stands after what refuses it at %d", round, r.Position, end.Last())
			}
		}
	}
}

// TestLostRoleRefusesAtOnce: the decision depends on streams besides the token's.
func TestLostRoleRefusesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	_, value := w.personalToken("evidence:write")
	q := verifier.Query{Value: value, Organization: w.org, Action: "createEvidence"}
	member := events.MembershipStream(w.org, w.user)
	for _, step := range []struct {
		name   string
		stream events.StreamID
		trail  events.TrailID
		fact   events.Event
		want   verifier.Code
	}{
		{"as a member, without rights", member, w.trail(), events.MembershipRoleChanged{Before: events.RoleOwner, Role: events.RoleMember}, verifier.ScopeInsufficient},
		{"the organization lets members", events.OrganizationStream(w.org), w.trail(), events.OrganizationPolicyChanged{After: events.Policy{MemberScopes: []string{"evidence:write"}}}, ""},
		{"single sign-on is demanded", events.OrganizationStream(w.org), w.trail(), events.OrganizationPolicyChanged{After: events.Policy{MemberScopes: []string{"evidence:write"}, SSORequired: true}}, verifier.SSORequired},
		{"the membership ends", member, w.trail(), events.MembershipEnded{}, verifier.NotMember},
		{"the user is deactivated", events.UserStream(w.user), events.UserTrail(w.user), events.UserDeactivated{}, verifier.UserDeactivated},
	} {
		w.append(step.stream, step.trail, step.fact)
		// Not awaited: the log itself must refuse what this memory does not know yet.
		if d := w.verify(v, q); d.Allowed && step.want != "" {
			t.Errorf("%s: allowed at %d", step.name, d.Position)
		}
		w.caughtUp(v)
		if d := w.verify(v, q); d.Code != step.want {
			t.Errorf("%s: got %q, want %q", step.name, d.Code, step.want)
		}
	}
}

// TestPersonalTokenWithoutOrganization: at the ledger it manages its owner's own
// things, recorded in the owner's trail; nowhere else is it of use.
func TestPersonalTokenWithoutOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	for _, c := range []struct {
		name   string
		scopes []string
		q      verifier.Query
		want   verifier.Code
	}{
		{"at the ledger", nil, verifier.Query{Ledger: true, Action: "personalAccessTokens", Scope: "token:read"}, ""},
		{"at the ledger, within its scopes", []string{"token:read"}, verifier.Query{Ledger: true, Scope: "token:read"}, ""},
		{"at the ledger, beyond its scopes", []string{"token:read"}, verifier.Query{Ledger: true, Scope: "token:write"}, verifier.ScopeInsufficient},
		{"elsewhere", nil, verifier.Query{Action: "createEvidence"}, verifier.NotGranted},
	} {
		id, value := w.token(events.TokenCreated{Kind: events.PersonalKind, Owner: w.user, Name: "mine", Scopes: c.scopes})
		c.q.Value = value
		d := w.verify(v, c.q)
		if d.Code != c.want {
			t.Errorf("%s: got %q, want %q", c.name, d.Code, c.want)
		}
		if !d.Allowed {
			continue
		}
		for r, err := range w.log.ReadAll(t.Context(), d.Position-1) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Position == d.Position && (r.Trail != events.UserTrail(w.user) || r.Stream != events.TokenStream(id)) {
				t.Errorf("%s: the use stands in trail %s, stream %s", c.name, r.Trail, r.Stream)
			}
		}
	}
}

func TestRefusalsAreRecordedAtARate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, value := w.organizationToken("control:read")
	v := verifier.New(verifier.Config{Log: w.log, Sources: noSources{}, Peppers: w.peppers})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	w.caughtUp(v)
	const calls = 25
	for i := range calls {
		w.verify(v, verifier.Query{Value: value, Action: "createEvidence", Resource: fmt.Sprint(i)})
	}
	unknown, err := secret.New(secret.Organization, secret.ID{1}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.verify(v, verifier.Query{Value: unknown.Reveal(), Address: netip.MustParseAddr("192.0.2.9")})
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	var single, summed, guesses int64
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch e := r.Event.(type) {
		case events.TokenUseRefused:
			if r.Stream != events.TokenStream(id) || e.Code != string(verifier.ScopeInsufficient) {
				t.Errorf("got %+v in %s", e, r.Stream)
			}
			if e.Count == 0 {
				single++
			}
			summed += e.Count
		case events.InstallationUnknownRefused:
			guesses += e.Count
		}
	}
	if single != 10 || single+summed != calls || guesses != 1 {
		t.Errorf("%d single and %d summed refusals of %d, %d guesses", single, summed, calls, guesses)
	}
}

func TestAuthenticatedOnceAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now()
	w.now = func() time.Time { return now }
	v := w.verifier()
	_, value := w.organizationToken("token:introspect")
	uses := 0
	for _, step := range []time.Duration{0, time.Minute, 58 * time.Minute, 2 * time.Minute} {
		now = now.Add(step)
		d, err := v.Authenticated(t.Context(), verifier.Query{Value: value, Scope: "token:introspect"})
		if err != nil || !d.Allowed {
			t.Fatalf("got %+v, %v", d, err)
		}
		if d.Position > 0 {
			uses++
		}
	}
	if uses != 2 {
		t.Errorf("%d uses recorded in 61 minutes, want 2", uses)
	}
}
