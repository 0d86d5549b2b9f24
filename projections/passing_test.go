// Checkpoints follow what was passed over.

package projections_test

import (
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
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
