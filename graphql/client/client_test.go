// How verifications become calls, and what becomes of each when a call goes wrong. What a real ledger answers is
// tested beside the schema.

package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/graphql/client"
)

// ledger answers verifyTokens as a test says; each call waits for the gate, if there is one.
type ledger struct {
	t      *testing.T
	server *httptest.Server
	gate   chan struct{}
	answer func(w http.ResponseWriter, inputs []map[string]string)

	mu    sync.Mutex // guards calls
	calls [][]map[string]string
	begun chan struct{}
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{t: t, begun: make(chan struct{}, 1000), answer: allowAll}
	l.server = httptest.NewServer(l)
	t.Cleanup(l.server.Close)
	return l
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Query     string
		Variables struct{ Input []map[string]string }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/query" || r.Header.Get("Authorization") != "Bearer asker" {
		l.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	l.mu.Lock()
	l.calls = append(l.calls, in.Variables.Input)
	l.mu.Unlock()
	l.begun <- struct{}{}
	if l.gate != nil {
		select {
		case <-l.gate:
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	l.answer(w, in.Variables.Input)
}

func allowAll(w http.ResponseWriter, inputs []map[string]string) {
	var out []map[string]any
	for _, in := range inputs {
		out = append(out, map[string]any{"allowed": in["token"] != "bad", "code": "CODE", "tokenID": in["token"], "position": "9007199254740993"})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"verifyTokens": out}})
}

func (l *ledger) sizes() (sizes []int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.calls {
		sizes = append(sizes, len(c))
	}
	return sizes
}

func (l *ledger) client(change ...func(*client.Config)) *client.Client {
	l.t.Helper()
	config := client.Config{URL: l.server.URL, Token: "asker", MaxCalls: 1, HTTP: l.server.Client()}
	for _, f := range change {
		f(&config)
	}
	c, err := client.New(config)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// results starts verifications, and gives what each of them led to.
func verifyAll(ctx context.Context, c *client.Client, tokens ...string) func() []result {
	all := make([]result, len(tokens))
	var wg sync.WaitGroup
	for i, token := range tokens {
		wg.Go(func() { all[i].Decision, all[i].err = c.Verify(ctx, client.Use{Token: token}) })
	}
	return func() []result { wg.Wait(); return all }
}

type result struct {
	client.Decision
	err error
}

func numbered(n int) (tokens []string) {
	for i := range n {
		tokens = append(tokens, fmt.Sprint("token-", i))
	}
	return tokens
}

// TestConcurrentVerificationsShareACall: what comes while a call is under way leaves together, at most so many at once.
func TestConcurrentVerificationsShareACall(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.gate = make(chan struct{})
	c := l.client()
	first := verifyAll(t.Context(), c, "first")
	<-l.begun
	tokens := numbered(250)
	rest := verifyAll(t.Context(), c, tokens...)
	awaitWaiting(t, c, 250)
	close(l.gate)
	if r := first()[0]; r.err != nil || !r.Allowed || r.TokenID != "first" || r.Position != 9007199254740993 {
		t.Errorf("got %+v", r)
	}
	for i, r := range rest() {
		if r.err != nil || r.TokenID != tokens[i] {
			t.Errorf("%s: %+v", tokens[i], r)
		}
	}
	if got := fmt.Sprint(l.sizes()); got != "[1 100 100 50]" {
		t.Errorf("calls of %s", got)
	}
}

func awaitWaiting(t *testing.T, c *client.Client, n int) {
	t.Helper()
	for client.Waiting(c) < n {
		if t.Context().Err() != nil {
			t.Fatal("the test ended")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.gate = make(chan struct{})
	c := l.client(func(c *client.Config) { c.MaxQueued = 3 })
	all := verifyAll(t.Context(), c, "first")
	<-l.begun
	rest := verifyAll(t.Context(), c, numbered(3)...)
	awaitWaiting(t, c, 3)
	if _, err := c.Verify(t.Context(), client.Use{Token: "one more"}); !errors.Is(err, client.ErrBusy) || !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	close(l.gate)
	for _, r := range append(all(), rest()...) {
		if r.err != nil {
			t.Error(r.err)
		}
	}
}

func TestContexts(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.gate = make(chan struct{})
	c := l.client()
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := c.Verify(ended, client.Use{Token: "x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	leaves := verifyAll(ctx, c, "leaves")
	<-l.begun
	waits, queued := verifyAll(t.Context(), c, "waits"), verifyAll(ctx, c, "leaves while it waits")
	awaitWaiting(t, c, 2)
	cancel()
	for _, r := range append(leaves(), queued()...) {
		if !errors.Is(r.err, context.Canceled) {
			t.Errorf("got %+v", r)
		}
	}
	// Nobody waits for the first call, so that it is given up; the second has only who still waits.
	<-l.begun
	close(l.gate)
	if r := waits()[0]; r.err != nil || r.TokenID != "waits" {
		t.Errorf("got %+v", r)
	}
	if got := fmt.Sprint(l.sizes()); got != "[1 1]" {
		t.Errorf("calls of %s", got)
	}
}

// TestOneOfSeveralLeaves: a call goes on for those who still wait.
func TestOneOfSeveralLeaves(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.gate = make(chan struct{})
	c := l.client()
	first := verifyAll(t.Context(), c, "first")
	<-l.begun
	ctx, cancel := context.WithCancel(t.Context())
	leaves, stays := verifyAll(ctx, c, "leaves"), verifyAll(t.Context(), c, "stays")
	awaitWaiting(t, c, 2)
	l.gate <- struct{}{}
	first()
	<-l.begun // with both
	cancel()
	if r := leaves()[0]; !errors.Is(r.err, context.Canceled) {
		t.Errorf("who left: %+v", r)
	}
	close(l.gate)
	if r := stays()[0]; r.err != nil || !r.Allowed {
		t.Errorf("who stayed: %+v", r)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.gate = make(chan struct{})
	c := l.client(func(c *client.Config) { c.Timeout = 50 * time.Millisecond })
	if _, err := c.Verify(t.Context(), client.Use{Token: "x"}); !errors.Is(err, client.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestOneBadInputSpoilsNoOther: the ledger refuses a call for one input; the others are asked about again.
func TestOneBadInputSpoilsNoOther(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.gate = make(chan struct{})
	l.answer = func(w http.ResponseWriter, inputs []map[string]string) {
		for i, in := range inputs {
			if strings.HasPrefix(in["token"], "spoils") {
				_, _ = fmt.Fprintf(w, `{"errors":[{"message":"action is odd.","extensions":{"code":"BAD_USER_INPUT","field":"input[%d].action"}}]}`, i)
				return
			}
		}
		allowAll(w, inputs)
	}
	c := l.client()
	first := verifyAll(t.Context(), c, "first")
	<-l.begun
	all := verifyAll(t.Context(), c, "good-1", "spoils-1", "good-2", "spoils-2", "bad")
	awaitWaiting(t, c, 5)
	close(l.gate)
	first()
	got := all()
	for _, i := range []int{1, 3} {
		var refused *client.Error
		if !errors.As(got[i].err, &refused) || refused.Code != "BAD_USER_INPUT" || errors.Is(got[i].err, client.ErrUnavailable) {
			t.Errorf("%d: %+v", i, got[i])
		}
	}
	if got[0].err != nil || !got[0].Allowed || got[2].err != nil || !got[2].Allowed || got[4].err != nil || got[4].Allowed {
		t.Errorf("got %+v", got)
	}
}

func TestErrorsAreHonest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer      func(w http.ResponseWriter)
		unavailable bool
		says        string
	}{
		"its own token": {func(w http.ResponseWriter) {
			w.Header().Set("X-Request-ID", "request-9")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"errors":[{"message":"This token is not valid.","extensions":{"code":"UNAUTHENTICATED"}}]}`))
		}, false, "UNAUTHENTICATED: This token is not valid. (request request-9)"},
		"no scope": {func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"data":null,"errors":[{"message":"m","extensions":{"code":"FORBIDDEN"}}]}`))
		}, false, "FORBIDDEN"},
		"unavailable": {func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"errors":[{"message":"m","extensions":{"code":"UNAVAILABLE"}}]}`))
		}, true, "UNAVAILABLE"},
		"a proxy's page": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte("<html>"))
		}, true, "Bad Gateway"},
		"a page that is good": {func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html") }, true, "no ledger"},
		"too few":             {func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"data":{"verifyTokens":[]}}`)) }, true, "0 of 1"},
		"no data":             {func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{}`)) }, true, "no data"},
		"sent elsewhere": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, false, "Temporary Redirect"},
	} {
		l := newLedger(t)
		l.answer = func(w http.ResponseWriter, _ []map[string]string) { c.answer(w) }
		d, err := l.client().Verify(t.Context(), client.Use{Token: "tola_secret"})
		if err == nil || d.Allowed || errors.Is(err, client.ErrUnavailable) != c.unavailable || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "tola_secret") {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	l := newLedger(t)
	c := l.client()
	l.server.Close()
	if _, err := c.Verify(t.Context(), client.Use{Token: "x"}); !errors.Is(err, client.ErrUnavailable) || strings.Contains(err.Error(), "http://") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestUsesAreCheckedFirst(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	c := l.client()
	for name, u := range map[string]client.Use{
		"action": {Action: strings.Repeat("x", 129)}, "resource": {Resource: "a\nb"}, "scope": {Scope: "\xff"}, "address": {SourceIP: "here"},
		"agent": {UserAgent: strings.Repeat("x", 1025)}, "request": {RequestID: strings.Repeat("x", 256)},
	} {
		u.Token = "x"
		if _, err := c.Verify(t.Context(), u); err == nil {
			t.Errorf("%s is not checked", name)
		}
	}
	for _, value := range []string{"", strings.Repeat("x", 257), "\xff"} {
		if d, err := c.Verify(t.Context(), client.Use{Token: value}); err != nil || d.Allowed || d.Forbidden() {
			t.Errorf("%d characters: %+v, %v", len(value), d, err)
		}
	}
	if len(l.sizes()) > 0 {
		t.Error("the ledger was asked")
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config client.Config
		says   string
	}{
		"nothing":          {client.Config{}, "URL"},
		"no token":         {client.Config{URL: "https://ledger.example"}, "Token"},
		"plain http":       {client.Config{URL: "http://ledger.example", Token: "x"}, "in clear"},
		"plain, permitted": {client.Config{URL: "http://ledger.example", Token: "x", AllowHTTP: true}, ""},
		"this host":        {client.Config{URL: "http://127.0.0.1:8080/base/", Token: "x"}, ""},
		"another scheme":   {client.Config{URL: "ftp://ledger.example", Token: "x"}, "URL"},
		"a password":       {client.Config{URL: "https://u:p@ledger.example", Token: "x"}, "URL"},
		"a large batch":    {client.Config{URL: "https://ledger.example", Token: "x", MaxBatch: 101}, "MaxBatch"},
		"a line break":     {client.Config{URL: "https://ledger.example", Token: "x\ny"}, "Token"},
		"less than none":   {client.Config{URL: "https://ledger.example", Token: "x", Timeout: -1, MaxCalls: -1, MaxQueued: -1}, "MaxQueued"},
	} {
		_, err := client.New(c.config)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
