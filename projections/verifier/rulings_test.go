// Rulings are remembered, and never longer than what they were made on stays the same.

package verifier_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Every step changes one thing that a remembered ruling rests on; each question
// is put twice, so that the second answer is a remembered one.
func TestRulingsFollowWhatTheyWereMadeOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	id, value := w.personalToken()
	token, grant := events.TokenStream(id), events.GrantStream(id, w.org)
	membership, organization := events.MembershipStream(w.org, w.user), events.OrganizationStream(w.org)
	policy := func(p events.Policy) events.OrganizationPolicyChanged {
		return events.OrganizationPolicyChanged{After: p}
	}
	members := []string{"evidence:write"}
	none := verifier.Code("")
	for _, step := range []struct {
		name   string
		stream events.StreamID
		fact   events.Event
		action string
		code   verifier.Code
		policy string
	}{
		{"an owner", "", nil, "createEvidence", none, "admins-use-every-system"},
		{"the same owner, asked for something else", "", nil, "launch", verifier.ActionUnknown, "denied-by-default"},
		{"the organization knows the action now", organization, events.OrganizationObjectRegistered{
			Object: "rocket", Actions: map[string]string{"launch": "write"},
		}, "launch", none, "admins-use-every-system"},
		{"now an auditor", membership, events.MembershipRoleChanged{Role: events.RoleAuditor}, "createEvidence", verifier.ScopeInsufficient, "denied-by-default"},
		{"who reads", "", nil, "controls", none, "auditors-read-every-system"},
		{"now a member", membership, events.MembershipRoleChanged{Role: events.RoleMember}, "controls", verifier.ScopeInsufficient, "denied-by-default"},
		{"members may", organization, policy(events.Policy{MemberScopes: members}), "createEvidence", none, "members-use-what-the-organization-lists"},
		{"no token may", organization, policy(events.Policy{MemberScopes: members, ScopeCeiling: []string{"read"}}), "createEvidence", verifier.AboveCeiling, "organization-ceiling"},
		{"tokens may again", organization, policy(events.Policy{MemberScopes: members}), "createEvidence", none, "members-use-what-the-organization-lists"},
		{"the token is narrowed", token, events.TokenScopesChanged{Scopes: []string{"evidence:read"}}, "createEvidence", verifier.ScopeInsufficient, "personal-token-lacks-scope"},
		{"and widened", token, events.TokenScopesChanged{Scopes: []string{"evidence:write"}}, "createEvidence", none, "members-use-what-the-organization-lists"},
		{"members may no more", organization, policy(events.Policy{}), "createEvidence", verifier.ScopeInsufficient, "denied-by-default"},
		{"an owner again", membership, events.MembershipRoleChanged{Role: events.RoleOwner}, "createEvidence", none, "admins-use-every-system"},
		{"the grant ends", grant, events.GrantEnded{Cause: events.CauseOrganization}, "createEvidence", verifier.NotGranted, ""},
		{"and is given again", grant, events.GrantGiven{Token: id, Organization: w.org, User: w.user, Name: "mine"}, "createEvidence", none, "admins-use-every-system"},
		{"the membership ends", membership, events.MembershipEnded{}, "createEvidence", verifier.NotMember, ""},
	} {
		if step.fact != nil {
			trail := w.trail()
			if step.stream == token {
				trail = events.UserTrail(w.user)
			}
			w.append(step.stream, trail, step.fact)
			w.caughtUp(v)
		}
		for range 2 {
			d := w.verify(v, verifier.Query{Value: value, Organization: w.org, Action: step.action})
			if d.Code != step.code || d.Policy != step.policy {
				t.Errorf("%s: %q by %q; want %q by %q", step.name, d.Code, d.Policy, step.code, step.policy)
			}
		}
	}
}

// Whatever is allowed, a policy allows; who only says who he is, too.
func TestAllowedUsesNameTheirPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	_, key := w.organizationToken("evidence:write", "token:read")
	_, mine := w.personalToken("token:read")
	w.caughtUp(v)
	for _, c := range []struct {
		q    verifier.Query
		want string
	}{
		{verifier.Query{Value: key, Action: "createEvidence"}, "organization-tokens-use-what-they-are-for"},
		{verifier.Query{Value: key, Scope: "evidence:read token:read"}, "organization-tokens-use-what-they-are-for"},
		{verifier.Query{Value: key, Scope: "evidence:read risk:read"}, "organization-token-lacks-scope"},
		{verifier.Query{Value: key}, "tokens-say-who-they-are"},
		{verifier.Query{Value: mine}, "tokens-say-who-they-are"},
		{verifier.Query{Value: mine, Scope: "token:read", Ledger: true}, "tokens-call-the-ledger"},
		{verifier.Query{Value: mine, Scope: "token:write", Ledger: true}, "personal-token-lacks-scope"},
	} {
		if d := w.verify(v, c.q); d.Policy != c.want {
			t.Errorf("%+v: %q by %q, want %q", c.q, d.Code, d.Policy, c.want)
		}
	}
	if d := w.verify(v, verifier.Query{Value: key, Organization: uuid.New(), Action: "createEvidence"}); d.Allowed || d.Policy != "" {
		t.Errorf("another organization's question: %+v", d)
	}
}

// Decide says what Verify does and leaves nothing behind; with rulings forgotten
// each time, it says the same.
func TestDecideRecordsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, good := w.organizationToken("evidence:write")
	_, poor := w.organizationToken("control:read")
	v := w.verifier()
	forgetful := verifier.New(verifier.Config{Log: w.log, Sources: noSources{}, Peppers: w.peppers, Forgetful: true})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- forgetful.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	w.caughtUp(forgetful)
	for _, value := range []string{good, poor} {
		q := verifier.Query{Value: value, Action: "createEvidence"}
		before, err := w.log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var said [4]verifier.Decision
		for i, by := range []*verifier.Verifier{v, v, forgetful, forgetful} {
			if said[i], err = by.Decide(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if after, err := w.log.Head(t.Context()); err != nil || after != before {
			t.Errorf("position %d became %d, %v", before, after, err)
		}
		does := w.verify(v, q)
		for _, d := range said {
			if d.Allowed != does.Allowed || d.Code != does.Code || d.Policy != does.Policy || d.Position != 0 {
				t.Errorf("said %+v, did %+v", d, does)
			}
		}
	}
}
