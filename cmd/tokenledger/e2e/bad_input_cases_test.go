// The table of bad input.

package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func credentials(token string) []badInput {
	const query = `{ apiTokens { totalCount } }`
	other := map[bool]string{true: "1", false: "0"}
	wrongSum := token[:68] + other[token[68] == '0']
	cases := []badInput{
		{name: "no token", nobody: true},
		{name: "wrong checksum", token: wrongSum},
		{name: "no token's form", token: "letmein"},
		{name: "a bearer of 10,000 characters", token: strings.Repeat("x", 10_000)},
	}
	for i := range cases {
		cases[i].query, cases[i].status, cases[i].code = query, http.StatusUnauthorized, "UNAUTHENTICATED"
	}
	return cases
}

func transports() []badInput {
	get := func(document string) string { return "?query=" + url.QueryEscape(document) }
	cases := []badInput{
		{name: "no JSON", body: `{"query": `, status: 400},
		{name: "a list", body: `[{"query": "{ __typename }"}]`, status: 400},
		{name: "no query", body: `{"variables": {}}`, status: 400},
		{name: "variables that are a list", body: `{"query": "{ __typename }", "variables": [1]}`, status: 400},
		{name: "plain text", header: []string{"Content-Type", "text/plain"}, query: `{ __typename }`, status: 415},
		{name: "2 MiB", body: `{"query": "` + strings.Repeat(" ", 2<<20) + `{ __typename }"}`, status: 413},
		{name: "invalid UTF-8", body: "{\"query\": \"{ apiTokens(where: {name: \\\"\xff\xfe\\\"}) { totalCount } }\"}", status: 400},
		{
			name: "half a surrogate pair", status: 400,
			body: `{"query": "query($n: String) { apiTokens(where: {name: $n}) { totalCount } }", "variables": {"n": "\ud800"}}`,
		},
		{name: "PUT", method: http.MethodPut, query: `{ __typename }`, status: 405},
		{name: "an Accept that nothing fits", header: []string{"Accept", "image/png"}, query: `{ __typename }`, status: 406},
		{
			name: "a mutation by GET", method: http.MethodGet, status: 405,
			path: get(`mutation { createAPIToken(input: {name: "bad-input", scopes: ["read"]}) { apiToken { id } } }`),
		},
		{name: "a GET without a query", method: http.MethodGet, status: 400},
	}
	for i := range cases {
		cases[i].code = "BAD_USER_INPUT"
	}
	return cases
}

func documents() []badInput {
	return []badInput{
		{name: "what does not parse", query: `{ apiTokens( `, status: 400, code: "BAD_USER_INPUT"},
		{name: "an unknown field", query: `{ apiTokens { secrets } }`, status: 400, code: "BAD_USER_INPUT"},
		{name: "an unknown operation", query: `mutation { dropEverything }`, status: 400, code: "BAD_USER_INPUT"},
		{name: "two operations and no name", query: `query a { __typename } query b { __typename }`, status: 400, code: "BAD_USER_INPUT"},
		{name: "too deep", query: deep(40), code: "TOO_COMPLEX"},
		{name: "too wide", query: wide(300), code: "TOO_COMPLEX"},
		{name: "too much", query: `{ organizations(first: 100) { edges { node { apiTokens(first: 100) { edges { node {
			events(first: 100) { edges { node { leaf } } } } } } } } } }`, code: "TOO_COMPLEX"},
		{name: "fragments that multiply", query: multiplied(30), code: "TOO_COMPLEX"},
		{name: "first: 1000", query: `{ apiTokens(first: 1000) { totalCount } }`, code: "BAD_USER_INPUT", field: "first"},
		{name: "first: -1", query: `{ apiTokens(first: -1) { totalCount } }`, code: "BAD_USER_INPUT", field: "first"},
		{name: "first and last", query: `{ apiTokens(first: 1, last: 1) { totalCount } }`, code: "BAD_USER_INPUT"},
		{name: "a cursor that is none", query: `{ apiTokens(after: "the beginning") { totalCount } }`, code: "BAD_USER_INPUT", field: "after"},
		{name: "a filter on the value", query: `{ apiTokens(where: {token: "x"}) { totalCount } }`, code: "BAD_USER_INPUT"},
		{name: "an id that is none", query: `{ apiToken(id: "1 OR 1=1") { name } }`, code: "BAD_USER_INPUT", field: "id"},
		{
			name: "an organization that is no id", header: []string{"X-Organization-ID", "mine"},
			query: `{ apiTokens { totalCount } }`, code: "BAD_USER_INPUT",
		},
	}
}

// deep nests the one thing that nests without end.
func deep(n int) string {
	return "{ __schema { types { " + strings.Repeat("fields { type { ", n) + "name" + strings.Repeat(" } }", n) + " } } }"
}

func wide(n int) string {
	var b strings.Builder
	b.WriteString("{ ")
	for i := range n {
		fmt.Fprintf(&b, "a%d: apiTokens(first: 1) { totalCount } ", i)
	}
	return b.String() + "}"
}

// multiplied doubles with each of n fragments.
func multiplied(n int) string {
	b := "{ ...f0 }"
	for i := range n {
		b += fmt.Sprintf(" fragment f%d on Query { ...f%d ...f%d }", i, i+1, i+1)
	}
	return b + fmt.Sprintf(" fragment f%d on Query { apiTokens { totalCount } }", n)
}

// with is the input of a good creation but for one field.
func with(field string, value any) map[string]any {
	input := map[string]any{"name": "bad-input", "scopes": []string{"evidence:write"}}
	input[field] = value
	return input
}

func newTokens(value string) []badInput {
	const nobody = "01980000-0000-7000-8000-000000000000"
	cases := []badInput{
		{name: "unknown scope", input: with("scopes", []string{"evidence:fly"}), field: "scopes"},
		{name: "no scope", input: map[string]any{"name": "bad-input"}, field: "scopes"},
		{name: "past expiry", input: with("expiresAt", "2020-01-01T00:00:00Z"), field: "expiresAt"},
		{name: "an expiry that is no time", input: with("expiresAt", "tomorrow"), field: "expiresAt"},
		{name: "empty name", input: with("name", ""), field: "name"},
		{name: "blank name", input: with("name", "  \u00a0 "), field: "name"},
		{name: "no name", input: map[string]any{"scopes": []string{"read"}}, field: "name"},
		{name: "a number as name", input: with("name", 7), field: "name"},
		{name: "a name of 10,000 characters", input: with("name", strings.Repeat("n", 10_000)), field: "name"},
		{name: "a control character", input: with("name", "bad-input\u0007"), field: "name"},
		{name: "NUL", input: with("name", "bad-input\u0000"), field: "name"},
		{name: "a turned text", input: with("name", "bad-input\u202e"), field: "name"},
		{name: "a description of 10,000 characters", input: with("description", strings.Repeat("d", 10_000)), field: "description"},
		{name: "101 tags", input: with("tags", manyTags(101)), field: "tags"},
		{name: "a tag of 1,000 characters", input: with("tags", []string{strings.Repeat("t", 1000)}), field: "tags"},
		{name: "when it was last used", input: with("lastUsedAt", "2026-01-01T00:00:00Z"), field: "lastUsedAt"},
		{name: "revoked before it exists", input: with("revokedReason", "x"), field: "revokedReason"},
		{name: "an unknown input field", input: with("colour", "red"), field: "colour"},
		{name: "a token's value as name", input: with("name", value), field: "name"},
		{name: "another owner", input: with("ownerID", nobody), code: "NOT_FOUND", field: "ownerID"},
	}
	for i := range cases {
		cases[i].query = createAPIToken
		if cases[i].code == "" {
			cases[i].code = "BAD_USER_INPUT"
		}
	}
	verify := `mutation($input: VerifyTokenInput!) { verifyToken(input: $input) { allowed } }`
	return append(cases,
		badInput{name: "no tokens", query: `mutation { createBulkAPIToken(input: []) { apiTokens { id } } }`, code: "BAD_USER_INPUT", field: "input"},
		badInput{
			name: "an action of 10,000 characters", query: verify, code: "BAD_USER_INPUT", field: "action",
			input: map[string]any{"token": value, "action": strings.Repeat("a", 10_000)},
		},
		badInput{
			name: "a source that is no address", query: verify, code: "BAD_USER_INPUT", field: "sourceIP",
			input: map[string]any{"token": value, "action": "createEvidence", "sourceIP": "home"},
		},
	)
}

// uploads are CSV files: all of their tokens are made or none.
func uploads() []badInput {
	const boundary, separator = "separates-the-parts", "\r\n--separates-the-parts"
	part := func(name, content string) string {
		return separator + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + content
	}
	var cases []badInput
	for name, file := range map[string]string{
		"a file of 11 MiB":           "name,scopes\n" + strings.Repeat("bad-input,read\n", 11<<20/15),
		"an empty file":              "",
		"a file without tokens":      "name,scopes\n",
		"an unknown column":          "name,scopes,colour\nbad-input,read,red\n",
		"no column for the name":     "scopes\nread\n",
		"an open quotation mark":     "name,scopes\n\"bad-input,read\n",
		"a line that is too short":   "name,scopes\nbad-input\n",
		"invalid UTF-8 in a file":    "name,scopes\nbad-input-\xff\xfe,read\n",
		"an unknown scope in a file": "name,scopes\nbad-input-1,read\nbad-input-2,evidence:fly\n",
		"1,001 tokens":               "name,scopes\n" + strings.Repeat("bad-input,read\n", 1001),
	} {
		c := badInput{name: name, code: "BAD_USER_INPUT", header: []string{"Content-Type", "multipart/form-data; boundary=" + boundary}}
		c.body = strings.TrimPrefix(part("operations", `{"query": "mutation($file: Upload!) { createBulkCSVAPIToken(input: $file) { apiTokens { id } } }", "variables": {"file": null}}`)+
			part("map", `{"0": ["variables.file"]}`)+part("0\"; filename=\"tokens.csv", file)+separator+"--\r\n", "\r\n")
		cases = append(cases, c)
	}
	return cases
}

func manyTags(n int) []string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprint("tag-", i)
	}
	return tags
}

// foreigners makes another organization with a token, and gives what must not
// reach it from here.
func (s *service) foreigners(t *testing.T) []badInput {
	t.Helper()
	other := s.ask(t, `mutation { createOrganization(input: {name: "Other"}) { organization { id } } }`, nil).
		text(t, "createOrganization.organization.id")
	there := s.createPersonal(t, map[string]any{"name": "there", "organizationIDs": []string{other}})
	a := s.askAs(t, there.Value, createAPIToken, map[string]any{"input": map[string]any{"name": "foreign", "scopes": []string{"read"}}},
		"X-Organization-ID", other)
	id := a.text(t, "createAPIToken.apiToken.id")
	var cases []badInput
	for _, query := range []string{
		`{ apiToken(id: %q) { name } }`,
		`mutation { updateAPIToken(id: %q, input: {name: "mine"}) { apiToken { id } } }`,
		`mutation { revokeAPIToken(id: %q, reason: "x") { apiToken { id } } }`,
		`mutation { rotateAPIToken(id: %q) { apiToken { id } } }`,
		`mutation { deleteAPIToken(id: %q) { deletedID } }`,
		`mutation { authorizeTokenSSO(id: %q) { receipt { position } } }`,
		`mutation { endTokenGrant(id: %q, reason: "x") { receipt { position } } }`,
	} {
		cases = append(cases, badInput{name: "foreign token: " + query, query: fmt.Sprintf(query, id), code: "NOT_FOUND"})
	}
	return append(cases,
		badInput{name: "foreign organization", query: fmt.Sprintf(`{ organization(id: %q) { name } }`, other), code: "NOT_FOUND"},
		badInput{name: "foreign trail", query: fmt.Sprintf(`{ auditEvents(organization: %q) { totalCount } }`, other), code: "NOT_FOUND"},
		badInput{
			name: "foreign X-Organization-ID", header: []string{"X-Organization-ID", other},
			query: `{ apiTokens { totalCount } }`, code: "NOT_FOUND",
		},
	)
}
