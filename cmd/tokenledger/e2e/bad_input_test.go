// Bad input through HTTP: each gets an error with a code and the field, and leaves
// nothing in the log but that a token was used.

package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// badInput is one request and what it must get.
type badInput struct {
	name   string
	method string   // empty: POST
	path   string   // behind /query
	token  string   // empty: the administrator's
	nobody bool     // no token at all
	header []string // names and values in turn
	body   string   // if set, sent as it is
	query  string   // else this is
	input  map[string]any

	status int    // 0: not looked at
	code   string // of the first error
	field  string // that the error must name
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	s := start(t)
	good := s.createToken(t, map[string]any{"name": "good", "scopes": []string{"evidence:write"}})
	all := slices.Concat(
		credentials(s.Token), transports(), documents(), newTokens(s.Token), uploads(), s.foreigners(t),
	)
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) { s.refuses(t, c) })
	}
	t.Run("versions and ends", func(t *testing.T) { s.refusesChanges(t, good) })
	t.Run("Idempotency-Key", s.idempotency)
	t.Run("names are free, and nothing of this panicked", func(t *testing.T) {
		a := s.ask(t, `{ apiTokens(where: {nameContains: "bad-input"}, includeDeleted: true) { totalCount } }`, nil)
		if a.number(t, "apiTokens.totalCount") != 0 {
			t.Errorf("bad input made tokens: %s", a.Body)
		}
		if log := s.Stderr.String(); strings.Contains(log, "panic") || strings.Contains(log, "INTERNAL_SERVER_ERROR") {
			t.Errorf("the service's log: %s", s.Output())
		}
	})
}

// refuses sends a bad request and looks at the answer and at the log behind it.
func (s *service) refuses(t *testing.T, c badInput) {
	t.Helper()
	before := len(readLog(t, s.database(t)))
	a := c.send(t, s)
	a.refused(t, c.code, c.field)
	if c.status != 0 && a.Status != c.status {
		t.Errorf("status %d, want %d: %s", a.Status, c.status, a.Body)
	}
	if a.Status == http.StatusUnauthorized && !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("401 without WWW-Authenticate: %v", a.Header)
	}
	for _, l := range readLog(t, s.database(t))[before:] {
		if l.Version != 0 {
			t.Errorf("a refused request left %s", l.Raw)
		}
	}
}

func (c badInput) send(t *testing.T, s *service) answer {
	t.Helper()
	body := []byte(c.body)
	if c.body == "" && c.query != "" {
		body = encode(t, map[string]any{"query": c.query, "variables": map[string]any{"input": c.input}})
	}
	r, err := s.request(s.Token, body, c.header...)
	if err != nil {
		t.Fatal(err)
	}
	if c.method != "" {
		r.Method = c.method
	}
	if c.path != "" {
		if r.URL, err = url.Parse(s.URL + "/query" + c.path); err != nil {
			t.Fatal(err)
		}
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.nobody {
		r.Header.Del("Authorization")
	}
	a, err := exchange(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refusesChanges is about a token that is there.
func (s *service) refusesChanges(t *testing.T, token made) {
	update := `mutation($input: UpdateAPITokenInput!) { updateAPIToken(id: "` + token.ID + `", input: $input) { apiToken { version } } }`
	do := func(input map[string]any) { s.ask(t, update, map[string]any{"input": input}) }
	refuse := func(input map[string]any, code, field string) {
		t.Helper()
		s.refuses(t, badInput{query: update, input: input, code: code, field: field})
	}
	do(map[string]any{"name": "renamed", "expectedVersion": 1})
	refuse(map[string]any{"name": "again", "expectedVersion": 1}, "CONFLICT", "expectedVersion")
	refuse(map[string]any{"expiresAt": "2020-01-01T00:00:00Z"}, "BAD_USER_INPUT", "expiresAt")
	refuse(map[string]any{"scopes": []string{"everything"}}, "BAD_USER_INPUT", "scopes")
	refuse(map[string]any{"lastUsedAt": inDays(0)}, "BAD_USER_INPUT", "lastUsedAt")
	refuse(map[string]any{"revokedAt": time.Now().UTC().Format(time.RFC3339)}, "BAD_USER_INPUT", "revokedReason")
	refuse(map[string]any{"revokedReason": "x", "revokedBy": "somebody else"}, "BAD_USER_INPUT", "revokedBy")
	refuse(map[string]any{"revokedReason": "x", "revokedAt": "2020-01-01T00:00:00Z"}, "BAD_USER_INPUT", "revokedAt")
	refuse(map[string]any{"description": "x", "clearDescription": true}, "BAD_USER_INPUT", "description")
	do(map[string]any{"isActive": false, "revokedReason": "leaked"})
	refuse(map[string]any{"isActive": true}, "CONFLICT", "")
	refuse(map[string]any{"expiresAt": inDays(9)}, "CONFLICT", "")
}

// idempotency: a key stands for one command, and its answer shows the value once.
func (s *service) idempotency(t *testing.T) {
	key := []string{"Idempotency-Key", "order-66"}
	input := map[string]any{"name": "once", "scopes": []string{"evidence:write"}}
	first := s.ask(t, createAPIToken, map[string]any{"input": input}, key...)
	before := len(readLog(t, s.database(t)))
	again := s.ask(t, createAPIToken, map[string]any{"input": input}, key...)
	for _, l := range readLog(t, s.database(t))[before:] {
		if l.Version != 0 {
			t.Errorf("a command that was done before left %s", l.Raw)
		}
	}
	id := "createAPIToken.apiToken.id"
	if first.text(t, id) != again.text(t, id) {
		t.Errorf("the same key made two tokens")
	}
	value := again.text(t, "createAPIToken.apiToken.token")
	if value == first.text(t, "createAPIToken.apiToken.token") || !strings.HasSuffix(value, "…") {
		t.Errorf("the value is shown a second time")
	}
	if !slices.Contains(again.Extensions.Warnings, "VALUE_ALREADY_SHOWN") {
		t.Errorf("no warning that the value was shown before: %s", again.Body)
	}
	s.refuses(t, badInput{query: createAPIToken, header: key, input: with("name", "another"), code: "CONFLICT"})
	s.refuses(t, badInput{
		query: createAPIToken, header: []string{"Idempotency-Key", strings.Repeat("k", 5000)},
		input: with("name", "bad-input"), code: "BAD_USER_INPUT", field: "Idempotency-Key",
	})
}
