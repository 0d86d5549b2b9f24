// A ledger with webhooks, a receiver that does what a test wants, and senders.

package webhooks_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/lease"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/webhooks"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

type world struct {
	*testing.T
	log   *eventstore.Log
	ring  *keyring.Ring
	pool  *pgxpool.Pool
	views *projections.Views
	org   uuid.UUID
	token uuid.UUID
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	url := eventstoretest.Postgres(t)
	w := &world{T: t, ring: keyring.Generate(), org: uuid.Must(uuid.NewV7()), token: uuid.Must(uuid.NewV7())}
	w.log = eventstoretest.Start(t, eventstore.Config{URL: url, Keys: w.ring})
	var err error
	w.pool, err = projections.OpenPool(t.Context(), url, eventstore.DefaultSchema)
	must(t, err)
	t.Cleanup(w.pool.Close)
	runner, err := projections.NewRunner(t.Context(), projections.RunnerConfig{Log: w.log, Pool: w.pool, Projections: projections.All()})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	w.views = projections.NewViews(w.pool, runner)
	w.tell(events.OrganizationStream(w.org), events.OrganizationCreated{Name: "acme"})
	w.tell(events.TokenStream(w.token), events.TokenCreated{Kind: events.OrganizationKind, Organization: w.org, Name: "ci"})
	return w
}

func (w *world) tell(stream events.StreamID, facts ...events.Event) events.Position {
	w.Helper()
	r, err := w.log.Append(w.Context(), events.Request{Batches: []events.Batch{{
		Stream: stream, Trail: events.OrganizationTrail(w.org), Meta: events.Meta{Actor: events.System("test")}, Events: facts,
	}}})
	must(w.T, err)
	return r.Last()
}

// rename records so many events of the token.
func (w *world) rename(n int) (at []events.Position) {
	w.Helper()
	for i := range n {
		at = append(at, w.tell(events.TokenStream(w.token), events.TokenRenamed{Name: fmt.Sprint("n", i)}))
	}
	return at
}

func (w *world) hook(url string, types ...string) uuid.UUID {
	w.Helper()
	id := uuid.Must(uuid.NewV7())
	w.tell(events.OrganizationStream(w.org), events.OrganizationWebhookAdded{Webhook: id, URL: url, Types: types})
	return id
}

func (w *world) config() webhooks.Config {
	return webhooks.Config{
		Pool: w.pool, Trails: w.views, Origin: w.log.Origin(), Client: &http.Client{Timeout: 10 * time.Second},
		Key:  func(id uuid.UUID) ([]byte, error) { return w.ring.WebhookSecret(w.log.Origin(), id) },
		Look: 2 * time.Millisecond, FirstPause: 2 * time.Millisecond, MaxPause: 20 * time.Millisecond,
	}
}

// start runs a sender, under the lease, until the returned function is called.
func (w *world) start(c webhooks.Config) (stop func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	l := lease.Lease{Pool: w.pool, Name: "webhooks", Logger: c.Logger, Pause: 5 * time.Millisecond}
	if l.Logger == nil {
		l.Logger = discard
	}
	go func() { ended <- l.Hold(ctx, webhooks.New(c).Run) }()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-ended }) }
	w.Cleanup(stop)
	return stop
}

// received is what a receiver got.
type received struct {
	id   string
	body string
}

// receiver answers as told, and keeps what was signed well and taken.
type receiver struct {
	*httptest.Server
	w    *world
	hook uuid.UUID

	mu     sync.Mutex // guards all below
	answer func(got received, tries int) int
	tries  map[string]int
	taken  []received
}

func (w *world) receiver(answer func(got received, tries int) int) *receiver {
	w.Helper()
	r := &receiver{w: w, answer: answer, tries: map[string]int{}}
	r.Server = httptest.NewServer(r)
	w.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	got := received{in.Header.Get("webhook-id"), string(body)}
	if err != nil || !r.verify(in, got) {
		r.w.Errorf("not well signed: %v %s", in.Header, body)
		out.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.mu.Lock()
	r.tries[got.id]++
	tries, answer := r.tries[got.id], r.answer
	r.mu.Unlock()
	status := http.StatusNoContent
	if answer != nil {
		status = answer(got, tries)
	}
	if status < 300 {
		r.mu.Lock()
		r.taken = append(r.taken, got)
		r.mu.Unlock()
	}
	if status == http.StatusFound {
		out.Header().Set("Location", r.URL+"/elsewhere")
	}
	out.WriteHeader(status)
}

// verify does as Standard Webhooks tells receivers to.
func (r *receiver) verify(in *http.Request, got received) bool {
	key, err := r.w.ring.WebhookSecret(r.w.log.Origin(), r.hook)
	must(r.w.T, err)
	key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(webhooks.Secret(key), "whsec_"))
	must(r.w.T, err)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(got.id + "." + in.Header.Get("webhook-timestamp") + "." + got.body))
	return in.Header.Get("webhook-signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (r *receiver) got() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.taken...)
}

// positions are those of the leaves that were taken, in the order of their first arrival.
func (r *receiver) positions() (at []events.Position) {
	seen := map[string]bool{}
	for _, g := range r.got() {
		var leaf struct {
			Position events.Position `json:"position"`
		}
		if seen[g.id] || json.Unmarshal([]byte(g.body), &leaf) != nil {
			continue
		}
		seen[g.id] = true
		at = append(at, leaf.Position)
	}
	return at
}

// await polls a condition that nothing announces.
func (w *world) await(what string, condition func() bool) {
	w.Helper()
	for deadline := time.Now().Add(60 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatal("waited in vain: ", what)
		}
	}
}

// state is a webhook's, as soon as the read model has it.
func (w *world) state(id uuid.UUID) (found projections.WebhookState) {
	w.Helper()
	w.await("the webhook", func() bool {
		list, err := w.views.WebhooksOf(w.Context(), w.org)
		must(w.T, err)
		i := slices.IndexFunc(list, func(s projections.WebhookState) bool { return s.ID == id })
		if i >= 0 {
			found = list[i]
		}
		return i >= 0
	})
	return found
}
