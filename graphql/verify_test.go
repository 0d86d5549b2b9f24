// Verification through GraphQL, and how the callers' own uses are recorded.

package graphql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

const verify = `mutation($input: VerifyTokenInput!) { verifyToken(input: $input) { allowed code policy tokenID subject organization scopes expiresAt position decisionID } }`

func TestVerifyToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, caller := w.apiToken("ci", "evidence:write"), w.tokenOf("gateway", "token:introspect")
	a := w.as(caller, verify, vars{"input": vars{
		"token": key.value, "action": "createEvidence", "resource": "evidence/42", "sourceIP": "198.51.100.7", "userAgent": "ci/1", "requestID": "request-1",
	}})
	for field, want := range map[string]string{
		"allowed": "true", "code": "ALLOWED", "policy": "organization-tokens-use-what-they-are-for", "tokenID": key.id, "subject": key.id, "organization": w.org.String(), "scopes": "[evidence:write]", "decisionID": "request-1",
	} {
		if got := a.at("verifyToken." + field); got != want {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
	w.settle()
	used := w.ask(listEvents, vars{"type": "token.used", "token": key.id})
	node := used.any("auditEvents.edges.0.node").(map[string]any)
	if value(node["position"]) != a.at("verifyToken.position") || value(node["correlation"]) != "request-1" || !strings.Contains(value(node["data"]), "evidence/42") {
		t.Errorf("the use is %v, the answer %s", node, a.body)
	}
	for name, c := range map[string]struct {
		input vars
		code  string
	}{
		"a scope that lacks": {vars{"token": key.value, "action": "createRisk"}, "SCOPE_INSUFFICIENT"},
		"an unknown action":  {vars{"token": key.value, "action": "fly"}, "ACTION_UNKNOWN"},
		"a scope":            {vars{"token": key.value, "scope": "evidence:read"}, "ALLOWED"},
		"another value":      {vars{"token": key.value[:60] + "000000000", "action": "createEvidence"}, "MALFORMED"},
		"nonsense":           {vars{"token": "x"}, "MALFORMED"},
	} {
		a := w.as(caller, verify, vars{"input": c.input})
		if a.at("verifyToken.code") != c.code || a.at("verifyToken.allowed") != fmt.Sprint(c.code == "ALLOWED") || a.at("verifyToken.decisionID") == "" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	_, _, foreign := w.organization("globex")
	w.settle()
	if a := w.as(foreign, verify, vars{"input": vars{"token": key.value, "action": "createEvidence"}}); a.at("verifyToken.allowed") != "false" {
		t.Errorf("another organization's token: %s", a.body)
	}
	refused := w.send(key.value, verify, vars{"input": vars{"token": key.value}})
	refused.refuses("FORBIDDEN", "*")
	if !strings.Contains(string(refused.body), `"policy":"organization-token-lacks-scope"`) {
		t.Errorf("no policy stands behind %s", refused.body)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for field, input := range map[string]vars{
		"sourceIP": {"sourceIP": "nowhere"}, "action": {"action": strings.Repeat("x", 129)}, "resource": {"resource": "a\x00b"},
		"userAgent": {"userAgent": strings.Repeat("x", 2000)}, "requestID": {"requestID": strings.Repeat("x", 256)}, "scope": {"scope": "a\nb"},
	} {
		input["token"] = "x"
		w.send(w.admin, verify, vars{"input": input}).refuses("BAD_USER_INPUT", field)
	}
	w.send(w.admin, verify, vars{"input": vars{"token": "x", "organization": uuid.New()}}).refuses("NOT_FOUND", "organization")
	w.send(w.admin, verify, vars{"input": vars{}}).refuses("BAD_USER_INPUT", "*")
	many := slices.Repeat([]vars{{"token": "x"}}, 101)
	w.send(w.admin, `mutation($input: [VerifyTokenInput!]!) { verifyTokens(input: $input) { allowed } }`, vars{"input": many}).refuses("BAD_USER_INPUT", "input")
	w.send(w.admin, `mutation { verifyTokens(input: [{token: "x"}, {token: "x", sourceIP: "y"}]) { allowed } }`, nil).refuses("BAD_USER_INPUT", "input[1].sourceIP")
}

func TestVerifySeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var uses []vars
	var ids []string
	for i := range 20 {
		key := w.apiToken(fmt.Sprint(i), "evidence:write")
		ids = append(ids, key.id)
		uses = append(uses, vars{"token": key.value, "action": "createEvidence"})
	}
	a := w.ask(`mutation($input: [VerifyTokenInput!]!) { verifyTokens(input: $input) { allowed tokenID position } }`, vars{"input": uses})
	for i, id := range ids {
		if a.at(fmt.Sprintf("verifyTokens.%d.tokenID", i)) != id || a.at(fmt.Sprintf("verifyTokens.%d.allowed", i)) != "true" {
			t.Errorf("use %d: %s", i, a.body)
		}
	}
}

// Each operation of a token is one use of it, but verifying and looking at the schema is counted once an hour.
func TestUsesAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.apiToken("used", "read", "token:introspect")
	for _, document := range []string{
		`{ apiTokens { totalCount } again: apiTokens { totalCount } organization { id } }`,
		`mutation { a: verifyToken(input: {token: "x"}) { allowed } }`,
		`mutation { verifyTokens(input: []) { allowed } }`,
		`{ __schema { queryType { name } } }`,
		`{ __typename organization { id } }`,
	} {
		w.as(key.value, document, nil)
	}
	actions := w.counts.taken()
	if got := actions[len(actions)-5:]; !slices.Equal(got, []string{"apiTokens,organization", "counted", "counted", "counted", "__typename,organization"}) {
		t.Errorf("uses: %v", got)
	}
	w.settle()
	used := w.ask(listEvents, vars{"type": "token.used", "token": key.id})
	if got := used.at("auditEvents.totalCount"); got != "3" {
		t.Errorf("%s uses are recorded, want 3: %s", got, used.body)
	}
	if n := w.events(string(events.TokenUseRefused{}.Type())); n != 0 {
		t.Errorf("%d refusals", n)
	}
}
