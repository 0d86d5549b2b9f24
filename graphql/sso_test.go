// The provider of single sign-on through GraphQL: who names it, who sees it, what is refused.

package graphql_test

import (
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

const setProvider = `mutation($in: UpdateOrganizationSSOProviderInput!) {
	updateOrganizationSSOProvider(input: $in) { organization { ssoProvider { issuer clientID } } receipt { events { type } } }
}`

func TestSSOProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := vars{"in": vars{"issuer": "https://id.example.com", "clientID": "ledger"}}
	a := w.ask(setProvider, good)
	if got := a.at("updateOrganizationSSOProvider.organization.ssoProvider.issuer"); got != "https://id.example.com" {
		t.Errorf("the answer: %s", got)
	}
	w.settle()
	const read = `{ organizations { edges { node { ssoProvider { clientID } } } } }`
	if got := w.ask(read, nil).at("organizations.edges.0.node.ssoProvider.clientID"); got != "ledger" {
		t.Errorf("the read model: %s", got)
	}
	for _, c := range []struct {
		name  string
		in    vars
		field string
	}{
		{"an address inside", vars{"issuer": "https://inside.example.com", "clientID": "x"}, "issuer"},
		{"no URL", vars{"issuer": "nowhere", "clientID": "x"}, "issuer"},
		{"no client", vars{"issuer": "https://id.example.com"}, "clientID"},
		{"nothing", vars{}, "input"},
		{"both", vars{"issuer": "https://id.example.com", "clientID": "x", "clear": true}, "input"},
	} {
		t.Log(c.name)
		w.send(w.admin, setProvider, vars{"in": c.in}).refuses("BAD_USER_INPUT", c.field)
	}
	for _, role := range []events.Role{events.RoleMember, events.RoleAuditor} {
		_, value := w.member(string(role), role)
		w.send(value, setProvider, vars{"in": vars{"issuer": "https://inside.example.com", "clientID": "x"}}).refuses("FORBIDDEN", "")
	}
	w.send(w.apiToken("robot", "admin").value, setProvider, good).refuses("FORBIDDEN", "")
	// By hand it is over, until the provider is taken away.
	id := w.apiToken("ci", "evidence:write").id
	const stamp = `mutation($id: ID!) { authorizeTokenSSO(id: $id) { apiToken { id } } }`
	w.send(w.admin, stamp, vars{"id": id}).refuses("FORBIDDEN", "")
	w.ask(setProvider, vars{"in": vars{"clear": true}})
	w.ask(stamp, vars{"id": id})
}
