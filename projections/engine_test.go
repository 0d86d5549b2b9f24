// The engine on a real log: exactly once, whoever runs and whatever is rebuilt, and nothing skipped.

package projections_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

func TestExactlyOnceUnderTwoRunnersAndRebuilds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.reader(), w.reader()
	for range 3 { // a third runner that comes and goes in the middle
		c := w.reader()
		w.history(5, 60)
		c.stop()
	}
	w.caughtUp(a)
	w.caughtUp(b)
	before := w.dump(a)
	if len(before) < 10 || len(before["tokens"]) != 15 {
		t.Fatalf("%d views, %d tokens", len(before), len(before["tokens"]))
	}
	for _, p := range projections.All() {
		var reached events.Position
		if err := b.runner.Rebuild(t.Context(), p.Name(), func(done, _ events.Position) { reached = done }); err != nil {
			t.Fatal(err)
		}
		if head, _ := w.log.Head(t.Context()); reached != head {
			t.Errorf("%s: progress ended at %d of %d", p.Name(), reached, head)
		}
	}
	compareDumps(t, before, w.dump(a))
	w.history(1, 20) // both go on with the new generation
	w.caughtUp(a)
	w.caughtUp(b)
	var uses, events_ int64
	if err := a.pool.QueryRow(t.Context(), `SELECT sum(uses)::bigint FROM usage`).Scan(&uses); err != nil {
		t.Fatal(err)
	}
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if _, used := r.Event.(events.TokenUsed); used {
			events_++
		}
	}
	if uses != events_ {
		t.Errorf("the sum of uses is %d, the log has %d", uses, events_)
	}
	if err := a.runner.Rebuild(t.Context(), "nothing", nil); !errors.Is(err, projections.ErrUnknownProjection) {
		t.Errorf("got %v", err)
	}
}

func compareDumps(t *testing.T, want, got map[string][]string) {
	t.Helper()
	for name := range want {
		if !slices.Equal(want[name], got[name]) {
			t.Errorf("%s differs after the rebuild:\n%v\n%v", name, want[name], got[name])
		}
	}
}

// poisoned fails at one kind of event.
type poisoned struct{ projections.Projection }

func (poisoned) Name() string { return "poisoned" }
func (p poisoned) Schema(ctx context.Context, tx pgx.Tx, t projections.Tables) error {
	_, err := tx.Exec(ctx, "CREATE TABLE "+t.Name("")+" (position bigint PRIMARY KEY)")
	return err
}

func (poisoned) Revision() int { return 1 }

func (p poisoned) Apply(ctx context.Context, tx pgx.Tx, t projections.Tables, run []events.Recorded) error {
	for _, rec := range run {
		at := int64(rec.Position)
		if _, bad := rec.Event.(events.TokenDeleted); bad {
			at = 1 // is there already
		}
		if _, err := tx.Exec(ctx, "INSERT INTO "+t.Name("")+" VALUES ($1)", at); err != nil {
			return err
		}
	}
	return nil
}

func TestAnEventThatCannotBeAppliedStopsItsProjectionAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.token("first")
	bad := w.append(events.TokenStream(id), w.trail(), events.TokenDeleted{})
	last := w.append(events.TokenStream(w.token("second")), w.trail(), events.TokenDescribed{Description: "x"})
	r := w.reader(append(projections.All(), poisoned{})...)
	deadline := time.Now().Add(20 * time.Second)
	for {
		status := r.runner.Status()
		stopped := status[len(status)-1]
		others := slices.IndexFunc(status[:len(status)-1], func(s projections.Status) bool { return s.Position < last || s.Err != nil }) < 0
		if stopped.Err != nil && others {
			if stopped.Position != bad-1 {
				t.Errorf("it stands at %d, the bad event is at %d", stopped.Position, bad)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %+v", status)
		}
		time.Sleep(time.Millisecond)
	}
	if err := r.runner.Wait(t.Context(), last); !errors.Is(err, projections.ErrStale) {
		t.Errorf("Wait: got %v", err)
	}
}
