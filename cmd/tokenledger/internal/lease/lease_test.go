// One holder at a time, and another one when it is gone.

package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/lease"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/projections"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

func pool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	p, err := projections.OpenPool(t.Context(), url, eventstore.DefaultSchema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	p := pool(t, eventstoretest.Postgres(t))
	var at, most, began atomic.Int64
	var all sync.WaitGroup
	enough := make(chan struct{})
	var once sync.Once
	for range 4 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l := lease.Lease{Pool: p, Name: "work", Logger: slog.New(slog.DiscardHandler), Pause: time.Millisecond}
			go func() { <-enough; cancel() }()
			_ = l.Hold(ctx, func(context.Context) error {
				if n := at.Add(1); n > most.Load() {
					most.Store(n)
				}
				defer at.Add(-1)
				if began.Add(1) == 20 {
					once.Do(func() { close(enough) })
				}
				time.Sleep(time.Millisecond)
				return errors.New("and again")
			})
		})
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d at once", most.Load())
	}
}

// A session that the server ends takes the work with it, and somebody goes on.
func TestALostSessionEndsTheWork(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	p := pool(t, url)
	admin, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := lease.Lease{Pool: p, Name: "work", Logger: slog.New(slog.DiscardHandler), Pause: 10 * time.Millisecond}
	began, ended := make(chan struct{}, 10), make(chan struct{}, 10)
	returned := make(chan error, 1)
	go func() {
		returned <- l.Hold(ctx, func(ctx context.Context) error {
			began <- struct{}{}
			<-ctx.Done()
			ended <- struct{}{}
			return ctx.Err()
		})
	}()
	<-began
	if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
		t.Fatal(err)
	}
	<-ended
	<-began
	cancel()
	<-ended
	if err := <-returned; err != nil {
		t.Error(err)
	}
}
