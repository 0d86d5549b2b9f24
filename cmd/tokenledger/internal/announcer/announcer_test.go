// Findings on NATS: each at least once, in order, over restarts and an absent broker.

package announcer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/announcer"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

type world struct {
	*testing.T
	log        *eventstore.Log
	pool       *pgxpool.Pool
	views      *projections.Views
	nats       *embedded.NATS
	org, token uuid.UUID
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
	w := &world{T: t, org: uuid.Must(uuid.NewV7()), token: uuid.Must(uuid.NewV7())}
	w.log = eventstoretest.Start(t, eventstore.Config{URL: url, Keys: keyring.Generate()})
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
	dir, err := os.MkdirTemp("", "tokenledger-nats-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w.nats, err = embedded.StartNATS(t.Context(), embedded.NATSConfig{Dir: dir, Listen: "off"})
	must(t, err)
	t.Cleanup(func() { must(t, w.nats.Stop(context.WithoutCancel(t.Context()))) })
	w.tell(events.OrganizationStream(w.org), events.OrganizationCreated{Name: "acme"})
	w.tell(events.TokenStream(w.token), events.TokenCreated{Kind: events.OrganizationKind, Organization: w.org, Name: "ci"})
	w.tell(events.TokenStream(w.token), events.TokenUsed{Action: "createEvidence"})
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

// find raises so many findings.
func (w *world) find(n int) (at []events.Position) {
	w.Helper()
	for i := range n {
		agent := events.Personal{Subject: events.OrganizationStream(w.org), Value: fmt.Sprint("agent ", i)}
		at = append(at, w.tell(events.TokenStream(w.token), events.TokenSourceSeen{Agent: agent}))
	}
	return at
}

func (w *world) start(conn *nats.Conn) (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	a := announcer.New(announcer.Config{Pool: w.pool, Views: w.views, Conn: conn, Origin: w.log.Origin(), Look: time.Millisecond})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil { // as under a lease: begun again when another one was faster
			_ = a.Run(ctx)
		}
	}()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-ended }) }
	w.Cleanup(stop)
	return stop
}

func TestFindingsAreAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	relay, err := w.nats.RelayConn(t.Context())
	must(t, err)
	var want []events.Position
	for range 3 { // two at once, which are stopped and begun again
		one, two := w.start(relay), w.start(relay)
		want = append(want, w.find(4)...)
		one()
		two()
	}
	w.start(relay)

	reader, err := w.nats.ReaderConn(t.Context())
	must(t, err)
	api, err := js.New(reader)
	must(t, err)
	var got []events.Position
	for deadline := time.Now().Add(60 * time.Second); len(got) < len(want); {
		if time.Now().After(deadline) {
			t.Fatalf("got %v of %v", got, want)
		}
		consumer, err := api.OrderedConsumer(t.Context(), announcer.StreamName(w.log.Origin()), js.OrderedConsumerConfig{
			FilterSubjects: []string{announcer.SubjectPrefix + "." + w.org.String()},
		})
		if err != nil { // the stream is made with the first finding
			time.Sleep(time.Millisecond)
			continue
		}
		seen := map[string]bool{}
		got = nil
		batch, err := consumer.Fetch(100, js.FetchMaxWait(time.Second))
		must(t, err)
		for m := range batch.Messages() {
			var n announcer.Notice
			must(t, json.Unmarshal(m.Data(), &n))
			if id := m.Headers().Get("Finding-ID"); !seen[id] {
				seen[id] = true
				got = append(got, events.Position(n.Position))
			}
			if n.Type != "finding" || n.Rule != "new_source" || n.Token != w.token.String() || n.Origin != w.log.Origin() || n.RaisedAt.IsZero() {
				t.Errorf("%s", m.Data())
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := reader.Publish(announcer.SubjectPrefix+"."+w.org.String(), []byte("{}")); err == nil {
		must(t, reader.Flush())
		if reader.LastError() == nil {
			t.Error("a reader may publish findings")
		}
	}
}

// Without a broker findings are numbered all the same, and published when it comes.
func TestAnAbsentBroker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	away, err := nats.Connect("nats://127.0.0.1:1", nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1))
	must(t, err)
	t.Cleanup(away.Close)
	stop := w.start(away)
	w.find(3)
	for n := 0; n < 3; time.Sleep(time.Millisecond) {
		must(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM finding_notices`).Scan(&n))
	}
	stop()
	relay, err := w.nats.RelayConn(t.Context())
	must(t, err)
	w.start(relay)
	for place := ""; place != "3"; time.Sleep(time.Millisecond) {
		must(t, w.pool.QueryRow(t.Context(), `SELECT coalesce(max(place::text), '') FROM outlets WHERE name = 'findings-nats'`).Scan(&place))
	}
}
