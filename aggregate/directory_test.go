// The use cases about organizations, members and users, on the real log.

package aggregate

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestOnlyOperatorsFoundOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.directory.CreateOrganization(t.Context(), w.by(events.RoleAdmin), NewOrganization{Name: "Mine"})
	mustBe(t, err, CodeForbidden, "")
	owner := w.by(events.RoleOwner)
	owner.Once = "second"
	before := w.head()
	in := NewOrganization{Name: "Second", OwnerProfile: Profile{Email: "grace@example.com"}}
	made, err := w.directory.CreateOrganization(t.Context(), owner, in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.directory.CreateOrganization(t.Context(), owner, in)
	if err != nil || again.ID != made.ID || !again.Receipt.Replayed {
		t.Fatalf("%+v, %v", again, err)
	}
	recorded := w.since(before)
	if len(recorded) != 4 || recorded[1] != "organization.created in "+made.ID.String() {
		t.Fatalf("recorded %v", recorded)
	}
	org := w.history(events.OrganizationStream(made.ID))[0]
	if e := org.Event.(events.OrganizationCreated); e.Index != 1 || org.TrailPosition != 1 || e.DisplayName != "Second" {
		t.Errorf("%+v at %d", e, org.TrailPosition)
	}
	// The operator founded it and still is nobody there.
	_, err = w.directory.RenameOrganization(t.Context(), w.by(events.RoleOwner), made.ID, "Mine", "")
	mustBe(t, err, CodeNotFound, "")

	third, err := w.directory.CreateOrganization(t.Context(), w.by(events.RoleOwner), NewOrganization{
		Name: "Third", OwnerProfile: Profile{Email: "GRACE@example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(third.Receipt.Placed) != 3 {
		t.Errorf("the known owner was made again: %+v", third.Receipt.Placed)
	}
	_, err = w.directory.CreateOrganization(t.Context(), w.by(events.RoleOwner), NewOrganization{Name: "X", Owner: uuid.New()})
	mustBe(t, err, CodeNotFound, "ownerID")
	_, err = w.directory.CreateOrganization(t.Context(), w.by(events.RoleOwner), NewOrganization{
		Name: "X", Owner: uuid.New(), OwnerProfile: Profile{Email: "a@example.com"},
	})
	mustBe(t, err, CodeBadUserInput, "ownerID")
	_, err = w.directory.CreateOrganization(t.Context(), Call{Principal: Service("cron")}, NewOrganization{Name: "X"})
	mustBe(t, err, CodeForbidden, "")
}

func TestOrganizationsAreManagedByTheirManagers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.by(events.RoleAdmin)
	before := w.head()
	if _, err := w.directory.RenameOrganization(t.Context(), admin, w.org, "demo", "Demo Ltd"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.directory.RegisterObject(t.Context(), admin, w.org, "invoice", map[string]string{"payInvoice": "write"}); err != nil {
		t.Fatal(err)
	}
	if err := w.wants(admin, events.Policy{MemberScopes: []string{"invoice:read"}}); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "organization.renamed in org", "organization.object_registered in org", "organization.policy_changed in org")
	w.newOrganizationToken(admin, "invoice:write")
	w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org}, "invoice:read")
	_, err := w.tokens.CreatePersonalToken(t.Context(), w.by(events.RoleMember), NewPersonalToken{
		NewToken: NewToken{Name: "elsewhere", Scopes: []string{"invoice:read"}},
	})
	mustBe(t, err, CodeBadUserInput, "scopes")
	for _, role := range []events.Role{events.RoleAuditor, events.RoleMember} {
		mustBe(t, w.wants(w.by(role), events.Policy{}), CodeForbidden, "")
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, admin := w.by(events.RoleOwner), w.by(events.RoleAdmin)
	member := w.people[events.RoleMember]

	_, err := w.directory.AddMember(t.Context(), admin, NewMember{Organization: w.org, User: member, Role: events.RoleAdmin})
	mustBe(t, err, CodeConflict, "userID")
	_, err = w.directory.AddMember(t.Context(), admin, NewMember{Organization: w.org, Email: "nobody@example.com", Role: events.RoleAdmin})
	mustBe(t, err, CodeNotFound, "email")
	_, err = w.directory.CreateUser(t.Context(), admin, NewUser{
		Organization: w.org, Profile: Profile{Email: "Member@example.com"}, Role: events.RoleMember,
	})
	mustBe(t, err, CodeConflict, "email")
	_, err = w.directory.CreateUser(t.Context(), admin, NewUser{
		Organization: w.org, Profile: Profile{Email: "new@example.com"}, Role: events.RoleOwner,
	})
	mustBe(t, err, CodeForbidden, "")
	_, err = w.directory.ChangeRole(t.Context(), admin, Term{Organization: w.org, User: w.people[events.RoleOwner], Role: events.RoleMember})
	mustBe(t, err, CodeForbidden, "")
	_, err = w.directory.ChangeRole(t.Context(), admin, Term{Organization: w.org, User: uuid.New(), Role: events.RoleMember})
	mustBe(t, err, CodeNotFound, "userID")
	_, err = w.directory.EndMember(t.Context(), w.by(events.RoleMember), w.org, w.people[events.RoleAuditor], "")
	mustBe(t, err, CodeForbidden, "")

	before := w.head()
	if _, err := w.directory.ChangeRole(t.Context(), owner, Term{Organization: w.org, User: member, Role: events.RoleAuditor, Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "membership.role_changed in org")
}

// A grant depends on the membership, and ends with it in the same append.
func TestTheEndOfAMembershipEndsItsGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.found("Other")
	owner, member := w.by(events.RoleOwner), w.people[events.RoleMember]
	if _, err := w.directory.AddMember(t.Context(), owner, NewMember{Organization: other, User: member, Role: events.RoleMember}); err != nil {
		t.Fatal(err)
	}
	one := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org, other})
	two := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
	before := w.head()
	made, err := w.directory.EndMember(t.Context(), owner, w.org, member, "left the company")
	if err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "membership.ended in org",
		"grant.ended in org", "token.organizations_changed in member", "grant.ended in org", "token.organizations_changed in member")
	if len(made.Receipt.Placed) != 5 {
		t.Error("not in one append")
	}
	for _, ref := range []TokenRef{one, two} {
		if g := w.grant(ref.ID, w.org); g.Live || g.Cause != events.CauseMembershipEnded {
			t.Errorf("%+v", g)
		}
	}
	if !w.grant(one.ID, other).Live || !slices.Equal(w.token(one.ID).Organizations, []uuid.UUID{other}) {
		t.Error("another organization was lost, too")
	}
	_, err = w.tokens.Update(t.Context(), w.by(events.RoleMember), two, TokenUpdate{AddOrganizations: []uuid.UUID{w.org}})
	mustBe(t, err, CodeNotFound, "organizationIDs")

	before = w.head()
	w.index.stuck = 0
	if _, err := w.directory.AddMember(t.Context(), owner, NewMember{Organization: w.org, User: member, Role: events.RoleMember}); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "membership.started in org")
	if w.grant(one.ID, w.org).Live {
		t.Error("what ended came back")
	}
	if _, err := w.tokens.Update(t.Context(), w.by(events.RoleMember), two, TokenUpdate{AddOrganizations: []uuid.UUID{w.org}}); err != nil {
		t.Error(err)
	}
}

// The index may miss a grant when its membership ends. It stays of no use, and
// ends before the membership begins anew.
func TestAGrantThatTheIndexMissedComesToNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, member := w.by(events.RoleOwner), w.people[events.RoleMember]
	if err := w.index.stick(t.Context()); err != nil {
		t.Fatal(err)
	}
	missed := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
	call := w.through(missed)
	before := w.head()
	if _, err := w.directory.EndMember(t.Context(), owner, w.org, member, ""); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "membership.ended in org")
	if !w.grant(missed.ID, w.org).Live {
		t.Fatal("the index was to miss it")
	}
	_, err := w.tokens.EndGrant(t.Context(), call, w.org, missed.ID, "still in?")
	mustBe(t, err, CodeNotFound, "")
	before = w.head()
	w.index.stuck = 0
	if _, err := w.directory.AddMember(t.Context(), owner, NewMember{Organization: w.org, User: member, Role: events.RoleAdmin}); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "grant.ended in org", "token.organizations_changed in member", "membership.started in org")
	if g := w.grant(missed.ID, w.org); g.Live || g.Cause != events.CauseMembershipEnded {
		t.Errorf("%+v", g)
	}
}

func TestDeactivatingAUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, member := w.by(events.RoleOwner), w.people[events.RoleMember]
	ref := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
	if err := w.index.freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	credential := w.through(ref)
	var missed TokenRef
	var before events.Position
	w.directory.Index = &overtaken{w.index, func() {
		missed = w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
		before = w.head()
	}}
	if _, err := w.directory.DeactivateUser(t.Context(), owner, member, "on leave"); err != nil {
		t.Fatal(err)
	}
	if !w.grant(missed.ID, w.org).Live {
		t.Fatal("the index was to miss it")
	}
	w.recorded(before, "user.deactivated in member", "grant.ended in org", "token.organizations_changed in member")
	if g := w.grant(ref.ID, w.org); g.Live || g.Cause != events.CauseUserDeactivated {
		t.Errorf("%+v", g)
	}
	for _, call := range []Call{w.by(events.RoleMember), credential, w.through(missed)} {
		_, err := w.tokens.CreatePersonalToken(t.Context(), call, NewPersonalToken{NewToken: NewToken{Name: "still here"}})
		mustBe(t, err, CodeUnauthenticated, "")
	}
	before = w.head()
	if _, err := w.directory.ReactivateUser(t.Context(), owner, member, "back"); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "grant.ended in org", "token.organizations_changed in member", "user.reactivated in member")
	if w.grant(ref.ID, w.org).Live || w.grant(missed.ID, w.org).Live {
		t.Error("what ended came back")
	}
	w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
}

func TestWhoManagesAUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, admin := w.by(events.RoleOwner), w.by(events.RoleAdmin)
	profile := Profile{Email: "renamed@example.com", DisplayName: "Renamed"}
	if _, err := w.directory.UpdateUser(t.Context(), w.by(events.RoleMember), w.people[events.RoleMember], profile); err != nil {
		t.Errorf("oneself: %v", err)
	}
	if _, err := w.directory.UpdateUser(t.Context(), admin, w.people[events.RoleMember], profile); err != nil {
		t.Errorf("an administrator: %v", err)
	}
	_, err := w.directory.UpdateUser(t.Context(), admin, w.people[events.RoleAuditor], profile)
	mustBe(t, err, CodeConflict, "email")
	_, err = w.directory.UpdateUser(t.Context(), admin, w.people[events.RoleOwner], Profile{Email: "taken.over@example.com"})
	mustBe(t, err, CodeForbidden, "")
	_, err = w.directory.DeactivateUser(t.Context(), w.by(events.RoleAuditor), w.people[events.RoleMember], "")
	mustBe(t, err, CodeForbidden, "")
	_, err = w.directory.DeactivateUser(t.Context(), owner, uuid.New(), "")
	mustBe(t, err, CodeNotFound, "id")

	other, err := w.directory.CreateOrganization(t.Context(), owner, NewOrganization{
		Name: "Other", OwnerProfile: Profile{Email: "grace@example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	grace := w.history(other.Receipt.Placed[3].Stream)[0].Event.(events.MembershipStarted).User
	_, err = w.directory.DeactivateUser(t.Context(), owner, grace, "")
	mustBe(t, err, CodeNotFound, "id")
	if _, err := w.directory.AddMember(t.Context(), owner, NewMember{Organization: w.org, User: grace, Role: events.RoleMember}); err != nil {
		t.Fatal(err)
	}
	_, err = w.directory.DeactivateUser(t.Context(), owner, grace, "")
	mustBe(t, err, CodeForbidden, "")
	_, err = w.directory.UpdateUser(t.Context(), owner, grace, Profile{Email: "taken.over@example.com"})
	mustBe(t, err, CodeForbidden, "")
}

func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.people[events.RoleOwner]
	_, err := w.directory.EndMember(t.Context(), w.by(events.RoleOwner), w.org, first, "")
	mustBe(t, err, CodeConflict, "userID")
	_, err = w.directory.ChangeRole(t.Context(), w.by(events.RoleOwner), Term{Organization: w.org, User: first, Role: events.RoleAdmin})
	mustBe(t, err, CodeConflict, "userID")
	_, err = w.directory.DeactivateUser(t.Context(), w.by(events.RoleOwner), first, "")
	mustBe(t, err, CodeConflict, "userID")

	second := w.join(w.org, events.RoleOwner, "second@example.com")
	if _, err := w.directory.DeactivateUser(t.Context(), w.by(events.RoleOwner), second, ""); err != nil {
		t.Fatal(err)
	}
	_, err = w.directory.EndMember(t.Context(), w.by(events.RoleOwner), w.org, first, "a deactivated owner does not count")
	mustBe(t, err, CodeConflict, "userID")
	if _, err := w.directory.ReactivateUser(t.Context(), w.by(events.RoleOwner), second, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.directory.EndMember(t.Context(), person(second), w.org, first, "handed over"); err != nil {
		t.Fatal(err)
	}
}

// The index may still name somebody who is an owner no longer; the log decides.
func TestAFormerOwnerDoesNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	former := w.join(w.org, events.RoleOwner, "former@example.com")
	if err := w.index.freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.directory.ChangeRole(t.Context(), w.by(events.RoleOwner), Term{
		Organization: w.org, User: former, Role: events.RoleAdmin,
	}); err != nil {
		t.Fatal(err)
	}
	_, err := w.directory.EndMember(t.Context(), w.by(events.RoleOwner), w.org, w.people[events.RoleOwner], "")
	mustBe(t, err, CodeConflict, "userID")
}

// Two owners who leave at once cannot each rely on the other.
func TestOwnersWhoLeaveAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.join(w.org, events.RoleOwner, uuid.NewString()+"@example.com")
	}
	owners, err := w.index.Owners(t.Context(), w.org)
	if err != nil || len(owners) != 6 {
		t.Fatalf("%v, %v", owners, err)
	}
	var group sync.WaitGroup
	for _, owner := range owners {
		group.Go(func() {
			_, err := w.directory.EndMember(t.Context(), person(owner), w.org, owner, "I leave")
			if r := (*Refusal)(nil); err != nil && !errors.As(err, &r) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	left := 0
	for _, owner := range owners {
		if fold(MembershipDecider, w.history(events.MembershipStream(w.org, owner))).Role == events.RoleOwner {
			left++
		}
	}
	if left != 1 {
		t.Fatalf("%d owners are left of 6", left)
	}
}
