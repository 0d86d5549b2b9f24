// A log with a little world in it, and the engines that read it, for the tests of this package.

package projections_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// world is a log with two organizations and a user, and what reads it.
type world struct {
	t      testing.TB
	url    string
	log    *eventstore.Log
	orgs   [2]uuid.UUID
	user   uuid.UUID
	tokens []uuid.UUID // of the first organization
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, url: eventstoretest.Postgres(t), user: newID()}
	w.log = eventstoretest.Start(t, eventstore.Config{URL: w.url, Keys: keyring.Generate()})
	for i := range w.orgs {
		w.orgs[i] = newID()
		w.append(events.OrganizationStream(w.orgs[i]), events.OrganizationTrail(w.orgs[i]),
			events.OrganizationCreated{Index: int64(i), Name: fmt.Sprintf("org%d", i), DisplayName: "An organization"})
	}
	user := events.UserStream(w.user)
	w.append(user, events.UserTrail(w.user), events.UserCreated{Email: events.Personal{Subject: user, Value: "Ada@example.com"}})
	w.append(events.MembershipStream(w.orgs[0], w.user), events.OrganizationTrail(w.orgs[0]),
		events.MembershipStarted{Organization: w.orgs[0], User: w.user, Role: events.RoleOwner})
	return w
}

func (w *world) append(stream events.StreamID, trail events.TrailID, facts ...events.Event) events.Position {
	w.t.Helper()
	r, err := w.log.Append(w.t.Context(), events.Request{Batches: []events.Batch{{
		Stream: stream, Trail: trail, Meta: events.Meta{Actor: events.Person(w.user), Reason: "because"}, Events: facts,
	}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Last()
}

// token creates an organization token of the first organization.
func (w *world) token(name string) uuid.UUID {
	w.t.Helper()
	id := newID()
	w.append(events.TokenStream(id), w.trail(), events.TokenCreated{
		Kind: events.OrganizationKind, Organization: w.orgs[0], Name: name, Scopes: []string{"evidence:write"}, Fingerprint: name,
	})
	w.tokens = append(w.tokens, id)
	return id
}

func (w *world) trail() events.TrailID { return events.OrganizationTrail(w.orgs[0]) }

// history records some life of some tokens.
func (w *world) history(tokens, uses int) {
	w.t.Helper()
	for i := range tokens {
		w.token(fmt.Sprintf("token %03d", i))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range uses {
		id := w.tokens[random.IntN(len(w.tokens))]
		switch {
		case i%17 == 0:
			w.append(events.TokenStream(id), w.trail(), events.TokenRenamed{Name: fmt.Sprint("renamed ", i)})
		case i%13 == 0:
			w.append(events.TokenStream(id), w.trail(), events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Action: "createRisk"})
		default:
			seen := events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(w.orgs[0]), Value: fmt.Sprintf("192.0.2.%d", i%3)}}
			w.append(events.TokenStream(id), w.trail(), seen, events.TokenUsed{Source: -1, Action: "createEvidence"})
		}
	}
}

// reader is one process's engine.
type reader struct {
	runner *projections.Runner
	views  *projections.Views
	pool   *pgxpool.Pool
	stop   func()
}

func (w *world) reader(all ...projections.Projection) reader {
	w.t.Helper()
	if all == nil {
		all = projections.All()
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	pool, err := projections.OpenPool(ctx, w.url, eventstore.DefaultSchema)
	if err != nil {
		w.t.Fatal(err)
	}
	runner, err := projections.NewRunner(ctx, projections.RunnerConfig{Log: w.log, Pool: pool, Projections: all})
	if err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
		pool.Close()
	}
	w.t.Cleanup(stop)
	return reader{runner, projections.NewViews(pool, runner), pool, stop}
}

// caughtUp waits for everything that the log holds.
func (w *world) caughtUp(r reader) {
	w.t.Helper()
	head, err := w.log.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := r.runner.Wait(w.t.Context(), head)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatal(err, r.runner.Status())
		}
	}
}

// dump gives every row of every read model as text, without the names of generations.
func (w *world) dump(r reader) map[string][]string {
	w.t.Helper()
	out := map[string][]string{}
	views, err := r.pool.Query(w.t.Context(), `SELECT viewname::text FROM pg_views WHERE schemaname = current_schema() ORDER BY 1`)
	if err != nil {
		w.t.Fatal(err)
	}
	names, err := pgx.CollectRows(views, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range names {
		what := "v::text"
		if name == "trails_segments" { // how a trail is cut depends on when its events came
			what = "trail || string_agg(encode(leaves, 'escape'), '' ORDER BY first)"
		}
		sql := "SELECT " + what + " FROM " + name + " v"
		if name == "trails_segments" {
			sql += " GROUP BY trail"
		}
		rows, err := r.pool.Query(w.t.Context(), sql+" ORDER BY 1")
		if err != nil {
			w.t.Fatal(err)
		}
		if out[name], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}
