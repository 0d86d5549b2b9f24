// Findings and webhooks through GraphQL.

package graphql_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// hooks implements [graphql.Webhooks].
type hooks struct{}

func (hooks) Secret(id uuid.UUID) (string, error) { return "whsec_" + id.String(), nil }

const listFindings = `query($rule: String, $status: FindingStatus, $token: ID, $resolved: Boolean, $first: Int, $after: Cursor) {
	findings(rule: $rule, status: $status, token: $token, resolved: $resolved, first: $first, after: $after) {
		totalCount pageInfo { hasNextPage endCursor } edges { node { rule position raisedAt token tokens detail resolvedAt status triagedAt triagedBy note } } } }`

const triage = `mutation($rule: String!, $position: Long!, $status: FindingStatus!, $note: String) {
	triageFinding(rule: $rule, position: $position, status: $status, note: $note) { finding { rule position status note triagedBy } receipt { events { type } } } }`

func TestFindings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	watched := w.apiToken("watched", "evidence:write")
	id := uuid.MustParse(watched.id)
	see := func(agent string) events.Position {
		r, err := w.log.Append(t.Context(), events.Request{Batches: []events.Batch{{
			Stream: events.TokenStream(id), Trail: events.OrganizationTrail(w.org), Meta: events.Meta{Actor: events.OrganizationToken(id)},
			Events: []events.Event{
				events.TokenSourceSeen{Agent: events.Personal{Subject: events.OrganizationStream(w.org), Value: agent}},
				events.TokenUsed{Source: -1, Action: "createEvidence"},
			},
		}}})
		must(t, err)
		return r.Placed[0].Position
	}
	see("the first")
	at := see("the second")
	see("the third")
	w.settle()

	a := w.ask(listFindings, vars{"token": watched.id, "first": 1})
	if a.at("findings.totalCount") != "2" || a.at("findings.pageInfo.hasNextPage") != "true" {
		t.Errorf("a page: %s", a.body)
	}
	a = w.ask(listFindings, vars{"rule": "new_source", "after": a.at("findings.pageInfo.endCursor")})
	if len(a.each("findings", "rule")) != 1 || a.each("findings", "status")[0] != "OPEN" || a.each("findings", "token")[0] != watched.id {
		t.Errorf("the next page: %s", a.body)
	}
	named := vars{"rule": "new_source", "position": int64(at), "status": "CLOSED", "note": "a new runner"}
	a = w.ask(triage, named)
	if a.at("triageFinding.finding.status") != "CLOSED" || a.at("triageFinding.finding.triagedBy") != w.user.String() ||
		a.at("triageFinding.receipt.events.0.type") != "organization.finding_triaged" {
		t.Errorf("triage: %s", a.body)
	}
	if a = w.ask(listFindings, vars{"status": "CLOSED"}); len(a.each("findings", "note")) != 1 || a.each("findings", "note")[0] != "a new runner" {
		t.Errorf("closed: %s", a.body)
	}
	if a = w.ask(`query($p: Long!) { finding(rule: "new_source", position: $p) { status } none: finding(rule: "burst", position: $p) { status } }`, vars{"p": int64(at)}); a.at("finding.status") != "CLOSED" || a.any("none") != nil {
		t.Errorf("one: %s", a.body)
	}
	_, auditor := w.member("auditor", events.RoleAuditor)
	_, member := w.member("member", events.RoleMember)
	reader := w.apiToken("reader", "event:read")
	_, _, stranger := w.organization("other")
	for _, c := range []struct {
		who, query string
		vars       vars
		code       string
	}{
		{member, listFindings, nil, "FORBIDDEN"},
		{auditor, triage, named, "FORBIDDEN"},
		{reader.value, triage, named, "FORBIDDEN"},
		{stranger, triage, named, "NOT_FOUND"},
		{w.admin, triage, vars{"rule": "new_source", "position": 1, "status": "CLOSED"}, "NOT_FOUND"},
		{w.admin, triage, vars{"rule": "flown", "position": 1, "status": "CLOSED"}, "BAD_USER_INPUT"},
		{w.admin, listFindings, vars{"rule": "flown"}, "BAD_USER_INPUT"},
		{w.admin, listFindings, vars{"after": "nonsense"}, "BAD_USER_INPUT"},
	} {
		if got := w.send(c.who, c.query, c.vars); len(got.Errors) != 1 || got.Errors[0].Extensions["code"] != c.code {
			t.Errorf("%s %v: %s, want %s", c.query[:20], c.vars, got.body, c.code)
		}
	}
	for _, who := range []string{auditor, reader.value} {
		if got := w.as(who, listFindings, vars{"token": watched.id}); len(got.each("findings", "rule")) != 2 {
			t.Errorf("a reader sees %s", got.body)
		}
	}
	if got := w.as(stranger, listFindings, nil); len(got.each("findings", "rule")) != 0 {
		t.Errorf("a stranger sees %s", got.body)
	}
}

const followFindings = `subscription($rules: [String!], $token: ID, $after: Cursor) {
	findings(rules: $rules, token: $token, after: $after) { cursor finding { rule position token status } } }`

func TestFindingsAreFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	watched, other := w.apiToken("watched", "evidence:write"), w.apiToken("other", "evidence:write")
	see := func(k token, agent string) (at string) {
		id := uuid.MustParse(k.id)
		r, err := w.log.Append(t.Context(), events.Request{Batches: []events.Batch{{
			Stream: events.TokenStream(id), Trail: events.OrganizationTrail(w.org), Meta: events.Meta{Actor: events.OrganizationToken(id)},
			Events: []events.Event{
				events.TokenSourceSeen{Agent: events.Personal{Subject: events.OrganizationStream(w.org), Value: agent}},
				events.TokenUsed{Source: -1, Action: "createEvidence"},
			},
		}}})
		must(t, err)
		return value(r.Placed[0].Position)
	}
	see(watched, "the first")
	see(other, "the first")
	see(watched, "before anybody listens")
	w.settle()
	reader := w.apiToken("reader", "event:read")
	all := w.subscribe(reader.value, followFindings, nil)
	narrow := w.subscribe(w.admin, followFindings, vars{"token": other.id, "rules": []string{"new_source"}})
	_, _, stranger := w.organization("other")
	nothing := w.subscribe(stranger, followFindings, nil)
	second, third := see(watched, "the second"), see(other, "the third")
	read := func(s *stream, want string, about token) (cursor string) {
		t.Helper()
		name, a := s.next()
		if name != "next" || a.at("findings.finding.position") != want || a.at("findings.finding.token") != about.id {
			t.Fatalf("got %s %s, want %s", name, a.body, want)
		}
		return a.at("findings.cursor")
	}
	cursor := read(all, second, watched)
	read(all, third, other)
	read(narrow, third, other)
	// Who triages goes on listening; who comes back misses nothing.
	w.settle()
	w.ask(triage, vars{"rule": "new_source", "position": json.Number(second), "status": "CLOSED"})
	fourth := see(watched, "the fourth")
	read(all, fourth, watched)
	again := w.subscribe(reader.value, followFindings, vars{"after": cursor})
	read(again, third, other)
	read(again, fourth, watched)

	w.ask(`mutation($id: ID!) { revokeAPIToken(id: $id, reason: "x") { receipt { position } } }`, vars{"id": reader.id})
	for range 2 {
		see(watched, "after the revocation")
	}
	for _, s := range []*stream{all, again} {
		if event, a := s.next(); event != "next" || len(a.Errors) == 0 || a.Errors[0].Extensions["code"] != "UNAUTHENTICATED" {
			t.Errorf("revoked, and got %s %s", event, a.body)
		}
		if event, _ := s.next(); event != "complete" {
			t.Errorf("revoked, and the stream goes on: %s", event)
		}
	}
	nothing.cancel()
	if event, a := nothing.next(); event != "" {
		t.Errorf("a stranger got %s %s", event, a.body)
	}
	_, member := w.member("member", events.RoleMember)
	for name, c := range map[string]struct {
		who, code string
		v         vars
	}{
		"a member": {member, "FORBIDDEN", nil}, "no rule": {w.admin, "BAD_USER_INPUT", vars{"rules": []string{"flown"}}},
		"no place": {w.admin, "BAD_USER_INPUT", vars{"after": "x"}}, "no token": {w.admin, "BAD_USER_INPUT", vars{"token": "x"}},
	} {
		if _, a := w.subscribe(c.who, followFindings, c.v).next(); len(a.Errors) == 0 || a.Errors[0].Extensions["code"] != c.code {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

const addWebhook = `mutation($input: AddWebhookInput!) { addWebhook(input: $input) { webhook { id url types failures deadLetterCount deadLetters { messageID } } secret receipt { events { type } } } }`

func TestWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	input := vars{"input": vars{"url": "https://hooks.example.com/a", "types": []string{"token", "finding"}}}
	a := w.ask(addWebhook, input, "Idempotency-Key", "once")
	id := a.at("addWebhook.webhook.id")
	if a.at("addWebhook.secret") != "whsec_"+id || a.at("addWebhook.receipt.events.0.type") != "organization.webhook_added" {
		t.Errorf("added: %s", a.body)
	}
	if again := w.ask(addWebhook, input, "Idempotency-Key", "once"); again.at("addWebhook.webhook.id") != id || again.any("addWebhook.secret") != nil {
		t.Errorf("the replay shows %s", again.body)
	}
	const list = `{ webhooks { id url types createdBy delivered failures nextAttemptAt deadLetterCount deadLetters { messageID } } }`
	if a = w.ask(list, nil); a.at("webhooks.0.id") != id || a.at("webhooks.0.createdBy") != w.user.String() || strings.Contains(string(a.body), "whsec_") {
		t.Errorf("listed: %s", a.body)
	}
	_, auditor := w.member("auditor", events.RoleAuditor)
	if a = w.as(auditor, list, nil); a.at("webhooks.0.id") != id {
		t.Errorf("an auditor sees %s", a.body)
	}
	_, _, stranger := w.organization("other")
	const remove = `mutation($id: ID!) { removeWebhook(id: $id) { removedID receipt { events { type } } } }`
	const replay = `mutation($id: ID!) { replayWebhookDeliveries(id: $id) { messages } }`
	const replayOne = `mutation($id: ID!) { replayWebhookDelivery(id: $id, messageID: "none") { messages } }`
	machine := w.apiToken("machine", "admin")
	for _, c := range []struct {
		who, query string
		vars       vars
		code       string
	}{
		{w.admin, addWebhook, vars{"input": vars{"url": "https://inside.example.com"}}, "BAD_USER_INPUT"},
		{w.admin, addWebhook, vars{"input": vars{"url": "https://a.example.com", "types": []string{"flown"}}}, "BAD_USER_INPUT"},
		{auditor, addWebhook, input, "FORBIDDEN"},
		{machine.value, addWebhook, input, "FORBIDDEN"},
		{auditor, remove, vars{"id": id}, "FORBIDDEN"},
		{auditor, replay, vars{"id": id}, "FORBIDDEN"},
		{stranger, remove, vars{"id": id}, "NOT_FOUND"},
		{stranger, replay, vars{"id": id}, "NOT_FOUND"},
		{w.admin, replayOne, vars{"id": id}, "NOT_FOUND"},
		{w.admin, remove, vars{"id": "x"}, "BAD_USER_INPUT"},
	} {
		if got := w.send(c.who, c.query, c.vars); len(got.Errors) != 1 || got.Errors[0].Extensions["code"] != c.code {
			t.Errorf("%s %v: %s, want %s", c.query[:20], c.vars, got.body, c.code)
		}
	}
	w.send(w.admin, addWebhook, vars{"input": vars{"url": "https://inside.example.com"}}).refuses("BAD_USER_INPUT", "url")
	if a = w.ask(replay, vars{"id": id}); a.at("replayWebhookDeliveries.messages") != "0" {
		t.Errorf("nothing to replay: %s", a.body)
	}
	if !slices.Contains(w.counts.taken(), "replayWebhookDeliveries") {
		t.Errorf("a replay is a use of the token that asks for it; uses: %v", w.counts.taken())
	}
	if a = w.ask(remove, vars{"id": id}); a.at("removeWebhook.removedID") != id {
		t.Errorf("removed: %s", a.body)
	}
	if a = w.ask(list, nil); len(a.any("webhooks").([]any)) != 0 {
		t.Errorf("still there: %s", a.body)
	}
}
