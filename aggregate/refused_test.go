// The use cases' refusals name the policy that decided.

package aggregate

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// mustName checks which policy refused.
func mustName(t *testing.T, err error, policy string) {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) || r.Code != CodeForbidden || r.Policy != policy {
		t.Errorf("%v (%+v); want a refusal by %s", err, r, policy)
	}
}

func TestPeopleAndTheirTokensApartOncePeopleCanSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	change := func(call Call, signIn bool, member string) error {
		call.Principal.SignIn = signIn
		return w.wants(call, events.Policy{MemberScopes: []string{member + ":read"}})
	}
	owner := w.by(events.RoleOwner)
	full := w.through(w.newPersonalToken(owner, []uuid.UUID{w.org}))
	if err := change(full, false, "task"); err != nil {
		t.Errorf("where nobody can sign in, the token stands for its owner: %v", err)
	}
	mustName(t, change(full, true, "risk"), "tokens-never-change-policy")
	if err := change(owner, true, "risk"); err != nil {
		t.Errorf("who has signed in may: %v", err)
	}
	narrow := w.through(w.newPersonalToken(owner, []uuid.UUID{w.org}, "policy:write", "user:write"))
	mustName(t, change(narrow, false, "scan"), "personal-token-lacks-scope")
	key := w.through(w.newOrganizationToken(owner, "admin"))
	mustName(t, change(key, false, "scan"), "tokens-never-change-policy")
	mustName(t, change(w.by(events.RoleMember), true, "scan"), NoPolicy)
	mustName(t, change(w.by(events.RoleAuditor), true, "scan"), "auditors-change-nothing")
}

func TestMintingBeyondOneselfNamesThePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, soon := w.by(events.RoleOwner), time.Now().Add(time.Hour)
	key := w.through(w.newOrganizationToken(owner, "token:write", "evidence:read"))
	mint := func(call Call, until time.Time, scopes ...string) error {
		_, err := w.tokens.CreateOrganizationToken(t.Context(), call, NewOrganizationToken{
			Organization: w.org, NewToken: NewToken{Name: "ci", Scopes: scopes, ExpiresAt: until},
		})
		return err
	}
	mustName(t, mint(key, time.Time{}, "evidence:write"), "no-wider-scopes-than-ones-own")
	brief, err := w.tokens.CreateOrganizationToken(t.Context(), owner, NewOrganizationToken{
		Organization: w.org, NewToken: NewToken{Name: "brief", Scopes: []string{"token:write"}, ExpiresAt: soon},
	})
	if err != nil {
		t.Fatal(err)
	}
	mustName(t, mint(w.through(organizationRef(brief.ID)), soon.Add(time.Minute), "token:read"), "no-later-deadline-than-ones-own")
	other := w.found("other")
	narrow := w.through(w.newPersonalToken(owner, []uuid.UUID{w.org}, "token:write"))
	_, err = w.tokens.CreatePersonalToken(t.Context(), narrow, NewPersonalToken{
		Organizations: []uuid.UUID{other}, NewToken: NewToken{Name: "further", Scopes: []string{"token:read"}},
	})
	mustName(t, err, "no-other-organizations-than-ones-own")
}

// A role that was lost counts at the next decision, whatever credential acts.
func TestALostRoleIsLostAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.by(events.RoleAdmin)
	token := w.through(w.newPersonalToken(admin, []uuid.UUID{w.org}))
	register := func(call Call, name string) error {
		_, err := w.directory.RegisterObject(t.Context(), call, w.org, name, map[string]string{name + "It": VerbWrite})
		return err
	}
	for name, call := range map[string]Call{"first": admin, "second": token} {
		if err := register(call, name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.directory.ChangeRole(t.Context(), w.by(events.RoleOwner), Term{
		Organization: w.org, User: w.people[events.RoleAdmin], Role: events.RoleMember,
	}); err != nil {
		t.Fatal(err)
	}
	for _, call := range []Call{admin, token} {
		mustName(t, register(call, "third"), NoPolicy)
	}
}
