// Checkpoints follow what was passed over.

package projections_test

import (
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

func TestCheckpointsFollowWithoutFurtherEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	id := w.token("used")
	var last events.Position
	for range 20 {
		last = w.append(events.TokenStream(id), w.trail(), events.TokenUsed{})
		w.caughtUp(r)
	}
	for behind := "all"; behind != ""; time.Sleep(time.Millisecond) {
		list, err := projections.Generations(t.Context(), r.pool)
		if err != nil {
			t.Fatalf("waiting for %s: %v", behind, err)
		}
		behind = ""
		for _, g := range list {
			if g.Position < last {
				behind = g.Name
			}
		}
	}
}

func TestCheckpointsAreStoredWhenTheServiceEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.token("used")
	r := w.reader()
	w.caughtUp(r)
	last := w.append(events.TokenStream(id), w.trail(), events.TokenUsed{})
	w.caughtUp(r)
	r.stop()
	pool, err := projections.OpenPool(t.Context(), w.url, eventstore.DefaultSchema)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	list, err := projections.Generations(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range list {
		if g.Position < last {
			t.Errorf("%s is stored at %d, behind %d", g.Name, g.Position, last)
		}
	}
}
