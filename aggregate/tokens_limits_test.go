// What a token can hand on to another one.

package aggregate

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestNoTokenHandsOnMoreThanItHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	other := w.found("Other")
	deadline := time.Now().Add(time.Hour)
	made, err := w.tokens.CreatePersonalToken(t.Context(), owner, NewPersonalToken{
		Organizations: []uuid.UUID{w.org},
		NewToken:      NewToken{Name: "narrow", Scopes: []string{"token:write", "evidence:read"}, ExpiresAt: deadline},
	})
	if err != nil {
		t.Fatal(err)
	}
	narrow := personalRef(made.ID)
	wide := w.newOrganizationToken(owner, "write", "token:delete")
	call := w.through(narrow)
	create := func(scopes []string, at time.Time) error {
		_, err := w.tokens.CreateOrganizationToken(t.Context(), call, NewOrganizationToken{
			Organization: w.org, NewToken: NewToken{Name: "minted", Scopes: scopes, ExpiresAt: at},
		})
		return err
	}
	personal := func(scopes []string, orgs ...uuid.UUID) error {
		_, err := w.tokens.CreatePersonalToken(t.Context(), call, NewPersonalToken{
			Organizations: orgs, NewToken: NewToken{Name: "minted", Scopes: scopes, ExpiresAt: deadline},
		})
		return err
	}
	update := func(ref TokenRef, in TokenUpdate) error {
		_, err := w.tokens.Update(t.Context(), call, ref, in)
		return err
	}
	before := w.head()
	mustBe(t, create([]string{"evidence:write"}, deadline), CodeForbidden, "scopes")
	mustBe(t, create([]string{"read"}, deadline), CodeForbidden, "scopes")
	mustBe(t, create([]string{"evidence:read"}, time.Time{}), CodeForbidden, "expiresAt")
	mustBe(t, create([]string{"evidence:read"}, deadline.Add(time.Second)), CodeForbidden, "expiresAt")
	mustBe(t, personal(nil, w.org), CodeForbidden, "scopes")
	mustBe(t, personal([]string{"write"}, w.org), CodeForbidden, "scopes")
	mustBe(t, personal([]string{"evidence:read"}, other), CodeForbidden, "organizationIDs")
	mustBe(t, update(narrow, TokenUpdate{ClearExpiresAt: true}), CodeForbidden, "expiresAt")
	mustBe(t, update(narrow, TokenUpdate{ClearScopes: true}), CodeForbidden, "scopes")
	mustBe(t, update(narrow, TokenUpdate{AddOrganizations: []uuid.UUID{other}}), CodeForbidden, "organizationIDs")
	mustBe(t, update(wide, TokenUpdate{AppendScopes: []string{"admin"}}), CodeForbidden, "scopes")
	_, err = w.tokens.Rotate(t.Context(), call, wide, Rotation{ExpiresAt: &deadline})
	mustBe(t, err, CodeForbidden, "scopes")
	_, err = w.tokens.Rotate(t.Context(), call, narrow, Rotation{ClearExpiresAt: true})
	mustBe(t, err, CodeForbidden, "expiresAt")
	_, err = w.tokens.Delete(t.Context(), call, wide, "")
	mustBe(t, err, CodeForbidden, "")
	_, err = w.directory.EndMember(t.Context(), call, w.org, w.people[events.RoleMember], "")
	mustBe(t, err, CodeForbidden, "")
	w.recorded(before)

	if err := create([]string{"evidence:read", "token:read"}, deadline); err != nil {
		t.Error(err)
	}
	if err := personal([]string{"evidence:read"}, w.org); err != nil {
		t.Error(err)
	}
	rotated, err := w.tokens.Rotate(t.Context(), call, narrow, Rotation{})
	if err != nil {
		t.Fatal(err)
	}
	if s := w.token(rotated.ID); !slices.Equal(s.Scopes, w.token(narrow.ID).Scopes) || !s.ExpiresAt.Equal(micro(deadline)) {
		t.Errorf("%+v", s)
	}
}

func TestAnOrganizationTokensCeilingIsItsCreatorsRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	robot := w.newOrganizationToken(owner, "token:write", "evidence:write")
	child := w.newOrganizationToken(w.through(robot), "evidence:write")
	if c := w.token(child.ID).Ceiling; !slices.Equal(c, Scopes{"evidence:write", "token:write"}) {
		t.Fatalf("the ceiling is %v", c)
	}
	_, err := w.tokens.Update(t.Context(), owner, child, TokenUpdate{AppendScopes: []string{"risk:read"}})
	mustBe(t, err, CodeForbidden, "scopes")
	if _, err := w.tokens.Update(t.Context(), owner, child, TokenUpdate{Scopes: []string{"evidence:read", "token:read"}}); err != nil {
		t.Error(err)
	}
	grandchild, err := w.tokens.Rotate(t.Context(), owner, child, Rotation{})
	if err != nil {
		t.Fatal(err)
	}
	if c := w.token(grandchild.ID).Ceiling; !slices.Equal(c, Scopes{"evidence:write", "token:write"}) {
		t.Errorf("rotation widened the ceiling to %v", c)
	}
}
