// Who sees and may do what: roles, scopes, and the boundary around each organization.

package graphql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// operations are documents that need nothing but a name for something; %s is the id of an organization token.
var operations = map[string]string{
	"list":       `{ apiTokens { totalCount } }`,
	"read":       `{ apiToken(id: "%s") { name } }`,
	"create":     `mutation { createAPIToken(input: {name: "x", scopes: ["evidence:read"]}) { apiToken { id } } }`,
	"update":     `mutation { updateAPIToken(id: "%s", input: {description: "x"}) { apiToken { id } } }`,
	"revoke":     `mutation { revokeAPIToken(id: "%s", reason: "x") { apiToken { id } } }`,
	"authorize":  `mutation { authorizeTokenSSO(id: "%s") { apiToken { ssoAuthorizations } } }`,
	"mine":       `{ personalAccessTokens { totalCount } }`,
	"make mine":  `mutation { createPersonalAccessToken(input: {name: "x", scopes: ["read"]}) { personalAccessToken { id } } }`,
	"members":    `{ organization { members { totalCount } } }`,
	"grants":     `{ organization { tokenGrants { totalCount } } }`,
	"policy":     `{ organization { policy { ssoRequired } } }`,
	"set policy": `mutation { updateOrganizationPolicy(input: {ssoRequired: false, memberScopes: ["evidence:read"]}) { organization { id } } }`,
	"rename":     `mutation { updateOrganization(input: {name: "acme", displayName: "New"}) { organization { id } } }`,
	"register":   `mutation { registerObject(name: "asset", actions: {createAsset: write}) { organization { id } } }`,
	"events":     `{ auditEvents(first: 1) { totalCount } }`,
	"own trail":  `{ auditEvents(first: 1, trail: OWN) { totalCount } }`,
	"operator":   `{ auditEvents(first: 1, trail: OPERATOR) { totalCount } }`,
	"verify":     `mutation { verifyToken(input: {token: "x"}) { allowed } }`,
	"found":      `mutation { createOrganization(input: {name: "another"}) { organization { id } } }`,
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, admin := w.member("admin", events.RoleAdmin)
	_, auditor := w.member("auditor", events.RoleAuditor)
	_, member := w.member("member", events.RoleMember)
	for _, c := range []struct {
		who, token string
		may        []string
	}{
		{"owner", w.admin, []string{"list", "read", "create", "update", "revoke", "authorize", "mine", "make mine", "members", "grants", "policy", "set policy", "rename", "register", "events", "own trail", "verify", "found", "operator"}},
		{"admin", admin, []string{"list", "read", "create", "update", "revoke", "authorize", "mine", "make mine", "members", "grants", "policy", "set policy", "rename", "register", "events", "own trail", "verify"}},
		{"auditor", auditor, []string{"list", "read", "mine", "make mine", "members", "grants", "policy", "events", "own trail"}},
		{"member", member, []string{"list", "mine", "make mine", "own trail"}},
		{"token that reads", w.tokenOf("reads", "read"), []string{"list", "read", "members", "grants", "policy", "events"}},
		{"token that writes tokens", w.tokenOf("writes", "token:write"), []string{"list", "read", "update", "revoke"}},
		{"token that verifies", w.tokenOf("verifies", "token:introspect"), []string{"verify"}},
		{"token for elsewhere", w.tokenOf("elsewhere", "evidence:write"), nil},
		{"personal token that reads", w.personalToken(w.user, []string{"read"}, w.org), []string{"list", "read", "mine", "members", "grants", "policy", "events", "own trail", "operator"}},
		{"personal token with scope admin", w.personalToken(w.user, []string{"admin"}, w.org), []string{"list", "read", "create", "update", "revoke", "authorize", "mine", "make mine", "members", "grants", "policy", "set policy", "rename", "register", "events", "own trail", "found", "operator"}},
	} {
		t.Run(c.who, func(t *testing.T) {
			for name, document := range operations {
				w := *w
				w.t = t
				if strings.Contains(document, "%s") {
					document = fmt.Sprintf(document, w.usable(w.apiToken("target", "evidence:read")).id)
				}
				a := w.send(c.token, document, nil)
				allowed := len(a.Errors) == 0
				if !allowed && a.Errors[0].Extensions["code"] == "CONFLICT" {
					allowed = true // it may, but this has been done by another
				}
				if want := slices.Contains(c.may, name); allowed != want {
					t.Errorf("%s: allowed is %v, want %v: %s", name, allowed, want, a.body)
				}
				if !allowed && !slices.Contains([]any{"FORBIDDEN", "NOT_FOUND", "BAD_USER_INPUT"}, a.Errors[0].Extensions["code"]) {
					t.Errorf("%s: refused with %v", name, a.Errors[0].Extensions["code"])
				}
			}
		})
	}
}

// A member sees the organization tokens that he created, and not that there are others.
func TestMembersSeeTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user, value := w.member("grown", events.RoleAdmin)
	a := w.as(value, createAPIToken, vars{"input": vars{"name": "his", "scopes": []string{"evidence:read"}}})
	his, other := a.at("createAPIToken.apiToken.id"), w.apiToken("another's", "read").id
	w.ask(`mutation($id: ID!) { updateMember(input: {userID: $id, role: MEMBER}) { membership { role isActive } } }`, vars{"id": user})
	w.settle()
	if got := w.as(value, `{ apiTokens { totalCount edges { node { id } } } }`, nil).each("apiTokens", "id"); !slices.Equal(got, []string{his}) {
		t.Errorf("the list has %v", got)
	}
	w.as(value, `query($id: ID!) { apiToken(id: $id) { name events { totalCount } } }`, vars{"id": his})
	w.send(value, `query($id: ID!) { apiToken(id: $id) { name } }`, vars{"id": other}).refuses("NOT_FOUND", "id")
	w.send(value, `{ apiTokens(includeDeleted: true) { totalCount } }`, nil).refuses("FORBIDDEN", "includeDeleted")
	if got := w.as(value, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": []string{his, other}}); got.any("nodes.1") != nil || got.at("nodes.0.id") != his {
		t.Errorf("nodes: %s", got.body)
	}
	w.send(value, `mutation($id: ID!) { updateAPIToken(id: $id, input: {name: "x"}) { apiToken { id } } }`, vars{"id": his}).refuses("FORBIDDEN", "*")
}

// Another organization's things do not exist.
func TestOrganizationBoundary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	foreignOrg, foreignUser, foreign := w.organization("globex")
	theirs := w.as(foreign, createAPIToken, vars{"input": vars{"name": "theirs", "scopes": []string{"read"}}})
	id := theirs.at("createAPIToken.apiToken.id")
	value := theirs.at("createAPIToken.apiToken.token")
	personal := w.as(foreign, `{ personalAccessTokens { edges { node { id fingerprint token } } } }`, nil)
	theirPersonal := personal.at("personalAccessTokens.edges.0.node.id")
	fingerprint := w.as(foreign, `query($id: ID!) { apiToken(id: $id) { fingerprint } }`, vars{"id": id}).at("apiToken.fingerprint")
	w.settle()

	for _, name := range []string{id, value[5:27], "tola_" + value[5:27] + "…", fingerprint} {
		for _, document := range []string{
			`query($id: ID!) { apiToken(id: $id) { id } }`,
			`mutation($id: ID!) { updateAPIToken(id: $id, input: {name: "x"}) { apiToken { id } } }`,
			`mutation($id: ID!) { revokeAPIToken(id: $id, reason: "x") { apiToken { id } } }`,
			`mutation($id: ID!) { suspendAPIToken(id: $id) { apiToken { id } } }`,
			`mutation($id: ID!) { resumeAPIToken(id: $id) { apiToken { id } } }`,
			`mutation($id: ID!) { rotateAPIToken(id: $id) { apiToken { id } } }`,
			`mutation($id: ID!) { deleteAPIToken(id: $id) { deletedID } }`,
			`mutation($id: ID!) { authorizeTokenSSO(id: $id) { receipt { position } } }`,
			`mutation($id: ID!) { withdrawTokenSSO(id: $id) { receipt { position } } }`,
		} {
			w.send(w.admin, document, vars{"id": name}).refuses("NOT_FOUND", "id")
		}
	}
	for _, document := range []string{
		`query($id: ID!) { personalAccessToken(id: $id) { id } }`,
		`mutation($id: ID!) { updatePersonalAccessToken(id: $id, input: {name: "x"}) { personalAccessToken { id } } }`,
		`mutation($id: ID!) { revokePersonalAccessToken(id: $id, reason: "x") { personalAccessToken { id } } }`,
		`mutation($id: ID!) { deletePersonalAccessToken(id: $id) { deletedID } }`,
		`mutation($id: ID!) { endTokenGrant(id: $id, reason: "x") { receipt { position } } }`,
		`mutation($id: ID!) { authorizeTokenSSO(id: $id) { receipt { position } } }`,
		`query($id: ID!) { apiToken(id: $id) { id } }`,
	} {
		a := w.send(w.admin, document, vars{"id": theirPersonal})
		a.refuses("NOT_FOUND", "*")
	}
	for field, document := range map[string]string{
		"id":             `query($id: ID!) { organization(id: $id) { id } }`,
		"organization":   `query($id: ID!) { auditEvents(organization: $id) { totalCount } }`,
		"organizationID": `mutation($id: ID!) { registerObject(name: "x", organizationID: $id) { receipt { position } } }`,
		"ownerID":        `mutation($id: ID!) { createAPIToken(input: {name: "x", scopes: ["read"], ownerID: $id}) { receipt { position } } }`,
	} {
		w.send(w.admin, document, vars{"id": foreignOrg}).refuses("NOT_FOUND", field)
		w.send(w.admin, document, vars{"id": uuid.New()}).refuses("NOT_FOUND", field)
	}
	w.send(w.admin, `{ apiTokens { totalCount } }`, nil, "X-Organization-ID", foreignOrg.String()).refuses("NOT_FOUND", "*")
	w.send(w.admin, `query($id: ID!) { user(id: $id) { id } }`, vars{"id": foreignUser}).refuses("NOT_FOUND", "id")
	w.send(w.admin, `mutation($id: ID!) { deactivateUser(id: $id, reason: "x") { receipt { position } } }`, vars{"id": foreignUser}).refuses("NOT_FOUND", "*")
	a := w.ask(`query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }`, vars{"ids": []any{id, theirPersonal, foreignOrg, foreignUser, w.org, w.user}})
	for i, want := range []string{"", "", "", "", "Organization", "User"} {
		got := ""
		if a.any(fmt.Sprintf("nodes.%d", i)) != nil {
			got = a.at(fmt.Sprintf("nodes.%d.__typename", i))
		}
		if got != want {
			t.Errorf("node %d is %q, want %q", i, got, want)
		}
	}
	if got := w.ask(`{ apiTokens(includeDeleted: true) { totalCount } }`, nil).at("apiTokens.totalCount"); got != "0" {
		t.Errorf("the list has %s tokens", got)
	}
	b := w.ask(`query($ids: [ID!]!) { x: node(id: "01890a5d-ac96-774b-bcce-b302099a8057") { id } nodes(ids: $ids) { ... on User { email } } }`, vars{"ids": []any{}})
	if b.any("x") != nil {
		t.Errorf("a node that is not: %s", b.body)
	}
	w.send(w.admin, `{ node(id: "x") { id } }`, nil).refuses("BAD_USER_INPUT", "id")
	w.send(w.admin, `query($t: ID!) { apiToken(id: $t) { id } }`, vars{"t": value}).refuses("BAD_USER_INPUT", "id")
}

// A personal token for several organizations names one, where one is needed.
func TestSeveralOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, _, theirs := w.organization("globex")
	w.as(theirs, `mutation($u: ID!) { addMember(input: {userID: $u, role: AUDITOR}) { membership { role } } }`, vars{"u": w.user})
	both := w.personalToken(w.user, nil, w.org, other)
	nowhere := w.personalToken(w.user, nil)

	a := w.send(both, `{ apiTokens { totalCount } }`, nil)
	a.refuses("BAD_USER_INPUT", "X-Organization-ID")
	for _, id := range []uuid.UUID{w.org, other} {
		if !strings.Contains(a.Errors[0].Message, id.String()) {
			t.Errorf("the refusal does not list %s: %s", id, a.Errors[0].Message)
		}
	}
	w.send(nowhere, `{ apiTokens { totalCount } }`, nil).refuses("BAD_USER_INPUT", "X-Organization-ID")
	for _, token := range []string{both, nowhere} {
		w.as(token, `{ me { id } personalAccessTokens { totalCount } organizations { totalCount } auditEvents(trail: OWN) { totalCount } }`, nil)
		w.as(token, `mutation { createPersonalAccessToken(input: {name: "x"}) { receipt { position } } }`, nil)
	}
	w.send(both, `query($id: ID!) { organization(id: $id) { id } }`, vars{"id": other}).refuses("BAD_USER_INPUT", "X-Organization-ID")
	w.send(both, `{ organizations { edges { node { apiTokens { totalCount } } } } }`, nil).refuses("BAD_USER_INPUT", "X-Organization-ID")
	for id, role := range map[uuid.UUID]string{w.org: "OWNER", other: "AUDITOR"} {
		a := w.as(both, `{ organization { id viewerRole } apiTokens { totalCount } organizations { edges { node { id viewerRole } } } }`, nil, "X-Organization-ID", id.String())
		if a.at("organization.id") != id.String() || a.at("organization.viewerRole") != role {
			t.Errorf("with the header: %s", a.body)
		}
	}
	w.send(both, createAPIToken, vars{"input": vars{"name": "x", "scopes": []string{"read"}}}, "X-Organization-ID", other.String()).refuses("FORBIDDEN", "*")
	w.send(both, `query($id: ID!) { organization(id: $id) { id } }`, vars{"id": other}, "X-Organization-ID", w.org.String()).refuses("BAD_USER_INPUT", "id")
}

// A token cannot hand on more than it has.
func TestNoWiderScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.ask(createAPIToken, vars{"input": vars{"name": "minter", "scopes": []string{"token:write", "evidence:read"}, "expiresAt": soon()}})
	minter := w.usable(token{value: a.at("createAPIToken.apiToken.token")}).value
	w.send(minter, createAPIToken, vars{"input": vars{"name": "x", "scopes": []string{"evidence:write"}, "expiresAt": soon()}}).refuses("FORBIDDEN", "*")
	w.send(minter, createAPIToken, vars{"input": vars{"name": "x", "scopes": []string{"evidence:read"}}}).refuses("FORBIDDEN", "*")
	scoped := w.personalToken(w.user, []string{"token:write"}, w.org)
	w.send(scoped, `mutation { createPersonalAccessToken(input: {name: "x"}) { receipt { position } } }`, nil).refuses("FORBIDDEN", "scopes")
}

// The same command with the same key for another organization is another command: it is neither done, nor answered
// with what was made for the first.
func TestAKeyIsOfOneOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, _, theirs := w.organization("globex")
	w.as(theirs, `mutation($u: ID!) { addMember(input: {userID: $u, role: ADMIN}) { membership { role } } }`, vars{"u": w.user})
	w.settle()
	both := w.personalToken(w.user, nil, w.org, other)
	input := vars{"input": vars{"name": "once", "scopes": []string{"read"}}}
	for name, document := range map[string]string{
		"create":   createAPIToken,
		"register": `mutation { registerObject(name: "asset") { receipt { position } } }`,
		"webhook":  `mutation { addWebhook(input: {url: "https://example.com/"}) { webhook { id } secret } }`,
		"policy":   `mutation { updateOrganizationPolicy(input: {rotationAge: 86400}) { organization { id } } }`,
	} {
		variables := vars(nil)
		if name == "create" {
			variables = input
		}
		w.as(both, document, variables, "Idempotency-Key", name, "X-Organization-ID", w.org.String())
		w.send(both, document, variables, "Idempotency-Key", name, "X-Organization-ID", other.String()).refuses("CONFLICT", "*")
	}
	w.settle()
	if a := w.as(theirs, `{ apiTokens { totalCount } webhooks { id } }`, nil); a.at("apiTokens.totalCount") != "0" || len(a.any("webhooks").([]any)) != 0 {
		t.Errorf("the other organization has %s", a.body)
	}
}
