// What an identity provider may do: with members of its organization, and with nobody else.

package aggregate

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
)

// provider is a call of the organization's identity provider.
func (w *world) provider() Call {
	w.Helper()
	return w.through(w.newOrganizationToken(w.by(events.RoleOwner), "user:write"))
}

func described(email string) Provision {
	return Provision{
		Names: &ProviderNames{UserName: email, ExternalID: "00u-" + email}, Profile: &Profile{Email: email, DisplayName: "Somebody"},
	}
}

func (w *world) provision(call Call, in Provision) Made {
	w.Helper()
	in.Organization = w.org
	made, err := w.directory.Provision(w.Context(), call, in)
	if err != nil {
		w.Fatal(err)
	}
	return made
}

func (w *world) refuses(call Call, in Provision, code Code, field string) {
	w.Helper()
	before := w.head()
	in.Organization = w.org
	_, err := w.directory.Provision(w.Context(), call, in)
	mustBe(w.TB.(*testing.T), err, code, field)
	if w.head() != before {
		w.Error("a refused request left events behind")
	}
}

func TestAProviderMakesAndEndsMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := w.provider()
	before := w.head()
	user := w.provision(idp, described("eve@example.com")).ID
	w.recorded(before, "user.created in user-"+user.String(), "membership.started in org", "membership.provisioned in org")
	w.people["eve"] = user

	// Retried, it is recognised; so is another name for the same address, and another address with the name.
	w.refuses(idp, described("EVE@example.com"), CodeConflict, "userName")
	other := described("eve@example.com")
	other.Names.UserName = "other"
	w.refuses(idp, other, CodeConflict, "email")
	other = described("else@example.com")
	other.Names.UserName = "eve@EXAMPLE.com"
	w.refuses(idp, other, CodeConflict, "userName")

	token := w.newPersonalToken(person(user), []uuid.UUID{w.org})
	credential := w.through(token)
	before = w.head()
	w.provision(idp, Provision{User: user, Active: new(false)})
	w.recorded(before, "membership.ended in org", "grant.ended in org", "token.organizations_changed in eve", "user.deactivated in eve")
	for rec, err := range w.log.ReadAll(t.Context(), before) {
		if err != nil || rec.Meta.Actor.Kind != events.ActorOrganizationToken || rec.Meta.Reason == "" {
			t.Errorf("%+v, %v", rec.Meta, err)
		}
	}
	_, err := w.tokens.Revoke(t.Context(), credential, token, "x")
	mustBe(t, err, CodeUnauthenticated, "")

	// The same again changes nothing; back, what ended stays ended.
	before = w.head()
	w.provision(idp, Provision{User: user, Active: new(false)})
	w.recorded(before)
	w.provision(idp, Provision{User: user, Active: new(true), Profile: &Profile{Email: "eve@example.org", DisplayName: "Eve"}})
	w.recorded(before, "user.reactivated in eve", "membership.started in org", "user.updated in eve")
	if w.grant(token.ID, w.org).Live {
		t.Error("a grant came back to life")
	}
	w.provision(idp, Provision{User: user, Active: new(true)})

	before = w.head()
	if _, err := w.directory.Deprovision(t.Context(), idp, Provision{Organization: w.org, User: user}); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "membership.ended in org", "user.deactivated in eve", "membership.provisioned in org")
	// Made anew, it is the same user.
	if again := w.provision(idp, described("eve@example.org")).ID; again != user {
		t.Errorf("made %s, want %s", again, user)
	}
}

func TestAProviderReachesPlainMembersOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := w.provider()
	for _, role := range []events.Role{events.RoleOwner, events.RoleAdmin, events.RoleAuditor} {
		user := w.people[role]
		w.refuses(idp, Provision{User: user, Active: new(false)}, CodeForbidden, "")
		w.refuses(idp, Provision{User: user, Names: &ProviderNames{UserName: "x"}}, CodeForbidden, "")
		w.refuses(idp, described(string(role)+"@example.com"), CodeConflict, "email")
		_, err := w.directory.Deprovision(t.Context(), idp, Provision{Organization: w.org, User: user})
		mustBe(t, err, CodeForbidden, "")
	}
	w.refuses(idp, Provision{User: uuid.New(), Active: new(false)}, CodeNotFound, "id")
	member := w.people[events.RoleMember]
	for _, call := range []Call{
		w.by(events.RoleOwner), w.by(events.RoleMember), w.through(w.newPersonalToken(w.by(events.RoleOwner), []uuid.UUID{w.org})),
		w.through(w.newOrganizationToken(w.by(events.RoleOwner), "user:read")),
		w.through(w.newOrganizationToken(w.by(events.RoleOwner), "token:write")),
	} {
		w.refuses(call, Provision{User: member, Active: new(false)}, CodeForbidden, "")
	}
	// Another organization's provider finds nobody here.
	foreign := w.found("Foreign")
	_, err := w.directory.Provision(t.Context(), idp, Provision{Organization: foreign, User: member, Active: new(false)})
	mustBe(t, err, CodeNotFound, "")

	// Whoever an administrator has shut out, comes back by an administrator.
	if _, err := w.directory.DeactivateUser(t.Context(), w.by(events.RoleOwner), member, "suspicion"); err != nil {
		t.Fatal(err)
	}
	w.refuses(idp, Provision{User: member, Active: new(true)}, CodeConflict, "active")
	for field, in := range map[string]Provision{
		"userName":   {User: member, Names: &ProviderNames{}},
		"externalId": {User: member, Names: &ProviderNames{UserName: "x", ExternalID: "a\x00b"}},
	} {
		w.refuses(idp, in, CodeBadUserInput, field)
	}
	stale := events.Version(1)
	w.refuses(idp, Provision{User: member, Active: new(false), UserVersion: &stale}, CodeConflict, "version")
}

func TestAProviderLeavesOtherOrganizationsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp, owner := w.provider(), w.by(events.RoleOwner)
	other := w.found("Other")
	shared := w.join(other, events.RoleMember, "shared@example.com")
	kept := w.newPersonalToken(person(shared), []uuid.UUID{other})

	// Taken in by the address; profile and the other membership stay as they are.
	if got := w.provision(idp, described("SHARED@example.com")).ID; got != shared {
		t.Fatalf("made %s, want %s", got, shared)
	}
	before := w.head()
	w.provision(idp, Provision{User: shared, Profile: &Profile{Email: "stolen@example.com"}})
	w.recorded(before)
	token := w.newPersonalToken(person(shared), []uuid.UUID{w.org, other})
	w.provision(idp, Provision{User: shared, Active: new(false)})
	if w.grant(token.ID, w.org).Live || !w.grant(token.ID, other).Live || !w.grant(kept.ID, other).Live {
		t.Error("the grants to the one organization end, and those to the other stay")
	}
	if u := fold(UserDecider, w.history(events.UserStream(shared))); !u.Active() {
		t.Error("a user who belongs elsewhere was deactivated")
	}
	// Deactivated there, he does not come back through here.
	if _, err := w.directory.DeactivateUser(t.Context(), owner, shared, "left"); err != nil {
		t.Fatal(err)
	}
	w.refuses(idp, Provision{User: shared, Active: new(true)}, CodeConflict, "active")

	// Who was deactivated elsewhere and never belonged here is nobody's to revive.
	gone := w.join(other, events.RoleMember, "gone@example.com")
	if _, err := w.directory.DeactivateUser(t.Context(), owner, gone, "left"); err != nil {
		t.Fatal(err)
	}
	w.refuses(idp, described("gone@example.com"), CodeConflict, "email")

	// An operator of the installation stays one.
	operator := w.people[events.RoleOwner]
	third := w.join(w.org, events.RoleOwner, "third@example.com")
	if _, err := w.directory.ChangeRole(t.Context(), person(third), Term{Organization: w.org, User: operator, Role: events.RoleMember}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.directory.EndMember(t.Context(), owner, other, operator, ""); err == nil {
		t.Fatal("the last owner of the other organization left")
	}
	w.provision(idp, Provision{User: operator, Active: new(false)})
	if u := fold(UserDecider, w.history(events.UserStream(operator))); !u.Active() {
		t.Error("the operator was deactivated")
	}
}

// Whatever providers, owners and members do in whatever order: nobody without a
// membership has a live grant, right after each request.
func TestNoGrantOutlivesItsMembershipThroughProvisioning(t *testing.T) {
	t.Parallel()
	values := peppers(t)
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		log := &memory{}
		tokens := &Tokens{Handler: &Handler{Log: log}, Peppers: values}
		y := &Directory{Tokens: tokens, Index: &index{log: log}}
		begun, err := y.Initialize(ctx, Initialization{Origin: "o", Organization: "Demo", Owner: Profile{Email: "owner@example.com"}})
		must(t, err)
		owner, org := person(begun.User), begun.Organization
		token, err := tokens.CreateOrganizationToken(ctx, owner, NewOrganizationToken{Organization: org, NewToken: NewToken{Name: "idp", Scopes: []string{"user:write"}}})
		must(t, err)
		idp := Call{Principal: Principal{Actor: events.OrganizationToken(token.ID), Token: token.ID, Kind: events.OrganizationKind, Organization: org}}
		provision := func(in Provision) uuid.UUID {
			in.Organization = org
			made, err := y.Provision(ctx, idp, in)
			must(t, err)
			return made.ID
		}
		user := provision(described("eve@example.com"))
		var grants []events.StreamID
		t.Repeat(map[string]func(*rapid.T){
			"token": func(*rapid.T) {
				if out, err := tokens.CreatePersonalToken(ctx, person(user), NewPersonalToken{
					Organizations: []uuid.UUID{org}, NewToken: NewToken{Name: "t"},
				}); err == nil {
					grants = append(grants, events.GrantStream(out.ID, org))
				}
			},
			"in":    func(*rapid.T) { provision(Provision{User: user, Active: new(true)}) },
			"out":   func(*rapid.T) { provision(Provision{User: user, Active: new(false)}) },
			"named": func(*rapid.T) { provision(Provision{User: user, Names: described("eve@example.com").Names}) },
			"deleted": func(t *rapid.T) {
				_, err := y.Deprovision(ctx, idp, Provision{Organization: org, User: user})
				must(t, err)
			},
			"ended": func(*rapid.T) { _, _ = y.EndMember(ctx, owner, org, user, "") },
			"started": func(*rapid.T) {
				_, _ = y.AddMember(ctx, owner, NewMember{Organization: org, User: user, Role: events.RoleMember})
			},
			"": func(t *rapid.T) {
				m := fold(MembershipDecider, log.history(events.MembershipStream(org, user)))
				u := fold(UserDecider, log.history(events.UserStream(user)))
				for _, stream := range grants {
					if fold(GrantDecider, log.history(stream)).Live && (m.Role == "" || !u.Active()) {
						t.Fatalf("%s is live; role %q, active %v", stream, m.Role, u.Active())
					}
				}
			},
		})
	})
}

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (m *memory) history(id events.StreamID) (out []events.Recorded) {
	for rec := range m.ReadStream(context.Background(), id, 0) {
		out = append(out, rec)
	}
	return out
}
