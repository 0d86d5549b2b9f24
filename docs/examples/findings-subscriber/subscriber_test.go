// Every finding becomes what its rule leads to, once, over restarts and a service that is away.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// service is a resource server that is down every third time.
type service struct {
	*httptest.Server
	mu    sync.Mutex // guards all below
	calls int
	made  map[string]string // idempotency key → what was made
	order []string
}

func newService(t *testing.T) *service {
	s := &service{made: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.calls++; s.calls%3 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var call struct {
			Query     string
			Variables struct{ Input map[string]string }
		}
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil || r.Header.Get("Authorization") != "Bearer tola_x" {
			t.Errorf("%v %v", err, r.Header)
		}
		what := "risk " + call.Variables.Input["name"]
		if strings.Contains(call.Query, "createTask") {
			what = "task " + call.Variables.Input["title"]
		}
		if call.Variables.Input["description"] == "" {
			t.Error("without a description")
		}
		key := r.Header.Get("Idempotency-Key")
		if s.made[key] == "" {
			s.made[key] = what
			s.order = append(s.order, what)
		}
		_, _ = w.Write([]byte(`{"data":{}}`))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

func TestFindingsBecomeRisksAndTasks(t *testing.T) {
	dir, err := os.MkdirTemp("", "tokenledger-nats-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err := embedded.StartNATS(t.Context(), embedded.NATSConfig{Dir: dir, Listen: "off"})
	must(t, err)
	t.Cleanup(func() { must(t, server.Stop(context.WithoutCancel(t.Context()))) })
	ledger, err := server.RelayConn(t.Context())
	must(t, err)
	api, err := jetstream.New(ledger)
	must(t, err)
	_, err = api.CreateStream(t.Context(), jetstream.StreamConfig{Name: "TOKENLEDGER-FINDINGS_x", Subjects: []string{"tokenledger.findings.>"}})
	must(t, err)
	reader, err := server.ReaderConn(t.Context())
	must(t, err)

	r := newService(t)
	file := filepath.Join(t.TempDir(), "place.json")
	start := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &subscriber{
			conn: reader, organization: "*", file: file, logger: slog.New(slog.DiscardHandler), pause: time.Millisecond,
			resources: resources{url: r.URL, token: "tola_x", http: r.Client()},
		}
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx) }()
		return func() { cancel(); must(t, <-ended) }
	}
	var want []string
	publish := func(rule string, position int) {
		t.Helper()
		body := fmt.Sprintf(`{"type":"finding","organization":"acme","rule":%q,"position":%d,"raised_at":"2031-01-01T00:00:00Z","token":"t","detail":{}}`, rule, position)
		_, err := api.Publish(t.Context(), "tokenledger.findings.acme", []byte(body))
		must(t, err)
	}
	position := 0
	for range 2 { // the second time after a restart
		for rule, to := range responses {
			position++
			publish(rule, position)
			publish(rule, position) // the stream may hold one twice
			if to.risk != "" {
				want = append(want, "risk "+to.risk)
			}
			want = append(want, "task "+to.task)
		}
		stop := start()
		for deadline := time.Now().Add(60 * time.Second); len(r.all()) < len(want); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("made %d of %d", len(r.all()), len(want))
			}
		}
		stop()
	}
	publish("a_rule_of_tomorrow", position+1)
	want = append(want, "task Look at a finding of the rule a_rule_of_tomorrow")
	stop := start()
	for deadline := time.Now().Add(60 * time.Second); len(r.all()) < len(want); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the last one is missing")
		}
	}
	stop()
	if got := r.all(); !slices.Equal(got, want) {
		t.Errorf("made\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
