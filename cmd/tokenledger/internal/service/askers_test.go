// An answer is remembered for a subject, and for no changed one.

package service

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func TestAskersFollowTheSubject(t *testing.T) {
	t.Parallel()
	var a askers
	token, org, user := uuid.New(), uuid.New(), uuid.New()
	machine := func(scopes ...string) verifier.Subject {
		return verifier.Subject{Token: token, Kind: events.OrganizationKind, Organization: org, OwnScopes: scopes, Scopes: scopes}
	}
	person := func(role events.Role, scopes ...string) verifier.Subject {
		return verifier.Subject{Token: token, User: user, Kind: events.PersonalKind, Organization: org, Role: role, OwnScopes: scopes}
	}
	for i, c := range []struct {
		s   verifier.Subject
		may bool
	}{
		{machine("token:introspect"), true},
		{machine("read"), false},
		{machine("read", "token:introspect"), true},
		{machine(), false},
		{person(events.RoleOwner), true},
		{person(events.RoleMember), false},
		{person(events.RoleOwner, "read"), false},
		{person(events.RoleOwner, "token:introspect"), true},
		{person(""), false},
	} {
		for range 2 {
			want := aggregate.Authorize(c.s.Principal(), aggregate.Standing{Role: c.s.Role}, aggregate.OpVerifyTokens) == nil
			if got := a.may(c.s); got != c.may || got != want {
				t.Errorf("%d: %v, want %v, the policies say %v", i, got, c.may, want)
			}
		}
	}
}

func TestAskersAreBounded(t *testing.T) {
	t.Parallel()
	var a askers
	for i := range 2 * askersKept {
		a.may(verifier.Subject{Token: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)), Kind: events.OrganizationKind})
	}
	if len(a.known) > askersKept {
		t.Errorf("%d are remembered", len(a.known))
	}
}
