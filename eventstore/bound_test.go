// Bounds: what an epoch's time promises about events before and after it.

package eventstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestNoEventAfterABoundIsOlderThanIt(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	admin := connect(t, url)
	k := eventstoretest.NewToken(uuid.New())
	before := mustAppend(t, log, k.Create())
	bound, err := log.Bound(t.Context())
	if err != nil || bound.Position != before.Last() || !bound.Time.After(before.RecordedAt) {
		t.Fatalf("%+v, %v after an event at %d of %s", bound, err, before.Last(), before.RecordedAt)
	}
	if last, err := log.LastBound(t.Context()); err != nil || last != bound {
		t.Fatalf("%+v, %v; want %+v", last, err, bound)
	}

	// As if the server's clock went back three seconds right after the bound.
	ahead := bound.Time.Add(3 * time.Second)
	run(t, admin, `INSERT INTO bounds (at, position) VALUES ($1, $2)`, ahead, int64(bound.Position))
	if after := mustAppend(t, log, k.Use()); !after.RecordedAt.Equal(ahead) {
		t.Fatalf("recorded at %s, the bound is %s", after.RecordedAt, ahead)
	}
	if next, err := log.Bound(t.Context()); err != nil || !next.Time.After(ahead) || next.Position != 2 {
		t.Fatalf("%+v, %v after a bound of %s", next, err, ahead)
	}
}

func TestAClockFarBehindABoundRefuses(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	run(t, connect(t, url), `INSERT INTO bounds (at, position) VALUES (now() + interval '1 minute', 0)`)
	_, err := log.Append(t.Context(), eventstoretest.NewToken(uuid.New()).Create())
	if !errors.Is(err, events.ErrUnavailable) {
		t.Fatal(err)
	}
}

func TestClocksThatDifferRefuseABound(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	admin := connect(t, url)
	// Time passes between the two readings, and more of it on a machine under load.
	for _, off := range []time.Duration{-time.Hour, -8 * time.Second, -4 * time.Second, 2 * time.Second, 6 * time.Second} {
		before := query[int](t, admin, `SELECT count(*)::int FROM bounds`)
		log := opened(t, eventstore.Config{URL: url, Now: func() time.Time { return time.Now().Add(off) }})
		_, err := log.Bound(t.Context())
		refused := off.Abs() > 5*time.Second
		if errors.Is(err, events.ErrUnavailable) != refused || (err == nil) == refused {
			t.Errorf("off by %s: %v", off, err)
		}
		if kept := query[int](t, admin, `SELECT count(*)::int FROM bounds`) - before; (kept == 0) != refused {
			t.Errorf("off by %s: %d bounds", off, kept)
		}
	}
	// The lock is free again.
	mustAppend(t, eventstoretest.Start(t, eventstore.Config{URL: url}), eventstoretest.NewToken(uuid.New()).Create())
}

func TestBoundsDivideTheLogWhileItIsAppendedTo(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Create())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 300 {
			if _, err := log.Append(t.Context(), k.Use()); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	var bounds []eventstore.Bound
	for running := true; running; {
		b, err := log.Bound(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		bounds = append(bounds, b)
		select {
		case <-done:
			running = false
		default:
		}
	}
	for _, r := range readAll(t, log, 0) {
		for _, b := range bounds {
			if (r.Position <= b.Position) != r.RecordedAt.Before(b.Time) {
				t.Fatalf("position %d of %s, the bound is position %d at %s", r.Position, r.RecordedAt, b.Position, b.Time)
			}
		}
	}
}

func TestLinesAreTheEventsOfABlock(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	a, b := eventstoretest.NewToken(uuid.New()), eventstoretest.NewToken(uuid.New())
	both := events.Request{Batches: []events.Batch{a.Batch(a.Created()), b.Batch(b.Created()), a.Batch(events.TokenRenamed{Name: `"trail":"`})}}
	mustAppend(t, log, both)
	mustAppend(t, log, a.Use())
	want := readAll(t, log, 0)
	for block, err := range log.Blocks(t.Context(), 0, false) {
		if err != nil {
			t.Fatal(err)
		}
		err := block.Lines(func(l eventstore.Line) error {
			r := want[l.Position-1]
			if l.Trail != r.Trail || l.TrailPosition != r.TrailPosition || string(l.Leaf) != string(r.Leaf) {
				t.Errorf("%+v; want %+v", l, r)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
