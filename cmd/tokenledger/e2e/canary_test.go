// Canaries: token values are put wherever a client could put one, by mistake or on
// purpose, and afterwards stand nowhere but in the answers that first showed them.

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestTokenValuesStandNowhere(t *testing.T) {
	t.Parallel()
	s := start(t, "TOKENLEDGER_NATS_LISTEN=127.0.0.1:0", "TOKENLEDGER_LOG_LEVEL=debug")
	demo := s.ask(t, `{ organization { id } }`, nil).text(t, "organization.id")
	c := &canaries{service: s, said: map[string]bool{}}
	c.keep("the administrator's", s.Token)
	token := s.createToken(t, map[string]any{"name": "canary", "scopes": []string{"evidence:write"}})
	c.keep("an organization's", token.Value)
	personal := s.createPersonal(t, map[string]any{"name": "canary", "organizationIDs": []string{demo}})
	c.keep("a person's", personal.Value)
	c.keep("one with another secret", anotherSecret(token.Value))
	c.keep("one with a wrong checksum", token.Value[:68]+"!")

	c.pasteEverywhere(t, token.ID, demo)
	c.useIt(t)
	c.runCommands(t, token.ID)
	rotated := s.ask(t, `mutation($id: ID!) { rotateAPIToken(id: $id) { apiToken { id token } } }`, map[string]any{"id": token.ID})
	c.keep("a successor's", rotated.text(t, "rotateAPIToken.apiToken.token"))
	c.clean(t, "what lists show", encode(t, s.answers(t, "canary")))

	leaves := readLog(t, s.database(t))
	if got := typesOf(leaves, "token-"+token.ID); len(got) < 4 {
		t.Fatalf("the token that this is about was hardly used: %v", got)
	}
	c.searchDatabase(t)
	c.searchStream(t, len(leaves))
	_, metrics := fetch(t, strings.TrimSuffix(between(s.Stdout.String(), "metrics"), "\n"))
	c.clean(t, "metrics", []byte(metrics))
	s.stop(t)
	c.clean(t, "stdout", []byte(s.Stdout.String()))
	c.clean(t, "the log", []byte(s.Stderr.String()))
	c.searchFiles(t)
}

// between is what a line of the banner says behind its name.
func between(banner, name string) string {
	for line := range strings.Lines(banner) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// canaries are the values that must not be found.
type canaries struct {
	*service
	values []canary
	said   map[string]bool // what has been found and told once
}

type canary struct{ what, value string }

func (c *canaries) keep(what, value string) { c.values = append(c.values, canary{what, value}) }

// secretStart is where the secret begins, behind prefix and id.
const secretStart, secretEnd = 5 + 22, 5 + 22 + 36

// clean fails the test where a good part of a secret stands in some text, also
// where the rest has been cut off.
func (c *canaries) clean(t *testing.T, where string, text []byte) {
	t.Helper()
	for _, v := range c.values {
		secret := v.value[secretStart:secretEnd]
		for _, part := range []string{secret[:12], secret[12:24], secret[24:]} {
			at := bytes.Index(text, []byte(part))
			if at < 0 || c.said[where] {
				continue
			}
			c.said[where] = true
			t.Errorf("%s has %s value, behind …%q", where, v.what, text[max(0, at-200):at])
		}
	}
}

// anotherSecret is a value of the same token with a good checksum and a wrong secret.
func anotherSecret(value string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body := value[:secretStart] + strings.Repeat("Kanarienvogel", 3)[:secretEnd-secretStart]
	sum, text := crc32.ChecksumIEEE([]byte(body)), ""
	for range 6 {
		text = string(digits[sum%62]) + text
		sum /= 62
	}
	return body + text
}

// answer sends a request; the answer may say anything but a value.
func (c *canaries) answer(t *testing.T, what string, r *http.Request) {
	t.Helper()
	a, err := exchange(r)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	c.clean(t, "the answer to "+what, a.Body)
	for name, values := range a.Header {
		c.clean(t, "the header "+name+" of the answer to "+what, []byte(strings.Join(values, " ")))
	}
}

func (c *canaries) post(t *testing.T, what string, body []byte, headers ...string) {
	t.Helper()
	r, err := c.request(c.Token, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	c.answer(t, what, r)
}

// pasteEverywhere puts each value into every place that takes text.
func (c *canaries) pasteEverywhere(t *testing.T, id, organization string) {
	t.Helper()
	for _, v := range c.values {
		for what, body := range bodiesWith(t, v.value, id) {
			c.post(t, what+" with "+v.what, body)
		}
		for _, header := range []string{
			"User-Agent", "X-Request-ID", "Idempotency-Key", "X-Organization-ID", "Traceparent", "X-Forwarded-For",
			"Accept", "Content-Type", "X-Ledger-Position", "Referer", "Cookie",
		} {
			for _, value := range []string{v.value, strings.Repeat("x", 220) + " " + v.value, "Mozilla/5.0 (" + v.value + ")"} {
				c.post(t, header+" with "+v.what, encode(t, map[string]any{"query": `{ apiTokens { totalCount } }`}), header, value)
			}
		}
		for _, path := range []string{
			"/" + v.value, "/query?token=" + v.value, "/readyz?token=" + v.value, "/graphiql/" + v.value,
			"/query?query=" + url.QueryEscape(`{ apiTokens(where: {name: "`+v.value+`"}) { `+v.value+` } }`),
		} {
			r, err := http.NewRequest(http.MethodGet, c.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+c.Token)
			c.answer(t, "GET "+path[:8]+" with "+v.what, r)
		}
		c.pasteVerification(t, v)
		for _, credential := range []string{"Bearer " + v.value + "x", "Bearer x" + v.value, "Basic " + v.value, "Bearer " + v.value + " " + v.value} {
			r, err := c.request("", encode(t, map[string]any{"query": `{ me { id } }`}), "Authorization", credential)
			if err != nil {
				t.Fatal(err)
			}
			c.answer(t, "a credential like "+v.what, r)
		}
	}
}

// pasteVerification puts a value where the interfaces of proxies and resource
// servers take text. Nothing here revokes.
func (c *canaries) pasteVerification(t *testing.T, v canary) {
	t.Helper()
	send := func(what, method, path, credential, media, body string, headers ...string) {
		r, err := http.NewRequest(method, c.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", credential)
		r.Header.Set("Content-Type", media)
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		c.answer(t, what+" with "+v.what, r)
	}
	const form = "application/x-www-form-urlencoded"
	asker := "Bearer " + c.Token
	for _, name := range []string{"token", "scope", "action", "resource", "organization", "source_ip", "user_agent", "request_id", "x"} {
		pair := url.Values{name: {v.value}}.Encode()
		send("introspection's "+name, http.MethodPost, "/oauth2/introspect", asker, form, "token=x&"+pair)
		send("a check's "+name, http.MethodGet, "/auth/check?"+pair, "Bearer "+v.value, "", "")
		send("a review's address", http.MethodPost, "/k8s/tokenreview?"+pair, asker, "application/json",
			`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"`+v.value+`","audiences":["`+v.value+`"]}}`)
	}
	for _, header := range []string{
		"X-Original-URI", "X-Original-URL", "X-Original-Method", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-For",
		"X-Organization-ID", "X-Required-Scope", "X-Required-Action", "X-Request-ID", "User-Agent", "Traceparent",
	} {
		for _, value := range []string{v.value, "/path/" + v.value + "?key=" + v.value, strings.Repeat("x", 1020) + v.value} {
			send("a check's "+header, http.MethodGet, "/auth/check", "Bearer "+v.value, "", "", header, value)
			send("Envoy's "+header, http.MethodGet, "/envoy/"+v.value, "Bearer "+v.value, "", "", header, value)
		}
	}
	send("a report that is none", http.MethodPost, "/credentials/revoke", "", "application/json", `{"credentials":"`+v.value+`"}`)
}

// bodiesWith are requests with the value in them, by where.
func bodiesWith(t *testing.T, value, id string) map[string][]byte {
	t.Helper()
	bodies := map[string][]byte{}
	operation := func(what, query string, variables map[string]any) {
		bodies[what] = encode(t, map[string]any{"query": query, "variables": variables})
	}
	for _, field := range []string{"name", "description", "tags", "scopes", "expiresAt", "ownerID", "revokedBy", "revokedReason", value} {
		operation("a new token's "+field[:min(len(field), 20)], createAPIToken, map[string]any{"input": with(field, value)})
	}
	for _, field := range []string{"name", "description", "appendTags", "appendScopes", "expiresAt", "revokedBy", "revokedReason", "revokedAt"} {
		operation("an update of "+field, `mutation($id: ID!, $input: UpdateAPITokenInput!) { updateAPIToken(id: $id, input: $input) { apiToken { id } } }`,
			map[string]any{"id": id, "input": map[string]any{field: value}})
	}
	for _, field := range []string{"action", "resource", "scope", "organization", "sourceIP", "userAgent", "requestID"} {
		for how, text := range map[string]string{"": value, " cut off": strings.Repeat("x", 220) + value} {
			operation("a verification's "+field+how, verifyToken, map[string]any{"input": map[string]any{"token": value, "action": "createEvidence", field: text}})
		}
	}
	for _, query := range []string{
		`{ apiTokens(where: {name: "%s"}) { totalCount } }`, `{ apiTokens(where: {nameContains: "%s"`, `{ %s }`, `query %s { me { id } }`,
		`{ apiTokens(after: "%s") { totalCount } }`, `{ apiTokens(first: "%s") { totalCount } }`, `{ apiTokens(orderBy: {field: %s}) { totalCount } }`,
		`{ apiToken(id: "%s") { id } }`, `{ node(id: "%s") { id } }`, `{ me { id @%s } }`, `query($%s: Int) { me { id } }`, `{ %[1]s: me { id } ...%[1]s }`,
		`{ auditEvents(actor: "%[1]s", type: "%[1]s", token: "%[1]s") { totalCount } }`, `{ auditEvents(from: "%s") { totalCount } }`,
		`mutation { revokeAPIToken(id: "` + id + `", reason: "%s") { apiToken { id } } }`, `mutation { endTokenGrant(id: "%[1]s", reason: "%[1]s") { receipt { position } } }`,
		`mutation { createOrganization(input: {name: "%s"}) { organization { id } } }`, `mutation { createUser(input: {email: "%s"}) { user { id } } }`,
		`mutation { createUser(input: {email: "a@b.example", displayName: "%s"}) { user { id } } }`,
		`mutation { registerObject(name: "%[1]s", actions: {%[1]s: "%[1]s"}) { organization { id } } }`, `# %s`, "\"\"\"%s",
	} {
		operation(query[:min(len(query), 40)], fmt.Sprintf(query, value), nil)
	}
	operation("a variable of the wrong type", `query($n: Int) { apiTokens(first: $n) { totalCount } }`, map[string]any{"n": value})
	operation("a variable that is not there", `{ me { id } }`, map[string]any{value: value})
	bodies["half a JSON"] = []byte(`{"query": "{ apiTokens }", "variables": "` + value)
	bodies["no JSON"] = []byte(value)
	bodies["a number with more"] = []byte(`{"query": 1` + value + `}`)
	bodies["an operation's name"] = encode(t, map[string]any{"query": `{ me { id } }`, "operationName": value})
	bodies["extensions"] = encode(t, map[string]any{"query": `{ me { id } }`, "extensions": map[string]any{value: value}})
	return bodies
}

// useIt makes what is allowed and what is not.
func (c *canaries) useIt(t *testing.T) {
	t.Helper()
	for _, v := range c.values {
		r, err := c.request(v.value, encode(t, map[string]any{"query": `{ me { id } organization { name } }`}))
		if err != nil {
			t.Fatal(err)
		}
		c.answer(t, "a call with "+v.what, r)
		for _, action := range []string{"createEvidence", "createRisk", "no-such-action"} {
			a := c.verify(t, v.value, action)
			c.clean(t, "the verification of "+v.what, a.Body)
		}
	}
	c.allowed(t, c.values[1].value, "createEvidence")
	c.denied(t, c.values[3].value, "createEvidence")
}

// runCommands gives values to the command line, which knows no better.
func (c *canaries) runCommands(t *testing.T, id string) {
	t.Helper()
	value := c.values[1].value
	for _, args := range [][]string{
		{value},
		{"token", "show", value},
		{"token", "create", "--name", value, "--scopes", "read"},
		{"token", "list", "--where", value},
		{"token", "revoke", id, "--reason", value},
		{"token", "list", "--after", value},
		{"token", "list", "--" + value},
		{"tail", "--type", value, "--no-follow"},
		{"tail", "--organization", value},
		{"version", "--output", value},
		{"token", "list", "--server", value},
		{"token", "list", "--server", "http://" + value + ".invalid"},
		{"token", "list", "--token-file", "/" + value},
		{"serve", "--listen", value},
	} {
		p := c.command(t, args...)
		if len(p.Cmd.Args) > 0 && p.Code() == 0 && args[0] != "token" && args[0] != "tail" {
			t.Errorf("%v succeeded", args[0])
		}
		c.clean(t, fmt.Sprintf("what %.20q writes", args), []byte(p.Stdout.String()+p.Stderr.String()))
	}
}

// searchDatabase reads every row of every table as text, bytes taken as they are.
func (c *canaries) searchDatabase(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, c.database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(ctx, `SELECT format('SELECT concat_ws(chr(10), %s) FROM %I.%I',
			string_agg(format(CASE WHEN a.atttypid = 'bytea'::regtype THEN 'encode(%I, ''escape'')' ELSE '%I::text' END, a.attname), ', '),
			n.nspname, c.relname), n.nspname || '.' || c.relname
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relkind IN ('r', 'm', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
		  AND a.attnum > 0 AND NOT a.attisdropped
		GROUP BY n.nspname, c.relname`)
	if err != nil {
		t.Fatal(err)
	}
	type table struct{ SQL, Name string }
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil || len(tables) < 10 {
		t.Fatalf("only %d tables: %v", len(tables), err)
	}
	for _, table := range tables {
		rows, err := conn.Query(ctx, table.SQL)
		if err != nil {
			t.Fatalf("%s: %v", table.Name, err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[*string])
		if err != nil {
			t.Fatalf("%s: %v", table.Name, err)
		}
		for _, text := range texts {
			if text != nil {
				c.clean(t, "the table "+table.Name, []byte(*text))
			}
		}
	}
}

func (c *canaries) searchStream(t *testing.T, events int) {
	t.Helper()
	stream := openStream(t, c.NATS, filepath.Join(c.data, "nats", "reader.creds"), "TOKENLEDGER_"+origin(t, c.database(t)))
	await(t, "JetStream holds every event", func() bool { return lastSequence(t, stream) >= uint64(events) })
	for n := uint64(1); n <= lastSequence(t, stream); n++ {
		m, err := stream.GetMsg(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		c.clean(t, fmt.Sprintf("message %d", n), []byte(m.Subject+fmt.Sprint(m.Header)+string(m.Data)))
	}
}

// searchFiles reads everything below the data directory but the one file that is
// there to hold a token.
func (c *canaries) searchFiles(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(c.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || path == c.TokenFile {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil {
			c.clean(t, path, content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
