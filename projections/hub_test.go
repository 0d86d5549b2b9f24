// Runners beside each other, the hub that their projections share, and events of a newer program.

package projections_test

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// until waits for a condition of a runner's status.
func until(t *testing.T, r reader, what string, holds func(map[string]projections.Status) bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		byName := map[string]projections.Status{}
		for _, s := range r.runner.Status() {
			byName[s.Name] = s
		}
		if holds(byName) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %+v", what, byName)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestLosingARaceIsNoFault: of two processes one applies an event first; the
// other goes on at once and is as ready as before.
func TestLosingARaceIsNoFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.reader(), w.reader()
	id := w.token("x")
	for range 50 {
		p := w.append(events.TokenStream(id), w.trail(), events.TokenUsed{Action: "a"})
		for _, r := range []reader{a, b} {
			until(t, r, "an event", func(all map[string]projections.Status) bool {
				there := true
				for _, s := range all {
					if s.Err != nil {
						t.Fatalf("%s: %v", s.Name, s.Err)
					}
					there = there && s.Position >= p
				}
				return there
			})
		}
	}
}

// stuck is a projection that takes no run until it is let go.
type stuck struct {
	poisoned
	release chan struct{}
}

func (stuck) Name() string { return "stuck" }

func (s stuck) Apply(ctx context.Context, tx pgx.Tx, t projections.Tables, run []events.Recorded) error {
	select {
	case <-s.release:
		return s.poisoned.Apply(ctx, tx, t, run)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestASlowProjectionHoldsUpNoOther: the hub leaves it behind, and it catches up.
func TestASlowProjectionHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := stuck{release: make(chan struct{})}
	r := w.reader(append(projections.All(), s)...)
	id := w.token("x")
	var last events.Position
	ctx, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for range 300 { // more blocks than may wait, none of which is gathered, since it is waited for
		at := w.append(events.TokenStream(id), w.trail(), events.TokenUsed{Action: "a"})
		waiting.Go(func() { _ = r.runner.Wait(ctx, at) })
		last = at
	}
	until(t, r, "the others", func(all map[string]projections.Status) bool {
		return all["usage"].Position == last && all["trails"].Position == last && all["stuck"].Position < last
	})
	leave()
	waiting.Wait()
	close(s.release)
	until(t, r, "the slow one", func(all map[string]projections.Status) bool { return all["stuck"].Position == last })
	var n, distinct int64
	if err := r.pool.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT position) FROM stuck").Scan(&n, &distinct); err != nil || n != int64(last) || distinct != n {
		t.Errorf("%d events, %d of them different, of %d; %v", n, distinct, last, err)
	}
}

// TestAnUnknownEventStopsWhoeverInterprets: the trails keep its leaf, the others
// stand still right before it.
func TestAnUnknownEventStopsWhoeverInterprets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	known := w.append(events.TokenStream(w.token("x")), w.trail(), events.TokenUsed{Action: "a"})
	w.caughtUp(r)
	w.appendUnknown(known)
	until(t, r, "an unknown event", func(all map[string]projections.Status) bool {
		for _, name := range []string{"tokens", "directory", "usage"} {
			if s := all[name]; !errors.Is(s.Err, projections.ErrUnknownEvent) || s.Position != known {
				return false
			}
		}
		return all["trails"].Position == known+1 && all["trails"].Err == nil
	})
	ten := 10
	p, err := r.views.AuditEvents(t.Context(), projections.EventQuery{Trail: w.trail(), Types: []events.Type{"token.celebrated"}, Page: projections.PageArgs{First: &ten}})
	if err != nil || len(p.Edges) != 1 {
		t.Fatalf("%d edges, %v", len(p.Edges), err)
	}
	if _, unknown := p.Edges[0].Node.Event.(events.Unknown); !unknown {
		t.Errorf("got %T", p.Edges[0].Node.Event)
	}
}

// appendUnknown copies the log's last block, as a newer program would have
// written it after that.
func (w *world) appendUnknown(last events.Position) {
	w.t.Helper()
	ctx := w.t.Context()
	conn, err := pgx.Connect(ctx, w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET search_path = tokenledger"); err != nil {
		w.t.Fatal(err)
	}
	var leaf []byte
	if err := conn.QueryRow(ctx, "SELECT leaves FROM blocks WHERE last_position = $1", last).Scan(&leaf); err != nil {
		w.t.Fatal(err)
	}
	rec, err := events.Decode(bytes.TrimSuffix(leaf, []byte{'\n'}))
	if err != nil {
		w.t.Fatal(err)
	}
	for before, after := range map[string]string{
		`"position":` + strconv.Itoa(int(rec.Position)) + `,"trail":`:    `"position":` + strconv.Itoa(int(rec.Position)+1) + `,"trail":`,
		`"trail_position":` + strconv.Itoa(int(rec.TrailPosition)) + `,`: `"trail_position":` + strconv.Itoa(int(rec.TrailPosition)+1) + `,`,
		`"type":"token.used"`: `"type":"token.celebrated"`,
	} {
		if bytes.Count(leaf, []byte(before)) != 1 {
			w.t.Fatalf("%s has no single %s", leaf, before)
		}
		leaf = bytes.Replace(leaf, []byte(before), []byte(after), 1)
	}
	if _, err := conn.Exec(ctx, `INSERT INTO blocks SELECT last_position + 1, first_position + 1, term, timeline, recorded_at, $2, tally, sealed,
		gen_random_uuid(), 1 FROM blocks WHERE last_position = $1`, last, leaf); err != nil {
		w.t.Fatal(err)
	}
}
