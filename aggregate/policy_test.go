// Policies in the use cases: what they refuse at creation, change and rotation,
// who may still call, and personal tokens that wait for approval.

package aggregate

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// demand sets the world's organization a policy, by a signed-in owner.
func (w *world) demand(p events.Policy) {
	w.Helper()
	if err := w.wants(w.by(events.RoleOwner), p); err != nil {
		w.Fatal(err)
	}
}

// wants changes the policy of the world's organization to exactly this one.
func (w *world) wants(call Call, p events.Policy) error {
	w.Helper()
	_, err := w.directory.ChangePolicy(w.Context(), call, w.org, PolicyChange{
		SSORequired: &p.SSORequired, SSOMaxAge: &p.SSOMaxAge, OrganizationSSOMaxAge: &p.OrganizationSSOMaxAge,
		MemberScopes: append([]string{}, p.MemberScopes...), ScopeCeiling: append([]string{}, p.ScopeCeiling...),
		AllowedSources: append([]string{}, p.AllowedSources...), MaxLifetime: &p.MaxLifetime, ExpiryRequired: &p.ExpiryRequired,
		IdleExpiry: &p.IdleExpiry, DescriptionRequired: &p.DescriptionRequired, RotationAge: &p.RotationAge,
		RotationEnforced: &p.RotationEnforced, ApprovalRequired: &p.ApprovalRequired, ReviewEvery: &p.ReviewEvery,
		EndFamilyOnReuse: &p.EndFamilyOnReuse,
	})
	return err
}

func TestPolicyAtCreationAndChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, member := w.by(events.RoleOwner), w.by(events.RoleMember)
	old := w.newOrganizationToken(owner, "evidence:write", "risk:write")
	w.demand(events.Policy{DescriptionRequired: true, ExpiryRequired: true, MaxLifetime: 24 * hour, ScopeCeiling: []string{"evidence:write"}})
	soon, late := time.Now().Add(12*time.Hour), time.Now().Add(48*time.Hour)
	good := NewToken{Name: "ci", Description: "uploads", Scopes: []string{"evidence:write"}, ExpiresAt: soon}
	for field, spoil := range map[string]func(*NewToken){
		"":            func(*NewToken) {},
		"description": func(n *NewToken) { n.Description = "" },
		"expiresAt":   func(n *NewToken) { n.ExpiresAt = late },
		"scopes":      func(n *NewToken) { n.Scopes = []string{"evidence:write", "risk:read"} },
	} {
		in := good
		spoil(&in)
		before := w.head()
		_, err := w.tokens.CreateOrganizationToken(t.Context(), owner, NewOrganizationToken{Organization: w.org, NewToken: in})
		_, mine := w.tokens.CreatePersonalToken(t.Context(), member, NewPersonalToken{Organizations: []uuid.UUID{w.org}, NewToken: in})
		if field == "" {
			if err != nil || mine != nil {
				t.Errorf("%v, %v", err, mine)
			}
			continue
		}
		mustBe(t, err, CodeBadUserInput, field)
		mustBe(t, mine, CodeBadUserInput, field)
		w.recorded(before)
	}
	in := good
	in.ExpiresAt = time.Time{}
	_, err := w.tokens.CreateOrganizationToken(t.Context(), owner, NewOrganizationToken{Organization: w.org, NewToken: in})
	mustBe(t, err, CodeBadUserInput, "expiresAt")
	// Without the organization the policy is nobody's business.
	if _, err := w.tokens.CreatePersonalToken(t.Context(), member, NewPersonalToken{NewToken: NewToken{Name: "mine"}}); err != nil {
		t.Error(err)
	}

	// A token from before meets the policy when it is changed, and can be stopped as it is.
	_, err = w.tokens.Update(t.Context(), owner, old, TokenUpdate{Name: to("other")})
	mustBe(t, err, CodeBadUserInput, "description")
	_, err = w.tokens.Rotate(t.Context(), owner, old, Rotation{})
	mustBe(t, err, CodeConflict, "description")
	_, err = w.tokens.Update(t.Context(), owner, old, TokenUpdate{Description: to("uploads"), ExpiresAt: &soon})
	mustBe(t, err, CodeBadUserInput, "scopes")
	for _, in := range []TokenUpdate{{Reported: Reported{IsActive: to(false)}}, {Reported: Reported{IsActive: to(true)}}} {
		if _, err := w.tokens.Update(t.Context(), owner, old, in); err != nil {
			t.Error(err)
		}
	}
	_, err = w.tokens.Update(t.Context(), owner, old, TokenUpdate{Description: to("uploads"), ExpiresAt: &soon, Scopes: []string{"evidence:read"}})
	if err != nil {
		t.Error(err)
	}
	_, err = w.tokens.Rotate(t.Context(), owner, old, Rotation{ExpiresAt: &late})
	mustBe(t, err, CodeBadUserInput, "expiresAt")
	_, err = w.tokens.Rotate(t.Context(), owner, old, Rotation{ClearExpiresAt: true})
	mustBe(t, err, CodeBadUserInput, "expiresAt")
	if _, err := w.tokens.Rotate(t.Context(), owner, old, Rotation{}); err != nil {
		t.Error(err)
	}
}

func TestPolicyMeetsTheCallersOwnToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	admin := w.through(w.newPersonalToken(w.by(events.RoleAdmin), []uuid.UUID{w.org}))
	admin.Principal.Source = netip.MustParseAddr("192.0.2.7")
	robot := w.through(w.newOrganizationToken(owner, "token:write", "evidence:write"))
	create := func(call Call) error {
		_, err := w.tokens.CreateOrganizationToken(t.Context(), call, NewOrganizationToken{
			Organization: w.org, NewToken: NewToken{Name: "ci", Scopes: []string{"evidence:write"}, ExpiresAt: time.Now().Add(time.Hour)},
		})
		return err
	}
	// What the caller's own token would fail is refused.
	for field, p := range map[string]events.Policy{
		"allowedSources":   {AllowedSources: []string{"10.0.0.0/8"}},
		"expiryRequired":   {ExpiryRequired: true},
		"approvalRequired": {ApprovalRequired: true},
		"scopeCeiling":     {ScopeCeiling: []string{"evidence:write"}},
	} {
		before := w.head()
		mustBe(t, w.wants(admin, p), CodeConflict, field)
		w.recorded(before)
		w.demand(p) // a signed-in person has no token that could fail
		if field != "scopeCeiling" {
			code := CodeUnauthenticated
			if field == "allowedSources" {
				code = CodeForbidden
			}
			mustBe(t, create(admin), code, "")
		}
		w.demand(events.Policy{})
		if err := create(admin); err != nil {
			t.Errorf("%s is lifted: %v", field, err)
		}
	}
	if err := w.wants(admin, events.Policy{AllowedSources: []string{"192.0.2.0/24"}, ScopeCeiling: []string{"admin"}}); err != nil {
		t.Error(err)
	}
	mustBe(t, create(robot), CodeForbidden, "") // nobody says where it calls from
	// Under a ceiling a full token is no longer full, and one wholly above it does nothing.
	w.demand(events.Policy{ScopeCeiling: []string{"evidence:write"}})
	_, err := w.directory.RegisterObject(t.Context(), admin, w.org, "invoice", nil)
	mustBe(t, err, CodeForbidden, "")
	mustBe(t, create(robot), CodeForbidden, "")
	w.demand(events.Policy{ScopeCeiling: []string{"risk:write"}})
	mustBe(t, create(robot), CodeForbidden, "")
}

// What a token may do in an organization is under its ceiling at every way in.
func TestTheCeilingHoldsForEveryOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(w.org)
	owner := w.by(events.RoleOwner)
	token := w.newPersonalToken(owner, []uuid.UUID{w.org})
	full := w.through(token)
	idp := w.through(w.newOrganizationToken(owner, "user:write", "evidence:write"))
	ours := w.newOrganizationToken(owner, "evidence:write")
	user := w.provision(idp, described("eve@example.com")).ID
	ways := map[string]func() error{
		"making a member": func() error {
			in := described("grace@example.com")
			in.Organization = w.org
			_, err := w.directory.Provision(t.Context(), idp, in)
			return err
		},
		"ending a member": func() error {
			_, err := w.directory.Deprovision(t.Context(), idp, Provision{Organization: w.org, User: user})
			return err
		},
		"stamping a token of the organization": func() error {
			_, err := w.signOn(full, w.org, ours, "ours")
			return err
		},
		"stamping a token of his own": func() error {
			_, err := w.signOn(full, w.org, token, "mine")
			return err
		},
		"appointing an owner": func() error {
			_, err := w.directory.ChangeRole(t.Context(), full, Term{Organization: w.org, User: w.people[events.RoleAdmin], Role: events.RoleOwner})
			return err
		},
	}
	w.demand(events.Policy{ScopeCeiling: []string{"evidence:write", "user:read"}})
	before := w.head()
	for name, way := range ways {
		if r, ok := asRefusal(way()); !ok || r.Code != CodeForbidden {
			t.Errorf("%s: %v, want %s", name, r, CodeForbidden)
		}
	}
	w.recorded(before)
	w.demand(events.Policy{})
	for name, way := range ways {
		if err := way(); err != nil {
			t.Errorf("%s without a ceiling: %v", name, err)
		}
	}
}

func TestApprovalOfPersonalTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, member := w.by(events.RoleAdmin), w.by(events.RoleMember)
	early := w.newPersonalToken(member, []uuid.UUID{w.org})
	w.demand(events.Policy{ApprovalRequired: true})
	before := w.head()
	ref := w.newPersonalToken(member, []uuid.UUID{w.org}, "evidence:read")
	if g := w.grant(ref.ID, w.org); !g.Pending || g.Approved {
		t.Fatalf("%+v", g)
	}
	w.recorded(before, "token.created in member", "grant.given in org")

	// Suspended and resumed, the grant stays closed; approved while the token is suspended, too.
	suspended := func(active bool) {
		t.Helper()
		if _, err := w.tokens.Update(t.Context(), member, ref, TokenUpdate{Reported: Reported{IsActive: &active}}); err != nil {
			t.Fatal(err)
		}
	}
	suspended(false)
	suspended(true)
	w.gate(ref.ID, true)
	suspended(false)
	for name, call := range map[string]Call{"the owner": member, "an auditor": w.by(events.RoleAuditor), "his token": w.through(early)} {
		_, err := w.tokens.ApproveGrant(t.Context(), call, w.org, ref.ID, "")
		if err == nil {
			t.Errorf("%s approved it", name)
		}
	}
	if _, err := w.tokens.ApproveGrant(t.Context(), admin, w.org, ref.ID, "for the audit"); err != nil {
		t.Fatal(err)
	}
	w.gate(ref.ID, true)
	suspended(true)
	w.gate(ref.ID, false)
	before = w.head()
	if _, err := w.tokens.ApproveGrant(t.Context(), admin, w.org, ref.ID, ""); err != nil {
		t.Fatal(err)
	}
	w.recorded(before) // it is approved already
	_, err := w.tokens.DeclineGrant(t.Context(), admin, w.org, ref.ID, "no")
	mustBe(t, err, CodeConflict, "id")

	// More than was approved is another token, also while nobody demands approval.
	for _, demanded := range []bool{true, false, true} {
		w.demand(events.Policy{ApprovalRequired: demanded})
		_, err = w.tokens.Update(t.Context(), member, ref, TokenUpdate{Scopes: []string{"evidence:write"}})
		mustBe(t, err, CodeConflict, "scopes")
	}
	if _, err := w.tokens.Update(t.Context(), member, ref, TokenUpdate{Name: to("still the same")}); err != nil {
		t.Error(err)
	}
	// A successor inherits the approval: only the value is another.
	out, err := w.tokens.Rotate(t.Context(), member, ref, Rotation{})
	if err != nil {
		t.Fatal(err)
	}
	if g := w.grant(out.ID, w.org); g.Pending || !g.Approved {
		t.Errorf("the successor: %+v", g)
	}
	w.gate(out.ID, false)
	for _, rec := range w.history(events.GrantStream(out.ID, w.org)) {
		if _, ok := rec.Event.(events.GrantApproved); ok && rec.Meta.Actor.Kind != events.ActorSystem {
			t.Errorf("approved by %+v", rec.Meta.Actor)
		}
	}

	before = w.head()
	if _, err := w.tokens.WithdrawApproval(t.Context(), admin, w.org, out.ID, "left the project"); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "grant.ended in org", "token.organizations_changed in member")
	_, err = w.tokens.Update(t.Context(), member, personalRef(out.ID), TokenUpdate{AddOrganizations: []uuid.UUID{w.org}})
	mustBe(t, err, CodeConflict, "organizationIDs")

	waiting := w.newPersonalToken(member, []uuid.UUID{w.org})
	_, err = w.tokens.WithdrawApproval(t.Context(), admin, w.org, waiting.ID, "no")
	mustBe(t, err, CodeConflict, "id")
	_, err = w.tokens.DeclineGrant(t.Context(), admin, w.org, waiting.ID, "")
	mustBe(t, err, CodeBadUserInput, "reason")
	if _, err := w.tokens.DeclineGrant(t.Context(), admin, w.org, waiting.ID, "not needed"); err != nil {
		t.Fatal(err)
	}
	if g := w.grant(waiting.ID, w.org); g.Live || g.Cause != events.CauseDeclined {
		t.Errorf("%+v", g)
	}
	// One from before the policy can be approved, and is then as any other.
	if _, err := w.tokens.ApproveGrant(t.Context(), admin, w.org, early.ID, ""); err != nil {
		t.Error(err)
	}
	if g := w.grant(early.ID, w.org); !g.Approved {
		t.Errorf("%+v", g)
	}
}

// gate checks whether the log would let a use of the token's grant pass.
func (w *world) gate(token uuid.UUID, closed bool) {
	w.Helper()
	var gate events.Gate
	for _, rec := range w.history(events.GrantStream(token, w.org)) {
		if g, changed := events.GateAfter(rec.Event); changed {
			gate = g
		}
	}
	if gate.OpenAt(time.Now()) == closed {
		w.Errorf("the gate of the grant: %+v", gate)
	}
}

func TestReviewKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	org := w.newOrganizationToken(owner, "evidence:write")
	personal := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
	before := w.head()
	for _, ref := range []TokenRef{org, personal} {
		if _, err := w.tokens.Review(t.Context(), owner, w.org, ref, "still needed"); err != nil {
			t.Fatal(err)
		}
		for _, call := range []Call{w.by(events.RoleAuditor), w.by(events.RoleMember), w.through(org)} {
			_, err := w.tokens.Review(t.Context(), call, w.org, ref, "")
			mustBe(t, err, CodeForbidden, "")
		}
	}
	w.recorded(before, "token.reviewed in org", "grant.reviewed in org")
	if _, err := w.tokens.Revoke(t.Context(), owner, org, "over"); err != nil {
		t.Fatal(err)
	}
	_, err := w.tokens.Review(t.Context(), owner, w.org, org, "")
	mustBe(t, err, CodeConflict, "")
	if slices.Contains(w.since(before), "token.reviewed in member") {
		t.Error("a review of a grant stands in the owner's trail")
	}
}
