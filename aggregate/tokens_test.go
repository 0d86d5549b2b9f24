// The use cases about tokens, on the real log.

package aggregate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
)

func to[T any](v T) *T { return &v }

func TestAPersonalTokenAndItsGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := w.by(events.RoleMember)
	before := w.head()
	out, err := w.tokens.CreatePersonalToken(t.Context(), me, NewPersonalToken{
		Organizations: []uuid.UUID{w.org, w.org},
		NewToken:      NewToken{Name: "laptop", Scopes: []string{"evidence:write"}, ExpiresAt: time.Now().Add(time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "token.created in member", "grant.given in org")
	ref, grant := personalRef(out.ID), events.GrantStream(out.ID, w.org)
	if kind, id, ok := secret.ParseBytes([]byte(out.Value.Reveal())); !ok || kind != secret.Personal || uuid.UUID(id) != out.ID {
		t.Fatalf("the value is not one of token %s", out.ID)
	}
	if g := fold(GrantDecider, out.History[grant]); !g.Live || g.Name != "laptop" || g.User != w.people[events.RoleMember] {
		t.Fatalf("%+v", g)
	}

	step := func(want ...string) func(out TokenOutcome, err error) {
		t.Helper()
		before := w.head()
		return func(out TokenOutcome, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			w.recorded(before, want...)
			token, g := w.token(ref.ID), w.grant(ref.ID, w.org)
			if got := fold(TokenDecider, out.History[events.TokenStream(ref.ID)]); got.Name != token.Name || got.Ended != token.Ended {
				t.Errorf("the answer says %+v, the log %+v", got, token)
			}
			if g.Live && (g.Name != token.Name || !slices.Equal(g.Scopes, token.Scopes) || g.Suspended != token.Suspended) {
				t.Errorf("the grant %+v does not mirror %+v", g, token)
			}
		}
	}
	step("token.described in member")(w.tokens.Update(t.Context(), me, ref, TokenUpdate{Description: to("mine")}))
	step()(w.tokens.Update(t.Context(), me, ref, TokenUpdate{Description: to("mine"), Name: to("laptop")}.active(true)))
	step("token.renamed in member", "token.scopes_changed in member", "token.expiry_changed in member", "grant.changed in org")(
		w.tokens.Update(t.Context(), me, ref, TokenUpdate{Name: to("desk"), AppendScopes: []string{"risk:read"}, ClearExpiresAt: true}))
	step("token.suspended in member", "grant.suspended in org")(w.tokens.Suspend(t.Context(), me, ref, Suspension{Reason: "holiday"}))
	step("token.resumed in member", "grant.resumed in org")(w.tokens.Resume(t.Context(), me, ref, ""))
	step("token.organizations_changed in member", "grant.ended in org")(
		w.tokens.Update(t.Context(), me, ref, TokenUpdate{RemoveOrganizations: []uuid.UUID{w.org}}))
	step("token.organizations_changed in member", "grant.given in org")(
		w.tokens.Update(t.Context(), me, ref, TokenUpdate{Organizations: []uuid.UUID{w.org}}))
	step("grant.sso_authorized in org")(w.tokens.AuthorizeSSO(t.Context(), w.by(events.RoleAdmin), w.org, ref))
	step("grant.sso_authorization_withdrawn in org")(w.tokens.WithdrawSSO(t.Context(), w.by(events.RoleAdmin), w.org, ref))
	step("token.revoked in member", "token.deleted in member", "grant.ended in org")(w.tokens.Delete(t.Context(), me, ref, ""))

	history := w.history(grant)
	if end := history[len(history)-1]; end.Event.(events.GrantEnded).Cause != events.CauseTokenDeleted || end.Meta.Reason != "deleted" {
		t.Errorf("the grant ended with %+v: %s", end.Event, end.Meta.Reason)
	}
}

// active adds isActive to an update.
func (u TokenUpdate) active(is bool) TokenUpdate {
	u.Reported.IsActive = &is
	return u
}

func TestUpdatesThatRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call, now := w.by(events.RoleAdmin), time.Now()
	me := w.people[events.RoleAdmin].String()
	for name, c := range map[string]struct {
		in    Reported
		field string // empty: it revokes
	}{
		"a reason":                    {Reported{RevokedReason: to("leaked")}, ""},
		"a reason and not active":     {Reported{RevokedReason: to("leaked"), IsActive: to(false)}, ""},
		"a reason and now":            {Reported{RevokedReason: to("leaked"), RevokedAt: to(now)}, ""},
		"a reason and the caller":     {Reported{RevokedReason: to("leaked"), RevokedBy: to(strings.ToUpper(me))}, ""},
		"no reason but a time":        {Reported{RevokedAt: to(now)}, "revokedReason"},
		"no reason but a name":        {Reported{RevokedBy: to(me)}, "revokedReason"},
		"an empty reason":             {Reported{RevokedReason: to("")}, "revokedReason"},
		"a reason that is too long":   {Reported{RevokedReason: to(strings.Repeat("x", 1001))}, "revokedReason"},
		"a past time":                 {Reported{RevokedReason: to("leaked"), RevokedAt: to(now.Add(-time.Hour))}, "revokedAt"},
		"a future time":               {Reported{RevokedReason: to("leaked"), RevokedAt: to(now.Add(time.Hour))}, "revokedAt"},
		"somebody else":               {Reported{RevokedReason: to("leaked"), RevokedBy: to(w.people[events.RoleOwner].String())}, "revokedBy"},
		"nobody":                      {Reported{RevokedReason: to("leaked"), RevokedBy: to("")}, "revokedBy"},
		"the zero id":                 {Reported{RevokedReason: to("leaked"), RevokedBy: to(uuid.Nil.String())}, "revokedBy"},
		"active, and a reason":        {Reported{RevokedReason: to("leaked"), IsActive: to(true)}, "isActive"},
		"a last use":                  {Reported{LastUsedAt: to(now)}, "lastUsedAt"},
		"a token value as the reason": {Reported{RevokedReason: to("leaked " + w.admin.Value.Reveal())}, "revokedReason"},
	} {
		ref := w.newOrganizationToken(call, "read")
		before := w.head()
		out, err := w.tokens.Update(t.Context(), call, ref, TokenUpdate{Reported: c.in})
		if c.field != "" {
			mustBe(t, err, CodeBadUserInput, c.field)
			w.recorded(before)
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w.recorded(before, "token.revoked in org")
		history := out.History[events.TokenStream(ref.ID)]
		if last := history[len(history)-1]; last.Meta.Reason != "leaked" || last.Meta.Actor != call.Principal.Actor {
			t.Errorf("%s: %+v", name, last.Meta)
		}
		_, err = w.tokens.Update(t.Context(), call, ref, TokenUpdate{}.active(true))
		mustBe(t, err, CodeConflict, "")
	}
}

func TestSuspendingByUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.by(events.RoleOwner)
	ref := w.newOrganizationToken(call, "read")
	out, err := w.tokens.Update(t.Context(), call, ref, TokenUpdate{}.active(false))
	if err != nil || !slices.Contains(out.Warnings, WarnSuspended) || !w.token(ref.ID).Suspended {
		t.Fatalf("%v, %v", out.Warnings, err)
	}
	if out, err = w.tokens.Update(t.Context(), call, ref, TokenUpdate{}.active(true)); err != nil || len(out.Warnings) > 0 {
		t.Fatalf("%v, %v", out.Warnings, err)
	}
	before := w.head()
	made, err := w.tokens.CreateOrganizationToken(t.Context(), call, NewOrganizationToken{Organization: w.org, NewToken: NewToken{
		Name: "later", Scopes: []string{"read"}, Reported: Reported{IsActive: to(false)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "token.created in org", "token.suspended in org")
	if !w.token(made.ID).Suspended {
		t.Error("it was to be made suspended")
	}
}

func TestUpdatesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.by(events.RoleOwner)
	value := w.admin.Value.Reveal()
	org, personal := w.newOrganizationToken(call, "read"), w.newPersonalToken(call, nil)
	before := w.head()
	for name, c := range map[string]struct {
		ref   TokenRef
		in    TokenUpdate
		code  Code
		field string
	}{
		"no such token":            {organizationRef(uuid.New()), TokenUpdate{Name: to("a")}, CodeNotFound, "id"},
		"of the other kind":        {personalRef(org.ID), TokenUpdate{Name: to("a")}, CodeNotFound, "id"},
		"a stale version":          {org, TokenUpdate{ExpectedVersion: to(events.Version(7)), Name: to("a")}, CodeConflict, "expectedVersion"},
		"given and cleared":        {org, TokenUpdate{ExpiresAt: to(time.Now()), ClearExpiresAt: true}, CodeBadUserInput, "expiresAt"},
		"one good, one bad":        {org, TokenUpdate{Name: to("good"), ExpiresAt: to(time.Now().Add(-time.Hour))}, CodeBadUserInput, "expiresAt"},
		"a value as name":          {org, TokenUpdate{Name: to(value)}, CodeBadUserInput, "name"},
		"a value as description":   {org, TokenUpdate{Description: to("use " + value)}, CodeBadUserInput, "description"},
		"a value as tag":           {org, TokenUpdate{AppendTags: []string{value[:60]}}, CodeBadUserInput, "tags"},
		"a value as scope":         {org, TokenUpdate{AppendScopes: []string{value}}, CodeBadUserInput, "scopes"},
		"clearing an org's scopes": {org, TokenUpdate{ClearScopes: true}, CodeBadUserInput, "scopes"},
		"granting an org's token":  {org, TokenUpdate{AddOrganizations: []uuid.UUID{w.org}}, CodeBadUserInput, "organizationIDs"},
		"a foreign organization":   {personal, TokenUpdate{AddOrganizations: []uuid.UUID{uuid.New()}}, CodeNotFound, "organizationIDs"},
		"added and removed": {
			personal,
			TokenUpdate{AddOrganizations: []uuid.UUID{w.org}, RemoveOrganizations: []uuid.UUID{w.org}},
			CodeBadUserInput, "removeOrganizationIDs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.tokens.Update(t.Context(), call, c.ref, c.in)
			mustBe(t, err, c.code, c.field)
			w.recorded(before)
			if strings.Contains(err.Error(), value[27:60]) {
				t.Error("the refusal repeats the value")
			}
		})
	}
	at := w.history(events.TokenStream(org.ID))
	if _, err := w.tokens.Update(t.Context(), call, org, TokenUpdate{ExpectedVersion: to(at[len(at)-1].Version), Name: to("b")}); err != nil {
		t.Errorf("the right version: %v", err)
	}
	_, err := w.tokens.Delete(t.Context(), call, org, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.tokens.Update(t.Context(), call, org, TokenUpdate{Name: to("c")})
	mustBe(t, err, CodeNotFound, "id")
}

func TestWhoseTokensAreWhose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member, outsider := w.by(events.RoleMember), person(w.join(w.found("Other"), events.RoleOwner, "x@example.com"))
	org := w.newOrganizationToken(w.by(events.RoleOwner), "read")
	personal := w.newPersonalToken(member, []uuid.UUID{w.org})
	name := TokenUpdate{Name: to("mine now")}
	for what, c := range map[string]struct {
		call Call
		ref  TokenRef
		code Code
	}{
		"an auditor on an organization token":    {w.by(events.RoleAuditor), org, CodeForbidden},
		"a member on an organization token":      {member, org, CodeForbidden},
		"an outsider on an organization token":   {outsider, org, CodeNotFound},
		"an owner on a member's personal token":  {w.by(events.RoleOwner), personal, CodeNotFound},
		"an outsider on a member's token":        {outsider, personal, CodeNotFound},
		"an organization token on a personal":    {w.through(w.newOrganizationToken(w.by(events.RoleOwner), "write")), personal, CodeNotFound},
		"a token without the scope on its org's": {w.through(org), org, CodeForbidden},
		"nobody":                                 {person(uuid.New()), org, CodeUnauthenticated},
	} {
		_, err := w.tokens.Update(t.Context(), c.call, c.ref, name)
		t.Run(what, func(t *testing.T) {
			field := ""
			if c.code == CodeNotFound {
				field = "id"
			}
			mustBe(t, err, c.code, field)
		})
	}
	// To an outsider, what exists elsewhere and what does not exist look the same.
	_, foreign := w.tokens.Revoke(t.Context(), outsider, org, "x")
	_, none := w.tokens.Revoke(t.Context(), outsider, organizationRef(uuid.New()), "x")
	if foreign.Error() != none.Error() {
		t.Errorf("%q and %q", foreign, none)
	}
}
