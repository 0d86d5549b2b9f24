// Package ledgertest starts the ledger as its users do, from its own program, for
// the tests of what stands in front of it or behind it.
package ledgertest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Ledger is a running service on a directory of its own.
type Ledger struct {
	URL       string
	Metrics   string // the address of the metrics
	TokenFile string // the administrator's
	Token     string
	Binary    string // the program, for its other commands
	data      string
	said      *banner
	t         testing.TB
}

// Root is the directory of the main module.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// limit is for what is awaited; only something that hangs meets it.
const limit = 60 * time.Second

// Start builds the program and serves until the test ends. The variables come on top of the embedded default.
func Start(t testing.TB, env ...string) *Ledger {
	t.Helper()
	dir, err := os.MkdirTemp("", "ledgertest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres may run as another user
		t.Fatal(err)
	}
	l := &Ledger{Binary: Build(t, dir, "./cmd/tokenledger"), data: filepath.Join(dir, "data"), t: t}
	out := &banner{ready: make(chan struct{})}
	errs := new(bytes.Buffer)
	c := exec.Command(l.Binary, "serve")
	c.Env = append(os.Environ(), append([]string{
		"TOKENLEDGER_DATA=" + l.data, "TOKENLEDGER_LISTEN=127.0.0.1:0",
		"TOKENLEDGER_ADMIN_LISTEN=127.0.0.1:0", "TOKENLEDGER_NATS_LISTEN=off",
	}, env...)...)
	c.Stdout, c.Stderr = out, errs
	ended := make(chan struct{})
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(ended)
		_ = c.Wait()
	}()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(limit):
			_ = c.Process.Kill()
			<-ended
			t.Error("the service did not end")
		}
		if t.Failed() {
			t.Logf("the service said:\n%s", errs)
		}
	})
	select {
	case <-out.ready:
	case <-ended:
		t.Fatalf("the service ended:\n%s", errs)
	case <-time.After(limit):
		t.Fatal("the service is not ready")
	}
	l.said = out
	l.URL, l.Metrics, l.TokenFile = out.line("URL"), out.line("metrics"), out.line("token file")
	value, err := os.ReadFile(l.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	l.Token = strings.TrimSpace(string(value))
	return l
}

// Data is the service's data directory.
func (l *Ledger) Data() string { return l.data }

// Address is the host and port of a URL that the service printed: URL, metrics, events.
func (l *Ledger) Address(name string) string {
	u, err := url.Parse(l.said.line(name))
	if err != nil {
		l.t.Fatal(err)
	}
	return u.Host
}

// ReaderCreds is the file with credentials for reading from the ledger's NATS.
func (l *Ledger) ReaderCreds() string { return filepath.Join(l.data, "nats", "reader.creds") }

// Build compiles a command of the main module into dir.
func Build(t testing.TB, dir, pkg string) string {
	t.Helper()
	to := filepath.Join(dir, filepath.Base(pkg))
	c := exec.Command("go", "build", "-o", to, pkg)
	c.Dir = Root()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return to
}

// banner waits for the lines that the service prints when it is ready.
type banner struct {
	mu    sync.Mutex // guards text
	text  bytes.Buffer
	once  sync.Once
	ready chan struct{}
}

func (b *banner) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.text.Write(p)
	if _, try, ok := strings.Cut(b.text.String(), "\nTry:\n"); ok && strings.HasSuffix(try, "\n") {
		b.once.Do(func() { close(b.ready) })
	}
	return n, err
}

func (b *banner) line(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.text.String()) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Query runs a GraphQL operation as the administrator and decodes its data. While the read models of a busy machine
// have not caught up it asks again, under the same key.
func (l *Ledger) Query(query string, variables map[string]any, out any) {
	l.t.Helper()
	key := rand.Text()
	var raw []byte
	var status string
	Await(l.t, "the read models catch up", func() bool {
		status, raw = l.ask(query, variables, key)
		return !bytes.Contains(raw, []byte(`"STALE_READ"`))
	})
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Errors) > 0 {
		l.t.Fatalf("%s: %.500s", status, raw)
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		l.t.Fatal(err)
	}
}

func (l *Ledger) ask(query string, variables map[string]any, key string) (status string, raw []byte) {
	l.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		l.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, l.URL+"/query", bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+l.Token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		l.t.Fatal(err)
	}
	defer response.Body.Close()
	if raw, err = io.ReadAll(response.Body); err != nil {
		l.t.Fatal(err)
	}
	return response.Status, raw
}

// Token is one that was created.
type Token struct{ ID, Value string }

// CreateToken makes an organization token with these scopes.
func (l *Ledger) CreateToken(name string, scopes ...string) Token {
	l.t.Helper()
	var answer struct {
		CreateAPIToken struct{ APIToken struct{ ID, Token string } }
	}
	l.Query(`mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { apiToken { id token } } }`,
		map[string]any{"input": map[string]any{"name": name, "scopes": scopes}}, &answer)
	made := answer.CreateAPIToken.APIToken
	return Token{made.ID, made.Token}
}

// Revoke ends a token.
func (l *Ledger) Revoke(t Token, reason string) {
	l.t.Helper()
	var answer struct{}
	l.Query(`mutation($id: ID!, $reason: String!) { revokeAPIToken(id: $id, reason: $reason) { apiToken { id } } }`,
		map[string]any{"id": t.ID, "reason": reason}, &answer)
}

// Event is what the trail says of a token.
type Event struct {
	Type string
	Data map[string]any
}

// Events are the token's events of a type, oldest first.
func (l *Ledger) Events(token Token, kind string) []Event {
	l.t.Helper()
	var answer struct {
		AuditEvents struct{ Edges []struct{ Node Event } }
	}
	l.Query(`query($token: ID!, $type: String) { auditEvents(token: $token, type: $type, first: 100) { edges { node { type data } } } }`,
		map[string]any{"token": token.ID, "type": kind}, &answer)
	var all []Event
	for _, e := range answer.AuditEvents.Edges {
		all = append(all, e.Node)
	}
	return all
}

// Await polls a condition that nothing announces.
func Await(t testing.TB, what string, good func() bool) {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	up := time.After(limit)
	for !good() {
		select {
		case <-poll.C:
		case <-up:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// Application is the service behind a proxy: it answers with the headers that reached it, as JSON.
func Application(t testing.TB) (address string) {
	t.Helper()
	return Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(r.Header)
	}))
}

// String shows nothing of the value.
func (t Token) String() string { return fmt.Sprintf("token %s", t.ID) }
