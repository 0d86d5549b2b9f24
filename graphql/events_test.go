// The audit trail through GraphQL: what it lists, and what follows it live.

package graphql_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql"
)

const listEvents = `query($token: ID, $actor: String, $type: String, $types: [String!], $from: Time, $to: Time, $trail: AuditTrail! = ORGANIZATION, $first: Int, $after: Cursor, $last: Int, $organization: ID) {
	auditEvents(token: $token, actor: $actor, type: $type, types: $types, from: $from, to: $to, trail: $trail, first: $first, after: $after, last: $last, organization: $organization) {
		totalCount pageInfo { hasNextPage endCursor }
		edges { node { position trail trailPosition type stream version recordedAt actor { kind id userID } reason correlation data personal leaf leafHash } } } }`

func TestAuditEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.apiToken("first", "read"), w.apiToken("second", "organization:read")
	w.ask(`mutation($id: ID!) { revokeAPIToken(id: $id, reason: "leaked") { receipt { position } } }`, vars{"id": first.id})
	w.as(second.value, `{ organization { id } }`, nil)
	w.settle()

	for name, c := range map[string]struct {
		filter vars
		want   string
	}{
		"a token":         {vars{"token": first.id}, "token.created token.revoked"},
		"by short id":     {vars{"token": first.value[5:27]}, "token.created token.revoked"},
		"a type":          {vars{"type": "token.revoked"}, "token.revoked"},
		"types":           {vars{"types": []string{"token.revoked", "organization.created"}}, "organization.created token.revoked"},
		"a kind":          {vars{"type": "membership"}, "membership.started"},
		"an actor":        {vars{"actor": second.id}, "token.source_seen token.used"},
		"an unknown type": {vars{"type": "token.flown"}, ""},
		"the own trail":   {vars{"trail": "OWN", "types": []string{"user.created", "token.created"}}, "user.created token.created"},
		"the operator's":  {vars{"trail": "OPERATOR", "type": "installation"}, "installation.initialized installation.organization_registered installation.operator_appointed"},
		"in the past":     {vars{"to": "2001-01-01T00:00:00Z"}, ""},
		"in the future":   {vars{"from": "2099-01-01T00:00:00Z"}, ""},
	} {
		a := w.ask(listEvents, c.filter)
		if got := strings.Join(a.each("auditEvents", "type"), " "); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if a.at("auditEvents.totalCount") != fmt.Sprint(len(strings.Fields(c.want))) {
			t.Errorf("%s: totalCount is %s", name, a.at("auditEvents.totalCount"))
		}
	}

	a := w.ask(listEvents, vars{"token": first.id, "type": "token.revoked"})
	node := a.any("auditEvents.edges.0.node").(map[string]any)
	sum := sha256.Sum256(append([]byte{0}, value(node["leaf"])...))
	if value(node["leafHash"]) != hex.EncodeToString(sum[:]) || value(node["reason"]) != "leaked" || value(node["trail"]) != w.org.String() {
		t.Errorf("the event: %v", node)
	}
	actor := node["actor"].(map[string]any)
	if actor["kind"] != "PERSONAL_TOKEN" || actor["userID"] != w.user.String() || value(node["correlation"]) == "" {
		t.Errorf("the actor: %v, correlation %v", actor, node["correlation"])
	}
	a = w.ask(listEvents, vars{"first": 2})
	rest := w.ask(listEvents, vars{"after": a.at("auditEvents.pageInfo.endCursor"), "first": 1})
	if a.at("auditEvents.pageInfo.hasNextPage") != "true" || rest.at("auditEvents.edges.0.node.trailPosition") != "3" {
		t.Errorf("the next page begins at %s", rest.at("auditEvents.edges.0.node.trailPosition"))
	}
	w.send(w.admin, listEvents, vars{"organization": "01890a5d-ac96-774b-bcce-b302099a8057"}).refuses("NOT_FOUND", "organization")
	w.send(w.admin, listEvents, vars{"token": "x"}).refuses("BAD_USER_INPUT", "token")
	w.send(w.admin, listEvents, vars{"after": "x"}).refuses("BAD_USER_INPUT", "after")
	w.send(second.value, listEvents, nil).refuses("FORBIDDEN", "*")
}

// Personal values are opened by auditors, and by whom they are about.
func TestPersonalValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.apiToken("used", "read")
	w.as(key.value, `{ organization { id } }`, nil)
	w.settle()
	_, auditor := w.member("audit", events.RoleAuditor)
	const usage = `query($id: ID!) { apiToken(id: $id) { lastUsedAt usage { uses refusals lastUsedAt hours { uses } actions { action uses } reasons { code } sources { address agent uses position firstSeenAt } } } }`
	filter := vars{"type": "token.source_seen", "token": key.id}
	for who, c := range map[string]struct{ token, personal, address string }{
		"an auditor": {auditor, `map[address:192.0.2.1 agent:test]`, "192.0.2.1"},
		"an owner":   {w.admin, "", ""},
	} {
		if got := w.as(c.token, listEvents, filter).at("auditEvents.edges.0.node.personal"); got != c.personal {
			t.Errorf("%s: got %q, want %q", who, got, c.personal)
		}
		a := w.as(c.token, usage, vars{"id": key.id})
		if got := a.at("apiToken.usage.sources.0.address"); got != c.address {
			t.Errorf("%s sees the address %q", who, got)
		}
		if a.at("apiToken.usage.uses") != "1" || a.at("apiToken.usage.actions.0.action") != "organization" || a.at("apiToken.lastUsedAt") == "" {
			t.Errorf("usage: %s", a.body)
		}
	}
	own := w.ask(listEvents, vars{"trail": "OWN", "type": "user.created"})
	if got := own.at("auditEvents.edges.0.node.personal"); got != "map[display_name:Ada email:ada@example.com]" {
		t.Errorf("the user's own values: %q", got)
	}
	if strings.Contains(own.at("auditEvents.edges.0.node.leaf"), "ada@example.com") {
		t.Error("a personal value stands in the leaf")
	}
	for _, bad := range []string{"hours(first: 0) { uses }", "hours(first: 1001) { uses }", "actions(first: 101) { uses }", "sources(first: 0) { uses }"} {
		w.send(w.admin, fmt.Sprintf(`query($id: ID!) { apiToken(id: $id) { usage { %s } } }`, bad), vars{"id": key.id}).refuses("BAD_USER_INPUT", "first")
	}
}

// stream is a subscription that a test follows.
type stream struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
	status int
	body   *http.Response
}

func (w *world) subscribe(token, query string, v vars) *stream {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	must(w.t, err)
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute) // only what hangs meets it
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.URL, bytes.NewReader(body))
	must(w.t, err)
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "text/event-stream", "Authorization": "Bearer " + token} {
		r.Header.Set(name, value)
	}
	resp, err := w.server.Client().Do(r)
	must(w.t, err)
	w.t.Cleanup(func() { cancel(); resp.Body.Close() })
	return &stream{w.t, bufio.NewScanner(resp.Body), cancel, resp.StatusCode, resp}
}

// next is the next event: its name and its data.
func (s *stream) next() (name string, a answer) {
	s.t.Helper()
	a.t = s.t
	for s.lines.Scan() {
		switch line := s.lines.Text(); {
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "data: ") && name == "next":
			a.body = []byte(line[len("data: "):])
			must(s.t, json.Unmarshal(a.body, &a))
		case line == "" && name != "":
			return name, a
		}
	}
	return "", a
}

const follow = `subscription($after: Long, $type: String, $token: ID, $actor: String, $trail: AuditTrail! = ORGANIZATION) { auditEvents(after: $after, type: $type, token: $token, actor: $actor, trail: $trail) { position type stream leafHash } }`

func TestSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.apiToken("followed", "read")
	s := w.subscribe(w.admin, follow, vars{"after": 0, "type": "token"})
	if s.status != 200 || s.body.Header.Get("Content-Type") != "text/event-stream" || s.body.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v", s.status, s.body.Header)
	}
	if _, a := s.next(); a.at("auditEvents.type") != "token.used" && a.at("auditEvents.type") != "token.source_seen" {
		t.Errorf("the first event of the organization's tokens is %s", a.body)
	}
	for {
		if _, a := s.next(); a.at("auditEvents.type") == "token.created" && a.at("auditEvents.stream") == "token-"+key.id {
			break
		}
	}
	w.ask(`mutation($id: ID!) { updateAPIToken(id: $id, input: {name: "renamed"}) { receipt { position } } }`, vars{"id": key.id})
	for {
		name, a := s.next()
		if name != "next" {
			t.Fatalf("the stream ended: %q", name)
		}
		if a.at("auditEvents.type") == "token.renamed" {
			break
		}
	}
	s.cancel()

	narrow := w.subscribe(w.admin, follow, vars{"token": key.id})
	w.ask(`mutation { createAPIToken(input: {name: "other", scopes: ["read"]}) { receipt { position } } }`, nil)
	w.ask(`mutation($id: ID!) { deleteAPIToken(id: $id) { receipt { position } } }`, vars{"id": key.id})
	for _, want := range []string{"token.revoked", "token.deleted"} {
		if _, a := narrow.next(); a.at("auditEvents.type") != want {
			t.Errorf("got %s, want %s", a.body, want)
		}
	}
}

func TestSubscriptionRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scoped := w.tokenOf("no events", "token:read")
	for name, c := range map[string]struct {
		token string
		v     vars
		code  string
	}{
		"a scope that lacks": {scoped, nil, "FORBIDDEN"}, "the operator's": {scoped, vars{"trail": "OPERATOR"}, "FORBIDDEN"},
		"a negative position": {w.admin, vars{"after": -1}, "BAD_USER_INPUT"}, "nonsense": {w.admin, vars{"token": "x"}, "BAD_USER_INPUT"},
	} {
		s := w.subscribe(c.token, follow, c.v)
		event, a := s.next()
		if event != "next" || len(a.Errors) == 0 || a.Errors[0].Extensions["code"] != c.code {
			t.Errorf("%s: got %s %s", name, event, a.body)
		}
		if event, _ := s.next(); event != "complete" {
			t.Errorf("%s: the stream did not end: %s", name, event)
		}
	}
	if s := w.subscribe(w.admin, `{ organization { name } }`, nil); s.status == 200 {
		if event, a := s.next(); event != "next" || a.at("organization.name") != "acme" {
			t.Errorf("a query as events: %s %s", event, a.body)
		}
		if event, _ := s.next(); event != "complete" {
			t.Error("a query as events did not complete")
		}
	}
}

// A subscription ends when its caller may not be what he was.
func TestSubscriptionEndsWithRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, end := range map[string]func(key token){
		"revoked": func(key token) {
			w.ask(`mutation($id: ID!) { revokeAPIToken(id: $id, reason: "x") { receipt { position } } }`, vars{"id": key.id})
		},
		"other scopes": func(key token) {
			w.ask(`mutation($id: ID!) { updateAPIToken(id: $id, input: {scopes: ["token:read"]}) { receipt { position } } }`, vars{"id": key.id})
		},
	} {
		key := w.apiToken(name, "read")
		s := w.subscribe(key.value, follow, vars{"type": "organization"})
		end(key)
		event, a := s.next()
		if event != "next" || len(a.Errors) == 0 || a.Errors[0].Extensions["code"] != "UNAUTHENTICATED" {
			t.Errorf("%s: got %s %s", name, event, a.body)
		}
		if event, _ := s.next(); event != "complete" {
			t.Errorf("%s: the stream goes on", name)
		}
	}
	a := w.ask(createAPIToken, vars{"input": vars{"name": "brief", "scopes": []string{"read"}, "expiresAt": time.Now().Add(1500 * time.Millisecond).UTC()}})
	brief := w.usable(token{value: a.at("createAPIToken.apiToken.token")})
	s := w.subscribe(brief.value, follow, vars{"type": "organization"})
	if event, a := s.next(); event != "next" || len(a.Errors) == 0 || a.Errors[0].Extensions["code"] != "UNAUTHENTICATED" {
		t.Errorf("a token that expires: got %s %s", event, a.body)
	}
}

// Streams are counted, and end when the service does.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	ending := make(chan struct{})
	w := newWorld(t, func(c *graphql.Config) {
		c.Limits.Streams = 2
		c.Draining = func(context.Context) <-chan struct{} { return ending }
	})
	quiet := vars{"type": "organization"}
	streams := []*stream{w.subscribe(w.admin, follow, quiet), w.subscribe(w.admin, follow, quiet)}
	if s := w.subscribe(w.admin, follow, nil); s.status != http.StatusTooManyRequests {
		t.Errorf("one stream too many: got %d", s.status)
	}
	close(ending)
	for _, s := range streams {
		if event, _ := s.next(); event != "complete" {
			t.Errorf("a stream of a service that ends: %q", event)
		}
	}
	if !slices.Contains(w.counts.taken(), "auditEvents") {
		t.Errorf("uses: %v", w.counts.taken())
	}
}
