// Rotation, expiry, single sign-on and ended grants, on the real log.

package aggregate

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// ahead is the same world with a clock that runs ahead.
func (w *world) ahead(by time.Duration) *Tokens {
	return &Tokens{
		Peppers: w.tokens.Peppers,
		Handler: &Handler{Log: w.log, Now: func() time.Time { return time.Now().Add(by) }},
	}
}

// supersede ends a rotated token as the first use of its successor does.
func supersede(ctx context.Context, t *Tokens, ref TokenRef) error {
	_, err := t.on(ctx, Call{Principal: Service("verifier")}, "SupersedeToken", ref, nil, actExpire,
		func(ctx context.Context, d *Decision, _ Principal, s *subject) error {
			return s.do(ctx, d, SupersedeToken{})
		})
	return err
}

func TestRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := w.by(events.RoleMember)
	old := w.newPersonalToken(me, []uuid.UUID{w.org}, "evidence:write")
	if _, err := w.tokens.AuthorizeSSO(t.Context(), w.by(events.RoleOwner), w.org, old); err != nil {
		t.Fatal(err)
	}
	before := w.head()
	me.Once = "rotate"
	out, err := w.tokens.Rotate(t.Context(), me, old, Rotation{Reason: "90 days", EndsAtFirstUse: true})
	if err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "token.rotated in member", "token.created in member", "grant.given in org")
	if out.ID == old.ID || out.Value.Reveal() == "" || !slices.Equal(out.Warnings, []Warning{WarnSSONeeded}) {
		t.Fatalf("%+v", out)
	}
	p, s, g := w.token(old.ID), w.token(out.ID), w.grant(out.ID, w.org)
	if overlap := time.Until(p.RotatesUntil); overlap > DefaultOverlap || overlap < DefaultOverlap-time.Minute || p.Successor != out.ID {
		t.Errorf("the predecessor: %+v", p)
	}
	if s.Name != p.Name || !slices.Equal(s.Scopes, p.Scopes) || s.Owner != p.Owner || !slices.Equal(s.Organizations, p.Organizations) {
		t.Errorf("the successor: %+v", s)
	}
	if !g.Live || g.Stamped || !w.grant(old.ID, w.org).Live {
		t.Errorf("the successor's grant: %+v", g)
	}
	created := w.history(events.TokenStream(out.ID))[0].Event.(events.TokenCreated)
	if created.RotatedFrom != old.ID {
		t.Errorf("rotated from %s", created.RotatedFrom)
	}

	w.deliver(out.ID)
	again, err := w.tokens.Rotate(t.Context(), me, old, Rotation{Reason: "90 days", EndsAtFirstUse: true})
	if err != nil || again.ID != out.ID || again.Value.Reveal() != "" || len(again.History[events.GrantStream(out.ID, w.org)]) != 1 {
		t.Fatalf("the replay: %s %v, %v", again.ID, again.Warnings, err)
	}
	me.Once = ""
	_, err = w.tokens.Rotate(t.Context(), me, old, Rotation{})
	mustBe(t, err, CodeConflict, "")
	_, err = w.tokens.Rotate(t.Context(), me, personalRef(out.ID), Rotation{ExpiresAt: to(time.Now()), ClearExpiresAt: true})
	mustBe(t, err, CodeBadUserInput, "expiresAt")
	_, err = w.tokens.Rotate(t.Context(), me, personalRef(out.ID), Rotation{ExpectedVersion: to(events.Version(9))})
	mustBe(t, err, CodeConflict, "expectedVersion")

	before = w.head()
	if err := supersede(t.Context(), w.tokens, old); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "token.expired in member", "grant.ended in org")
	if g := w.grant(old.ID, w.org); g.Cause != events.CauseTokenReplaced {
		t.Errorf("the grant ended with %s", g.Cause)
	}
}

// An owner who has left an organization takes no grant to it along.
func TestRotationLeavesBehindWhatIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.found("Other")
	owner := w.by(events.RoleOwner)
	if _, err := w.directory.AddMember(t.Context(), owner, NewMember{
		Organization: other, User: w.people[events.RoleMember], Role: events.RoleAuditor, Until: time.Now().Add(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	ref := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org, other})
	made, err := w.ahead(2*time.Hour).Rotate(t.Context(), w.by(events.RoleMember), ref, Rotation{Overlap: to(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.token(made.ID).Organizations; !slices.Equal(got, []uuid.UUID{w.org}) {
		t.Errorf("the successor reaches %v", got)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me, scheduler := w.by(events.RoleMember), Call{Principal: Service("scheduler")}
	out, err := w.tokens.CreatePersonalToken(t.Context(), me, NewPersonalToken{
		Organizations: []uuid.UUID{w.org}, NewToken: NewToken{Name: "short", ExpiresAt: time.Now().Add(time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	ref := personalRef(out.ID)
	_, err = w.tokens.Expire(t.Context(), scheduler, ref)
	mustBe(t, err, CodeConflict, "")
	_, err = w.ahead(2*time.Hour).Expire(t.Context(), me, ref)
	mustBe(t, err, CodeForbidden, "")
	credential := w.through(ref)
	_, err = w.ahead(2*time.Hour).CreatePersonalToken(t.Context(), credential, NewPersonalToken{NewToken: NewToken{Name: "late"}})
	mustBe(t, err, CodeUnauthenticated, "")
	_, err = w.ahead(2*time.Hour).Update(t.Context(), me, ref, TokenUpdate{ClearExpiresAt: true})
	mustBe(t, err, CodeConflict, "")
	before := w.head()
	for range 2 {
		if _, err := w.ahead(2*time.Hour).Expire(t.Context(), scheduler, ref); err != nil {
			t.Fatal(err)
		}
	}
	w.recorded(before, "token.expired in member", "grant.ended in org")
	if g := w.grant(ref.ID, w.org); g.Cause != events.CauseTokenExpired {
		t.Errorf("the grant ended with %s", g.Cause)
	}
	before = w.head()
	if _, err := w.tokens.Delete(t.Context(), me, ref, "tidied up"); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "token.deleted in member")
}

// What the service does by itself is to end things, and no more.
func TestTheServiceOnlyEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bearer := Call{Principal: Service("bearer")}
	org := w.newOrganizationToken(w.by(events.RoleOwner), "read")
	personal := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
	for _, ref := range []TokenRef{org, personal} {
		_, err := w.tokens.Update(t.Context(), bearer, ref, TokenUpdate{Name: to("mine")})
		mustBe(t, err, CodeForbidden, "")
		_, err = w.tokens.Rotate(t.Context(), bearer, ref, Rotation{})
		mustBe(t, err, CodeForbidden, "")
		if _, err := w.tokens.Revoke(t.Context(), bearer, ref, "reported by bearer"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.tokens.CreatePersonalToken(t.Context(), bearer, NewPersonalToken{NewToken: NewToken{Name: "mine"}})
	mustBe(t, err, CodeForbidden, "")
}

func TestSingleSignOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	org := w.newOrganizationToken(owner, "token:write")
	personal := w.newPersonalToken(w.by(events.RoleAdmin), []uuid.UUID{w.org})
	lonely := w.newPersonalToken(w.by(events.RoleMember), nil)

	for name, c := range map[string]struct {
		call Call
		org  uuid.UUID
		ref  TokenRef
		code Code
	}{
		"by a member":                   {w.by(events.RoleMember), w.org, personal, CodeForbidden},
		"by an auditor":                 {w.by(events.RoleAuditor), w.org, org, CodeForbidden},
		"by an organization token":      {w.through(org), w.org, org, CodeForbidden},
		"for a token that is not there": {owner, w.org, lonely, CodeNotFound},
		"for no token":                  {owner, w.org, organizationRef(uuid.New()), CodeNotFound},
		"of another organization":       {owner, w.found("Other"), org, CodeNotFound},
	} {
		_, err := w.tokens.AuthorizeSSO(t.Context(), c.call, c.org, c.ref)
		t.Run(name, func(t *testing.T) {
			field := ""
			if c.code == CodeNotFound {
				field = "id"
			}
			mustBe(t, err, c.code, field)
		})
	}

	before := w.head()
	for _, ref := range []TokenRef{org, personal} {
		if _, err := w.tokens.AuthorizeSSO(t.Context(), owner, w.org, ref); err != nil {
			t.Fatal(err)
		}
	}
	w.recorded(before, "token.sso_authorized in org", "grant.sso_authorized in org")

	unstamped := w.newPersonalToken(w.by(events.RoleAdmin), []uuid.UUID{w.org})
	policy := events.Policy{SSORequired: true}
	mustBe(t, w.wants(w.through(unstamped), policy), CodeConflict, "ssoRequired")
	if err := w.wants(w.through(personal), policy); err != nil {
		t.Fatal(err)
	}
	create := func(ref TokenRef) error {
		_, err := w.tokens.CreateOrganizationToken(t.Context(), w.through(ref), NewOrganizationToken{
			Organization: w.org, NewToken: NewToken{Name: "ci", Scopes: []string{"token:read"}},
		})
		return err
	}
	mustBe(t, create(unstamped), CodeSSORequired, "")
	for _, ref := range []TokenRef{org, personal} {
		if err := create(ref); err != nil {
			t.Error(err)
		}
		if _, err := w.tokens.WithdrawSSO(t.Context(), owner, w.org, ref); err != nil {
			t.Error(err)
		}
		mustBe(t, create(ref), CodeSSORequired, "")
	}
	// One organization that it is not authorized for does not block what is its owner's.
	if _, err := w.tokens.Update(t.Context(), w.through(unstamped), unstamped, TokenUpdate{Name: to("still mine")}); err != nil {
		t.Error(err)
	}
}

func TestAnOrganizationEndsAGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.found("Other")
	owner, member := w.by(events.RoleOwner), w.by(events.RoleMember)
	if _, err := w.directory.AddMember(t.Context(), owner, NewMember{
		Organization: other, Email: "member@example.com", Role: events.RoleMember,
	}); err != nil {
		t.Fatal(err)
	}
	ref := w.newPersonalToken(member, []uuid.UUID{w.org, other})
	_, err := w.tokens.EndGrant(t.Context(), owner, w.org, ref.ID, "")
	mustBe(t, err, CodeBadUserInput, "reason")
	_, err = w.tokens.EndGrant(t.Context(), w.by(events.RoleAuditor), w.org, ref.ID, "not here")
	mustBe(t, err, CodeForbidden, "")
	before := w.head()
	if _, err := w.tokens.EndGrant(t.Context(), w.by(events.RoleAdmin), w.org, ref.ID, "not here"); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "grant.ended in org", "token.organizations_changed in member")
	if got := w.token(ref.ID).Organizations; !slices.Equal(got, []uuid.UUID{other}) || !w.grant(ref.ID, other).Live {
		t.Fatalf("the token reaches %v", got)
	}
	_, err = w.tokens.EndGrant(t.Context(), owner, w.org, ref.ID, "again")
	mustBe(t, err, CodeConflict, "id")
	_, err = w.tokens.Update(t.Context(), member, ref, TokenUpdate{AddOrganizations: []uuid.UUID{w.org}})
	mustBe(t, err, CodeConflict, "organizationIDs")
	_, err = w.tokens.EndGrant(t.Context(), owner, w.org, uuid.New(), "no such")
	mustBe(t, err, CodeNotFound, "id")
}
