// A ledger whose clock the tests move, on the real log and read models.

package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/scheduler"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

const day = 24 * time.Hour

type world struct {
	*testing.T
	log       *eventstore.Log
	views     *projections.Views
	directory *aggregate.Directory
	org       uuid.UUID
	owner     aggregate.Call
	clock     *clock
}

// clock is the read model with a time of its own.
type clock struct {
	*projections.Views
	mu    sync.Mutex // guards ahead and at
	ahead time.Duration
	at    time.Time              // the time itself, where it is set
	extra []projections.Deadline // due besides what is
}

func (c *clock) Now(ctx context.Context) (time.Time, error) {
	now, err := c.Views.Now(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() {
		return c.at, err
	}
	return now.Add(c.ahead), err
}

func (c *clock) Due(ctx context.Context, now time.Time, after projections.Deadline, limit int) ([]projections.Deadline, error) {
	due, err := c.Views.Due(ctx, now, after, limit)
	if after.Subject == uuid.Nil {
		due = append(c.extra, due...)
	}
	return due, err
}

func (c *clock) set(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = ahead
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
	w := &world{T: t, log: eventstoretest.Start(t, eventstore.Config{URL: url, Keys: keyring.Generate()})}
	pool, err := projections.OpenPool(t.Context(), url, eventstore.DefaultSchema)
	must(t, err)
	t.Cleanup(pool.Close)
	runner, err := projections.NewRunner(t.Context(), projections.RunnerConfig{Log: w.log, Pool: pool, Projections: projections.All()})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	w.views = projections.NewViews(pool, runner)
	w.clock = &clock{Views: w.views}
	peppers, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: make([]byte, secret.PepperLength)})
	must(t, err)
	tokens := &aggregate.Tokens{Handler: &aggregate.Handler{Log: w.log}, Peppers: peppers}
	w.directory = &aggregate.Directory{Tokens: tokens, Index: w.views}
	made, err := w.directory.Initialize(t.Context(), aggregate.Initialization{
		Origin: w.log.Origin(), Organization: "Demo", Owner: aggregate.Profile{Email: "owner@example.com"},
	})
	must(t, err)
	w.org, w.owner = made.Organization, person(made.User)
	return w
}

func person(user uuid.UUID) aggregate.Call {
	return aggregate.Call{Principal: aggregate.Principal{Actor: events.Person(user), User: user}}
}

func (w *world) scheduler() *scheduler.Scheduler {
	return scheduler.New(scheduler.Config{Directory: w.directory, Deadlines: w.clock, Head: w.log.Head, Pause: time.Millisecond})
}

// token makes an organization token that ends so far from now.
func (w *world) token(name string, life time.Duration) uuid.UUID {
	w.Helper()
	out, err := w.directory.Tokens.CreateOrganizationToken(w.Context(), w.owner, aggregate.NewOrganizationToken{
		Organization: w.org, NewToken: aggregate.NewToken{Name: name, Scopes: []string{"read"}, ExpiresAt: time.Now().Add(life)},
	})
	must(w.T, err)
	return out.ID
}

// look is what a scheduler records at a time so far from now.
func (w *world) look(s *scheduler.Scheduler, ahead time.Duration) []string {
	w.Helper()
	before := w.settle()
	w.clock.set(ahead)
	_, err := s.Look(w.Context())
	must(w.T, err)
	return w.since(before)
}

// settle waits until the read models know everything.
func (w *world) settle() events.Position {
	w.Helper()
	head, err := w.log.Head(w.Context())
	must(w.T, err)
	for {
		err := w.views.Wait(w.Context(), head)
		if err == nil {
			return head
		}
		if !errors.Is(err, projections.ErrStale) {
			w.Fatal(err)
		}
	}
}

func (w *world) since(p events.Position) (out []string) {
	w.Helper()
	for rec, err := range w.log.ReadAll(w.Context(), p) {
		must(w.T, err)
		line := string(rec.Event.Type())
		if e, ok := rec.Event.(events.TokenExpiryWarned); ok {
			line = fmt.Sprintf("%s %d", line, e.Days)
		}
		if rec.Meta.Actor != events.System("scheduler") {
			w.Errorf("%s by %v", line, rec.Meta.Actor)
		}
		out = append(out, line)
	}
	return out
}
