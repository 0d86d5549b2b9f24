// The rules of grants, organizations, users, memberships and the installation.

package aggregate

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestGrantRules(t *testing.T) {
	t.Parallel()
	token := personalToken()
	given := events.GrantGiven{Token: next, Organization: orgA, User: user1, Name: "laptop"}
	grant := func(es ...events.GrantEvent) Grant {
		return GrantDecider.Fold(Grant{}, append([]events.GrantEvent{given}, es...)...)
	}
	give := GiveGrant{ID: next, Organization: orgA, Token: token}
	suspended := with(token, events.TokenSuspended{Until: hours(1)})
	for name, c := range map[string]struct {
		grant Grant
		cmd   GrantCommand
		want  []events.GrantEvent
		code  Code
		field string
	}{
		"give":             {Grant{}, give, []events.GrantEvent{given}, "", ""},
		"give again":       {grant(), give, nil, "", ""},
		"give a suspended": {Grant{}, GiveGrant{next, orgA, suspended, false}, []events.GrantEvent{given, events.GrantSuspended{Until: hours(1)}}, "", ""},
		"give what its owner took away": {
			grant(events.GrantEnded{Cause: events.CauseRemovedByOwner}), give, []events.GrantEvent{given}, "", "",
		},
		"give after the membership ended": {
			grant(events.GrantEnded{Cause: events.CauseMembershipEnded}), give, []events.GrantEvent{given}, "", "",
		},
		"give after the user was deactivated": {
			grant(events.GrantEnded{Cause: events.CauseUserDeactivated}), give, []events.GrantEvent{given}, "", "",
		},
		"give to a token that has ended": {
			Grant{}, GiveGrant{ID: next, Organization: orgA, Token: with(token, events.TokenRevoked{})}, nil, CodeConflict, "organizationIDs",
		},
		"follow without a change": {grant(), FollowToken{token}, nil, "", ""},
		"follow a new name": {
			grant(),
			FollowToken{with(token, events.TokenRenamed{Name: "desk"})},
			[]events.GrantEvent{events.GrantChanged{Name: "desk"}},
			"", "",
		},
		"follow several changes at once": {
			grant(),
			FollowToken{with(token, events.TokenRenamed{Name: "desk"}, events.TokenExpiryChanged{ExpiresAt: hours(9)},
				events.TokenScopesChanged{Scopes: []string{"read"}}, events.TokenSuspended{})},
			[]events.GrantEvent{
				events.GrantChanged{Name: "desk", Scopes: []string{"read"}, ExpiresAt: hours(9)}, events.GrantSuspended{},
			},
			"", "",
		},
		"follow a resumption": {grant(events.GrantSuspended{}), FollowToken{token}, []events.GrantEvent{events.GrantResumed{}}, "", ""},
		"follow a revocation": {
			grant(),
			FollowToken{with(token, events.TokenRevoked{})},
			[]events.GrantEvent{events.GrantEnded{Cause: events.CauseTokenRevoked}},
			"", "",
		},
		"follow a deletion": {
			grant(),
			FollowToken{with(token, events.TokenRevoked{}, events.TokenDeleted{})},
			[]events.GrantEvent{events.GrantEnded{Cause: events.CauseTokenDeleted}},
			"", "",
		},
		"follow an expiry": {
			grant(),
			FollowToken{with(token, events.TokenExpired{})},
			[]events.GrantEvent{events.GrantEnded{Cause: events.CauseTokenExpired}},
			"", "",
		},
		"follow the end of an overlap": {
			grant(),
			FollowToken{with(token, events.TokenRotated{Successor: user1}, events.TokenExpired{})},
			[]events.GrantEvent{events.GrantEnded{Cause: events.CauseTokenReplaced}},
			"", "",
		},
		"an ended one follows nothing": {
			grant(events.GrantEnded{Cause: events.CauseOrganization}), FollowToken{with(token, events.TokenRevoked{})}, nil, "", "",
		},
		"end":               {grant(), EndGrant{events.CauseOrganization}, []events.GrantEvent{events.GrantEnded{Cause: events.CauseOrganization}}, "", ""},
		"end nothing":       {Grant{}, EndGrant{events.CauseOrganization}, nil, "", ""},
		"stamp":             {grant(), StampGrant{}, []events.GrantEvent{events.GrantSSOAuthorized{}}, "", ""},
		"stamp nothing":     {Grant{}, StampGrant{}, nil, CodeNotFound, "id"},
		"stamp an ended":    {grant(events.GrantEnded{}), StampGrant{}, nil, CodeConflict, "id"},
		"withdraw a stamp":  {grant(events.GrantSSOAuthorized{}), UnstampGrant{}, []events.GrantEvent{events.GrantSSOAuthorizationWithdrawn{}}, "", ""},
		"withdraw no stamp": {grant(), UnstampGrant{}, nil, "", ""},
		"a stamp does not outlive the grant": {
			grant(events.GrantSSOAuthorized{}, events.GrantEnded{}, given), UnstampGrant{}, nil, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := GrantDecider.Decide(c.grant, c.cmd, noon)
			compare(t, got, err, c.want, c.code, c.field)
		})
	}
}

// An end that says something of the token is final, also one for a cause that
// nobody has thought of yet.
func TestAGrantThatEndedForGoodIsNotGivenAgain(t *testing.T) {
	t.Parallel()
	for _, cause := range []events.GrantCause{
		events.CauseOrganization, events.CauseApprovalWithdrawn, events.CauseDeclined, events.CausePolicy, events.CauseReview,
		events.CauseTokenRevoked, events.CauseTokenExpired, events.CauseTokenDeleted, events.CauseTokenReplaced, "another", "",
	} {
		ended := GrantDecider.Fold(Grant{}, events.GrantGiven{Token: next, Organization: orgA, User: user1}, events.GrantEnded{Cause: cause})
		_, err := GrantDecider.Decide(ended, GiveGrant{ID: next, Organization: orgA, Token: personalToken()}, noon)
		mustBe(t, err, CodeConflict, "organizationIDs")
	}
}

func compare[E events.Event](t *testing.T, got []E, err error, want []E, code Code, field string) {
	t.Helper()
	if code != "" {
		mustBe(t, err, code, field)
		return
	}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	for i := range got {
		if !sameEvent(got[i], want[i]) {
			t.Fatalf("%+v; want %+v", got, want)
		}
	}
}

func TestOrganizationRules(t *testing.T) {
	t.Parallel()
	org := OrganizationDecider.Fold(Organization{},
		events.OrganizationCreated{Name: "demo", DisplayName: "Demo"},
		events.OrganizationObjectRegistered{Object: "invoice", Actions: map[string]string{"payInvoice": "write"}})
	policy := events.Policy{SSORequired: true, MemberScopes: []string{"invoice:read"}}
	type E = events.OrganizationEvent
	for name, c := range map[string]struct {
		org   Organization
		cmd   OrganizationCommand
		want  []E
		code  Code
		field string
	}{
		"create": {
			Organization{},
			CreateOrganization{Index: 7, Name: "demo"},
			[]E{events.OrganizationCreated{Index: 7, Name: "demo", DisplayName: "demo"}},
			"", "",
		},
		"create without a name":      {Organization{}, CreateOrganization{}, nil, CodeBadUserInput, "name"},
		"create again":               {org, CreateOrganization{Name: "demo"}, nil, CodeConflict, "id"},
		"rename":                     {org, RenameOrganization{"demo", "Demo Ltd"}, []E{events.OrganizationRenamed{Name: "demo", DisplayName: "Demo Ltd"}}, "", ""},
		"rename to the same":         {org, RenameOrganization{"demo", "Demo"}, nil, "", ""},
		"rename to control":          {org, RenameOrganization{"demo", "\x07"}, nil, CodeBadUserInput, "displayName"},
		"rename what does not exist": {Organization{}, RenameOrganization{"a", "a"}, nil, CodeNotFound, ""},

		"register": {org, RegisterObject{"order", map[string]string{"placeOrder": "write"}}, []E{events.OrganizationObjectRegistered{Object: "order", Actions: map[string]string{"placeOrder": "write"}}}, "", ""},
		"register more for an outside object": {
			org,
			RegisterObject{"evidence", map[string]string{"importEvidence": "write"}},
			[]E{events.OrganizationObjectRegistered{Object: "evidence", Actions: map[string]string{"importEvidence": "write"}}},
			"", "",
		},
		"register the same": {org, RegisterObject{"invoice", map[string]string{"payInvoice": "write"}}, nil, "", ""},
		"register other actions": {
			org,
			RegisterObject{"invoice", map[string]string{"payInvoice": "delete"}},
			[]E{events.OrganizationObjectRegistered{Object: "invoice", Actions: map[string]string{"payInvoice": "delete"}}},
			"", "",
		},
		"register the ledger's own":        {org, RegisterObject{"token", nil}, nil, CodeBadUserInput, "name"},
		"register a bare scope":            {org, RegisterObject{"admin", nil}, nil, CodeBadUserInput, "name"},
		"register with a colon":            {org, RegisterObject{"a:b", nil}, nil, CodeBadUserInput, "name"},
		"register introspection":           {org, RegisterObject{"order", map[string]string{"peek": "introspect"}}, nil, CodeBadUserInput, "actions"},
		"register an action with a space":  {org, RegisterObject{"order", map[string]string{"place order": "write"}}, nil, CodeBadUserInput, "actions"},
		"register another's action":        {org, RegisterObject{"order", map[string]string{"payInvoice": "write"}}, nil, CodeConflict, "actions"},
		"register an action that is known": {org, RegisterObject{"evidence", map[string]string{"createEvidence": "read"}}, nil, CodeConflict, "actions"},
		"register a token value": {
			org, RegisterObject{"order", map[string]string{"tola_" + strings.Repeat("a", 64): "write"}}, nil, CodeBadUserInput, "actions",
		},

		"policy":           {org, SetPolicy{policy}, []E{events.OrganizationPolicyChanged{After: policy}}, "", ""},
		"the same policy":  {OrganizationDecider.Fold(org, events.OrganizationPolicyChanged{After: policy}), SetPolicy{policy}, nil, "", ""},
		"unknown scopes":   {org, SetPolicy{events.Policy{MemberScopes: []string{"moon:read"}}}, nil, CodeBadUserInput, "memberScopes"},
		"the ledger's own": {org, SetPolicy{events.Policy{MemberScopes: []string{"token:read"}}}, nil, CodeBadUserInput, "memberScopes"},
		"bare scopes":      {org, SetPolicy{events.Policy{MemberScopes: []string{"read"}}}, nil, CodeBadUserInput, "memberScopes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := OrganizationDecider.Decide(c.org, c.cmd, noon)
			compare(t, got, err, c.want, c.code, c.field)
		})
	}
	many := Organization{Exists: true, Objects: map[string]map[string]string{}}
	for i := range maxObjects {
		many.Objects["o"+strings.Repeat("x", i/10)+string(rune('0'+i%10))] = nil
	}
	_, err := OrganizationDecider.Decide(many, RegisterObject{Name: "one_more"}, noon)
	mustBe(t, err, CodeBadUserInput, "name")
}

func TestMembershipRules(t *testing.T) {
	t.Parallel()
	auditor := Membership{Role: events.RoleAuditor, Until: hours(1)}
	owner := Membership{Role: events.RoleOwner}
	type E = events.MembershipEvent
	start := func(role events.Role, h int) StartMembership {
		c := StartMembership{Organization: orgA, User: user1, Role: role}
		if h != 0 {
			c.Until = hours(h)
		}
		return c
	}
	for name, c := range map[string]struct {
		m     Membership
		cmd   MembershipCommand
		at    int
		want  []E
		code  Code
		field string
	}{
		"start":                  {Membership{}, start("member", 0), 0, []E{events.MembershipStarted{Organization: orgA, User: user1, Role: "member"}}, "", ""},
		"start until":            {Membership{}, start("auditor", 5), 0, []E{events.MembershipStarted{Organization: orgA, User: user1, Role: "auditor", Until: hours(5)}}, "", ""},
		"start in the past":      {Membership{}, start("auditor", -5), 0, nil, CodeBadUserInput, "until"},
		"an owner until":         {Membership{}, start("owner", 5), 0, nil, CodeBadUserInput, "until"},
		"no such role":           {Membership{}, start("janitor", 0), 0, nil, CodeBadUserInput, "role"},
		"start again":            {owner, start("member", 0), 0, nil, CodeConflict, "userID"},
		"start after it ran out": {auditor, start("member", 0), 1, nil, CodeConflict, "userID"},
		"change":                 {auditor, ChangeMembership{Role: "admin"}, 0, []E{events.MembershipRoleChanged{Before: "auditor", Role: "admin"}}, "", ""},
		"change to the same":     {auditor, ChangeMembership{"auditor", hours(1)}, 0, nil, "", ""},
		"change what ran out":    {auditor, ChangeMembership{Role: "admin"}, 1, nil, CodeNotFound, "userID"},
		"change nothing":         {Membership{}, ChangeMembership{Role: "admin"}, 0, nil, CodeNotFound, "userID"},
		"end":                    {owner, EndMembership{}, 0, []E{events.MembershipEnded{}}, "", ""},
		"end what ran out":       {auditor, EndMembership{}, 9, []E{events.MembershipEnded{}}, "", ""},
		"end nothing":            {Membership{}, EndMembership{}, 0, nil, CodeNotFound, "userID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := MembershipDecider.Decide(c.m, c.cmd, hours(c.at))
			compare(t, got, err, c.want, c.code, c.field)
		})
	}
}

func TestUserAndInstallationRules(t *testing.T) {
	t.Parallel()
	ada := Profile{Email: "ada@example.com"}
	_, err := UserDecider.Decide(User{}, UpdateUser{user1, ada}, noon)
	mustBe(t, err, CodeNotFound, "id")
	_, err = UserDecider.Decide(User{Exists: true}, CreateUser{user1, ada}, noon)
	mustBe(t, err, CodeConflict, "id")
	_, err = UserDecider.Decide(User{}, CreateUser{user1, Profile{Email: "nobody"}}, noon)
	mustBe(t, err, CodeBadUserInput, "email")
	_, err = UserDecider.Decide(User{}, CreateUser{user1, Profile{ada.Email, "\x00"}}, noon)
	mustBe(t, err, CodeBadUserInput, "displayName")
	made, err := UserDecider.Decide(User{}, CreateUser{user1, ada}, noon)
	if err != nil {
		t.Fatal(err)
	}
	created := made[0].(events.UserCreated)
	if created.Email.Subject != events.UserStream(user1) || created.DisplayName.Value != ada.Email {
		t.Fatalf("%+v", created)
	}

	_, err = InstallationDecider.Decide(Installation{}, RegisterOrganization{orgA}, noon)
	mustBe(t, err, CodeConflict, "")
	_, err = InstallationDecider.Decide(Installation{Initialized: true}, InitializeInstallation{"again"}, noon)
	mustBe(t, err, CodeConflict, "")
	twice, err := InstallationDecider.Decide(Installation{Initialized: true, Operators: []uuid.UUID{user1}}, AppointOperator{user1}, noon)
	compare(t, twice, err, nil, "", "")
}
