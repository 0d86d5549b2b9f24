// A rotation whose answer is lost because the service is killed between commit
// and answer: under the same key it gives another value, and nothing else is lost.

package e2e_test

import (
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

const rotateAPIToken = `mutation($id: ID!) {
	rotateAPIToken(id: $id, input: {overlapSeconds: 3600}) { apiToken { id token } rotated { rotatedUntil } receipt { position } }
}`

func TestARotationThatWasKilledBeforeItsAnswer(t *testing.T) {
	t.Parallel()
	sh := startShared(t)
	s := sh.service(t)
	s.initialize(t, "--organization", "Demo", "--email", "owner@example.com").exits(t, 0)
	s.start(t)
	old := s.createToken(t, map[string]any{"name": "ci", "scopes": []string{"evidence:write"}})
	asks := s.createToken(t, map[string]any{"name": "asks", "scopes": []string{"token:introspect"}})
	const key = "rotate-once"

	s.sendAndLeave(t, rotateAPIToken, map[string]any{"id": old.ID}, key)
	var first string
	var until time.Time
	await(t, "the rotation is committed", func() bool {
		leaves, err := outside.Leaves(t.Context(), sh.database)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range leaves {
			if l.Type == "token.rotated" {
				first, until = l.Text("successor"), l.Time("until")
			}
		}
		return first != ""
	})
	s.Kill()
	s.start(t)

	a := s.ask(t, rotateAPIToken, map[string]any{"id": old.ID}, "Idempotency-Key", key)
	id, value := a.text(t, "rotateAPIToken.apiToken.id"), a.text(t, "rotateAPIToken.apiToken.token")
	if id == first || len(value) != 69 || !slices.Contains(a.Extensions.Warnings, "UNUSED_SUCCESSOR_REPLACED") {
		t.Fatalf("%s", a.Body)
	}
	// An event writes its microseconds in full, GraphQL leaves zeros at the end out.
	if got, err := time.Parse(time.RFC3339Nano, a.text(t, "rotateAPIToken.rotated.rotatedUntil")); err != nil || until.IsZero() || !got.Equal(until) {
		t.Errorf("the overlap ends at %v, it was to end at %v", got, until)
	}
	const use = `mutation($token: String!) { verifyToken(input: {token: $token, action: "createEvidence"}) { allowed } }`
	for _, working := range []string{old.Value, value} {
		if got := s.askAs(t, asks.Value, use, map[string]any{"token": working}).at(t, "verifyToken.allowed"); got != true {
			t.Errorf("during the overlap a token is refused")
		}
	}
	ended := map[string]string{}
	for _, l := range readLog(t, sh.database) {
		if l.Type == "token.revoked" {
			ended[l.Stream] = l.Reason
		}
	}
	if len(ended) != 1 || ended["token-"+first] == "" {
		t.Errorf("revoked: %v, want the successor %s that nobody received", ended, first)
	}
	// Used, it stays: the key answers it again, masked.
	a = s.ask(t, rotateAPIToken, map[string]any{"id": old.ID}, "Idempotency-Key", key)
	if a.text(t, "rotateAPIToken.apiToken.id") != id || !slices.Contains(a.Extensions.Warnings, "VALUE_ALREADY_SHOWN") {
		t.Errorf("%s", a.Body)
	}
}

// sendAndLeave sends a request and never reads what is answered.
func (s *service) sendAndLeave(t *testing.T, query string, variables map[string]any, key string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.request(s.Token, body, "Idempotency-Key", key)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
}
