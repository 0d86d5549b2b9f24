// What the service tells by itself: deadlines, findings, and webhooks, over a crash.

package e2e_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// hearer is a webhook's receiver that keeps what was signed well.
type hearer struct {
	*httptest.Server

	mu     sync.Mutex // guards all below
	secret string
	deaf   bool
	token  string   // findings are listened to about this one alone
	types  []string // of messages, each once, in order; of findings with their rule
	ids    map[string]bool
}

func newHearer(t *testing.T) *hearer {
	t.Helper()
	h := &hearer{ids: map[string]bool{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.hear(t, w, r) }))
	t.Cleanup(h.Close)
	return h
}

func (h *hearer) hear(t *testing.T, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the service was killed meanwhile
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deaf {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(h.secret, "whsec_"))
	if err != nil {
		t.Error(err)
	}
	mac := hmac.New(sha256.New, key)
	id := r.Header.Get("webhook-id")
	mac.Write([]byte(id + "." + r.Header.Get("webhook-timestamp") + "." + string(body)))
	if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		t.Errorf("not well signed: %v", r.Header)
	}
	var said struct{ Type, Rule, Token string }
	if err := json.Unmarshal(body, &said); err != nil {
		t.Error(err)
	}
	if !h.ids[id] && (said.Rule == "" || said.Token == h.token) {
		h.ids[id] = true
		h.types = append(h.types, strings.TrimSpace(said.Type+" "+said.Rule))
	}
}

func (h *hearer) heard() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.types, ", ")
}

// be changes what it listens to.
func (h *hearer) be(deaf bool, token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deaf, h.token = deaf, token
}

const addWebhook = `mutation($input: AddWebhookInput!) { addWebhook(input: $input) { webhook { id } secret } }`

func TestDeadlinesFindingsAndWebhooks(t *testing.T) {
	t.Parallel()
	s := start(t, "TOKENLEDGER_ALLOW_PRIVATE_TARGETS=127.0.0.0/8")
	h := newHearer(t)
	a := s.ask(t, addWebhook, map[string]any{"input": map[string]any{"url": h.URL, "types": []string{
		"token.created", "token.expiry_warned", "token.expired", "organization.finding_triaged", "finding",
	}}})
	h.mu.Lock()
	h.secret = a.text(t, "addWebhook.secret")
	h.mu.Unlock()

	// A deadline: warned of at once, since it is near, and recorded when it comes.
	deadline := time.Now().Add(4 * time.Second)
	k := s.createToken(t, map[string]any{"name": "short", "scopes": []string{"token:read"}, "expiresAt": deadline.UTC().Format(time.RFC3339Nano)})
	got := s.send(t, k.Value, `{ apiTokens { totalCount } }`, nil)
	if want := deadline.UTC().Format(time.RFC3339); got.Header.Get("Token-Expires") != want {
		t.Errorf("Token-Expires: %q, want %q", got.Header.Get("Token-Expires"), want)
	}
	await(t, "the deadline", func() bool { return h.heard() == "token.created, token.expiry_warned, token.expired" })

	// A finding, while nobody listens, and a crash.
	h.be(true, "")
	watched := s.createToken(t, map[string]any{"name": "watched", "scopes": []string{"evidence:write"}})
	const use = `mutation($input: VerifyTokenInput!) { verifyToken(input: $input) { allowed } }`
	for _, agent := range []string{"builder/1", "curl/8"} {
		u := s.ask(t, use, map[string]any{"input": map[string]any{
			"token": watched.Value, "action": "createEvidence", "sourceIP": "192.0.2.7", "userAgent": agent,
		}})
		if u.at(t, "verifyToken.allowed") != true {
			t.Fatalf("%s", u.Body)
		}
	}
	s.Kill()
	s.start(t)
	list := func() string {
		return s.command(t, "findings", "list", "--output", "json", "--token", watched.ID).Stdout.String()
	}
	await(t, "the finding", func() bool { return strings.Contains(list(), `"rule":"new_source"`) })
	var found struct{ Position json.Number }
	if err := json.Unmarshal([]byte(list()), &found); err != nil {
		t.Fatal(err)
	}
	if p := s.command(t, "findings", "triage", "new_source", found.Position.String(), "--status", "closed", "--note", "a new tool", "--output", "json"); !strings.Contains(p.Stdout.String(), `"status":"closed"`) {
		t.Errorf("triage: %s", p.Output())
	}
	h.be(false, watched.ID)
	const all = "token.created, token.expiry_warned, token.expired, token.created, organization.finding_triaged, finding new_source"
	await(t, "everything", func() bool { return h.heard() == all })
	await(t, "the state", func() bool {
		return strings.Contains(s.command(t, "webhook", "list", "--output", "json").Stdout.String(), `"failures":0`)
	})
}

func TestWebhooksStayOutOfTheNetworkInside(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, url := range []string{
		"http://127.0.0.1:9090/metrics", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://169.254.169.254/latest/meta-data",
		"https://10.0.0.1/", "https://192.168.1.1/", "https://[fe80::1]/", "https://[::ffff:127.0.0.1]/", "file:///etc/passwd", "https://user:secret@192.0.2.1/", "nonsense",
	} {
		s.send(t, s.Token, addWebhook, map[string]any{"input": map[string]any{"url": url}}).refused(t, "BAD_USER_INPUT", "url")
	}
	for _, record := range readLog(t, s.database(t)) {
		if strings.Contains(record.Type, "webhook") {
			t.Errorf("recorded: %+v", record)
		}
	}
}
