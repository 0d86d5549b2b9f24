// Requests that ask for too much are refused before anything is looked up, and in no time.

package graphql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// fragments are n fragments each of which spreads the next one twice.
func fragments(n int) string {
	var b strings.Builder
	b.WriteString("{ organization { ...F0 } }")
	for i := range n {
		fmt.Fprintf(&b, " fragment F%d on Organization { ...F%d ...F%d }", i, i+1, i+1)
	}
	fmt.Fprintf(&b, " fragment F%d on Organization { id name displayName }", n)
	return b.String()
}

func TestTooMuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const page = "edges { node { owner { apiTokens(first: 100) { %s } } } }"
	nested := "edges { node { id } }"
	for range 3 {
		nested = fmt.Sprintf(page, nested)
	}
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	ids := "[" + strings.Repeat(`"x",`, 101) + "]"
	for name, query := range map[string]string{
		"deep":                       "{" + strings.Repeat(" organization { members { edges { node {", 5) + " role" + strings.Repeat("}}}}", 5) + "}",
		"wide":                       "{" + many(90, "a%d: organization { id name displayName version createdAt updatedAt } ") + "}",
		"wide without aliases":       "{ organization {" + strings.Repeat(" id", 600) + " } }",
		"aliases":                    "{" + many(101, "a%d: organization { id } ") + "}",
		"aliases in a fragment":      "{ a: organization { ...F } b: organization { ...F } } fragment F on Organization {" + many(60, "a%d: id ") + "}",
		"fragments within fragments": fragments(40),
		"expensive":                  "{ apiTokens(first: 100) { " + nested + " } }",
		"expensive by a variable":    "query($n: Int = 100) { apiTokens(first: $n) { edges { node { events(first: $n) { edges { node { type position leaf } } } } } } }",
		"many in a list":             "{ nodes(ids: " + "[" + strings.Repeat(`"x",`, 5000) + "]) { id ... on APIToken { name owner { id name } } } }",
		"directives":                 "{ organization" + strings.Repeat(" @include(if: true)", 101) + " { id } }",
		"unknown directives":         "{ organization" + strings.Repeat(" @x", 7000) + " { id } }",
		"directives on fragments":    "{ organization { ...F } } fragment F on Organization { id } fragment G on Organization { id" + strings.Repeat(" @x", 101) + " }",
		"directives on variables":    "query($a: Int" + strings.Repeat(" @x", 101) + ") { organization { id } }",
		"a name without end":         "{ " + strings.Repeat("x", 300<<10) + " }",
		"introspection in circles":   "{ __schema { types { fields { type { fields { type { fields { type { fields { type { fields { name } } } } } } } } } } }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := *w
			w.t = t
			began := time.Now()
			a := w.send(w.admin, query, nil)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("the refusal took %v", took)
			}
			if name == "introspection in circles" {
				if len(a.Errors) == 0 {
					t.Error("was not refused")
				}
				return
			}
			a.refuses("TOO_COMPLEX", "")
		})
	}
	w.send(w.admin, "{"+strings.Repeat(" a", 20_000)+" }", nil).refuses("BAD_USER_INPUT", "*")
	w.send(w.admin, "{ nodes(ids: "+ids+") { id } }", nil).refuses("BAD_USER_INPUT", "ids")
	w.send(w.admin, `{ ...F } fragment F on Query { ...F }`, nil).refuses("BAD_USER_INPUT", "")
	for name, query := range map[string]string{
		"mistakes":               "{ organization(" + many(3000, "a%d: 1 ") + ") { id } }",
		"variables nobody needs": "query(" + many(3000, "$a%d: Int ") + ") { organization { id } }",
	} {
		if a := w.send(w.admin, query, nil); len(a.Errors) != 20 || len(a.body) > 8<<10 {
			t.Errorf("%s: %d are told in %d bytes", name, len(a.Errors), len(a.body))
		}
	}
	if used := len(w.counts.taken()); used > 1 {
		t.Errorf("refused requests were recorded as %d uses", used)
	}
}

// What ordinary clients ask for is within the limits.
func TestNotTooMuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, query := range []string{
		"{ apiTokens(first: 100) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id name description scopes tags isActive status token expiresAt lastUsedAt createdAt createdBy updatedAt updatedBy revokedAt revokedBy revokedReason ssoAuthorizations owner { id name displayName } usage { uses refusals } } } } }",
		"{ apiTokens { edges { node { events(first: 20) { edges { node { type recordedAt actor { kind id } } } } } } } }",
		introspection,
		"{ organization {" + strings.Repeat(" id", 490) + " } }",
		"{ organization {" + strings.Repeat(" members { edges { node { role } } }", 100) + " } }",
	} {
		began := time.Now()
		w.ask(query, nil)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the answer took %v: %.80s", took, query)
		}
	}
}

// introspection is what interactive clients send.
const introspection = `query IntrospectionQuery { __schema { description queryType { name } mutationType { name } subscriptionType { name }
	types { ...FullType } directives { name description isRepeatable locations args { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL
	fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
	inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
	possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
	ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`
