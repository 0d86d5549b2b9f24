// Mutations on organizations, users, members, grants and single sign-on.

package graphql_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create := `mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) { organization { id name displayName createdAt version policy { ssoRequired } } receipt { events { type } } } }`
	a := w.send(w.admin, create, vars{"input": vars{"name": "globex", "displayName": "Globex"}})
	if a.at("createOrganization.organization.displayName") != "Globex" || a.at("createOrganization.organization.version") != "1" {
		t.Errorf("founded: %s", a.body)
	}
	if len(a.Errors) != 1 || a.any("createOrganization.organization.policy") != nil {
		t.Errorf("the policy of another organization than the request's: %s", a.body)
	}
	for _, input := range []vars{{"name": ""}, {"name": "x", "ownerID": "x"}, {"name": "x", "ownerEmail": "nonsense"}, {"name": "a\nb"}} {
		w.send(w.admin, create, vars{"input": input}).refuses("BAD_USER_INPUT", "*")
	}
	w.send(w.admin, create, vars{"input": vars{"name": "x", "ownerID": uuid.New()}}).refuses("NOT_FOUND", "ownerID")

	a = w.ask(`mutation { updateOrganization(input: {name: "acme2", displayName: "Acme 2"}) { organization { name displayName version } receipt { events { type } } } }`, nil)
	if a.at("updateOrganization.organization.displayName") != "Acme 2" || a.at("updateOrganization.receipt.events.0.type") != "organization.renamed" {
		t.Errorf("renamed: %s", a.body)
	}
	a = w.ask(`mutation { registerObject(name: "asset", actions: {createAsset: write, listAssets: "read"}) { organization { objects { name actions } } } }`, nil)
	if got := a.at("registerObject.organization.objects.0.actions"); got != "map[createAsset:write listAssets:read]" {
		t.Errorf("registered: %s", a.body)
	}
	w.ask(createAPIToken, vars{"input": vars{"name": "x", "scopes": []string{"asset:write"}}})
	for _, actions := range []string{`{createAsset: fly}`, `{createAsset: 7}`, `"x"`, `{a_b: write, x: [write]}`} {
		w.send(w.admin, fmt.Sprintf(`mutation { registerObject(name: "other", actions: %s) { receipt { position } } }`, actions), nil).refuses("BAD_USER_INPUT", "*")
	}
	w.send(w.admin, `mutation { registerObject(name: "Not A Name") { receipt { position } } }`, nil).refuses("BAD_USER_INPUT", "name")
	if got := w.ask(`{ organization { name objects { name actions } } }`, nil).at("organization.objects.0.name"); got != "asset" {
		t.Errorf("read: %s", got)
	}
}

func TestUsersAndMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.ask(`mutation { createUser(input: {email: "grace@example.com", displayName: "Grace", role: AUDITOR, until: "2099-01-01T00:00:00Z"}) {
		user { id email displayName isActive version } receipt { events { type } } } }`, nil)
	id := a.at("createUser.user.id")
	if a.at("createUser.user.email") != "grace@example.com" || a.at("createUser.user.isActive") != "true" {
		t.Errorf("created: %s", a.body)
	}
	w.send(w.admin, `mutation { createUser(input: {email: "GRACE@example.com"}) { user { id } } }`, nil).refuses("CONFLICT", "email")
	w.send(w.admin, `mutation { createUser(input: {email: "no address"}) { user { id } } }`, nil).refuses("BAD_USER_INPUT", "email")

	read := func(path string) string {
		return w.ask(`query($id: ID!) { user(id: $id) { id email displayName isActive createdAt } organization { members { edges { node { role until isActive user { id } } } } } }`, vars{"id": id}).at(path)
	}
	if read("user.displayName") != "Grace" || read("organization.members.edges.1.node.until") != "2099-01-01T00:00:00Z" {
		t.Error("the read model does not have the user")
	}
	a = w.ask(`mutation($id: ID!) { updateUser(id: $id, input: {email: "hopper@example.com", displayName: "Hopper"}) { user { email displayName version } } }`, vars{"id": id})
	if a.at("updateUser.user.email") != "hopper@example.com" || read("user.email") != "hopper@example.com" {
		t.Errorf("updated: %s", a.body)
	}
	a = w.ask(`mutation($id: ID!) { updateMember(input: {userID: $id, role: ADMIN}) { membership { role until isActive user { id email } organization { name } } receipt { events { type } } } }`, vars{"id": id})
	if a.at("updateMember.membership.role") != "ADMIN" || a.at("updateMember.membership.until") != "" || a.at("updateMember.membership.user.email") != "hopper@example.com" {
		t.Errorf("changed: %s", a.body)
	}
	a = w.ask(`mutation($id: ID!) { deactivateUser(id: $id, reason: "leave") { user { isActive email displayName } receipt { events { type } } } }`, vars{"id": id})
	if a.at("deactivateUser.user.isActive") != "false" || a.at("deactivateUser.user.email") != "hopper@example.com" {
		t.Errorf("deactivated: %s", a.body)
	}
	if a := w.ask(`mutation($id: ID!) { reactivateUser(id: $id) { user { isActive } } }`, vars{"id": id}); a.at("reactivateUser.user.isActive") != "true" {
		t.Errorf("reactivated: %s", a.body)
	}
	a = w.ask(`mutation($id: ID!) { removeMember(userID: $id, reason: "left") { membership { isActive role } receipt { events { type } } } }`, vars{"id": id})
	if a.at("removeMember.membership.isActive") != "false" {
		t.Errorf("removed: %s", a.body)
	}
	a = w.ask(`mutation { addMember(input: {email: "hopper@example.com", role: MEMBER}) { membership { role user { id } } } }`, nil)
	if a.at("addMember.membership.user.id") != id {
		t.Errorf("added again: %s", a.body)
	}
	w.send(w.admin, `mutation { addMember(input: {email: "nobody@example.com", role: MEMBER}) { receipt { position } } }`, nil).refuses("NOT_FOUND", "email")
	w.send(w.admin, `mutation { addMember(input: {userID: "x", role: MEMBER}) { receipt { position } } }`, nil).refuses("BAD_USER_INPUT", "userID")
	w.send(w.admin, `mutation { addMember(input: {email: "x@example.com", role: KING}) { receipt { position } } }`, nil).refuses("BAD_USER_INPUT", "*")
	w.send(w.admin, `mutation($id: ID!) { removeMember(userID: $id) { receipt { position } } }`, vars{"id": w.user}).refuses("CONFLICT", "*")
	w.send(w.admin, `mutation { updateUser(id: "x", input: {email: "a@b.c", displayName: "x"}) { receipt { position } } }`, nil).refuses("BAD_USER_INPUT", "id")
}

// A leaver's personal tokens lose the organization in the same append.
func TestLeaver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user, value := w.member("leaver", events.RoleAdmin)
	w.as(value, `{ apiTokens { totalCount } }`, nil)
	a := w.ask(`mutation($id: ID!) { removeMember(userID: $id, reason: "left") { receipt { events { type } } } }`, vars{"id": user})
	if got := fmt.Sprint(a.any("removeMember.receipt.events")); got != "[map[type:membership.ended] map[type:grant.ended] map[type:token.organizations_changed]]" {
		t.Errorf("events: %s", got)
	}
	w.settle()
	w.send(value, `{ apiTokens { totalCount } }`, nil).refuses("BAD_USER_INPUT", "X-Organization-ID")
	a = w.ask(`{ organization { tokenGrants { edges { node { status endedAt endedBecause user { displayName } } } } } }`, nil)
	if got := a.at("organization.tokenGrants.edges.1.node.endedBecause"); got != "membership_ended" {
		t.Errorf("the grant: %s", a.body)
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, value := w.member("grantee", events.RoleMember)
	mine := w.as(value, `{ personalAccessTokens { edges { node { id } } } }`, nil).at("personalAccessTokens.edges.0.node.id")
	a := w.ask(`mutation($id: ID!) { endTokenGrant(id: $id, reason: "not needed") { tokenGrant { tokenID token status endedBecause organization { name } user { displayName } } receipt { events { type } } } }`, vars{"id": mine})
	for path, want := range map[string]string{
		"tokenGrant.status": "ENDED", "tokenGrant.endedBecause": "ended_by_organization", "tokenGrant.tokenID": mine,
		"tokenGrant.organization.name": "acme", "tokenGrant.user.displayName": "grantee", "receipt.events.0.type": "grant.ended",
	} {
		if got := a.at("endTokenGrant." + path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	w.send(w.admin, `mutation($id: ID!) { endTokenGrant(id: $id, reason: "again") { receipt { position } } }`, vars{"id": mine}).refuses("CONFLICT", "*")
	w.send(w.admin, `mutation($id: ID!) { endTokenGrant(id: $id, reason: "") { receipt { position } } }`, vars{"id": w.ownToken()}).refuses("BAD_USER_INPUT", "reason")
}

// ownToken is the id of the administrator's token.
func (w *world) ownToken() string {
	w.t.Helper()
	return w.ask(`{ personalAccessTokens { edges { node { id } } } }`, nil).at("personalAccessTokens.edges.0.node.id")
}

func TestSingleSignOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const authorize = `mutation($id: ID!) { authorizeTokenSSO(id: $id) { apiToken { id ssoAuthorizations } tokenGrant { tokenID ssoAuthorizedAt } receipt { events { type } } } }`
	const withdraw = `mutation($id: ID!) { withdrawTokenSSO(id: $id) { apiToken { id ssoAuthorizations } tokenGrant { tokenID ssoAuthorizedAt } receipt { events { type } } } }`
	const demand = `mutation($on: Boolean!) { updateOrganizationPolicy(input: {ssoRequired: $on, memberScopes: []}) { organization { policy { ssoRequired } } } }`
	key := w.apiToken("stamped", "read")
	a := w.ask(authorize, vars{"id": key.id})
	if got := a.any("authorizeTokenSSO.apiToken.ssoAuthorizations").(map[string]any)[w.org.String()]; got == nil || a.any("authorizeTokenSSO.tokenGrant") != nil {
		t.Errorf("an organization token: %s", a.body)
	}
	if _, err := time.Parse(time.RFC3339Nano, value(a.any("authorizeTokenSSO.apiToken.ssoAuthorizations").(map[string]any)[w.org.String()])); err != nil {
		t.Error(err)
	}
	w.send(w.admin, demand, vars{"on": true}).refuses("CONFLICT", "ssoRequired")
	a = w.ask(authorize, vars{"id": w.ownToken()})
	if a.at("authorizeTokenSSO.tokenGrant.ssoAuthorizedAt") == "" || a.any("authorizeTokenSSO.apiToken") != nil {
		t.Errorf("a personal token: %s", a.body)
	}
	if a := w.ask(demand, vars{"on": true}); a.at("updateOrganizationPolicy.organization.policy.ssoRequired") != "true" {
		t.Errorf("the policy: %s", a.body)
	}
	w.settle()
	w.as(key.value, `{ apiTokens { totalCount } }`, nil)
	plain := w.apiToken("plain", "read")
	w.send(plain.value, `{ apiTokens { totalCount } }`, nil).refuses("SSO_REQUIRED", "*")
	w.send(plain.value, `mutation { verifyToken(input: {token: "x"}) { allowed } }`, nil).refuses("SSO_REQUIRED", "*")
	a = w.ask(withdraw, vars{"id": key.id})
	if a.any("withdrawTokenSSO.apiToken.ssoAuthorizations") != nil {
		t.Errorf("withdrawn: %s", a.body)
	}
	w.settle()
	w.send(key.value, `{ apiTokens { totalCount } }`, nil).refuses("SSO_REQUIRED", "*")
	if a := w.ask(withdraw, vars{"id": plain.id}); a.any("withdrawTokenSSO.receipt") != nil {
		t.Errorf("nothing to withdraw: %s", a.body)
	}
}
