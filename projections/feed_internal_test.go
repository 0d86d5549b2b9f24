// Runs without a log: what ends one that events wait behind.

package projections

import (
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

// TestRunsAreBounded: blocks that wait are one run, until it has events or bytes enough.
func TestRunsAreBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		block events.Position // events of each
		leaf  int             // bytes of each
		ends  events.Position // of the first run
	}{
		"all that wait":    {10, 500, 10 * seatBlocks},
		"by events":        {maxRun / 2, 1, maxRun},
		"by bytes":         {4, maxRunBytes / 16, 16},
		"a block has more": {4, maxRunBytes / 2, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leaf := make([]byte, c.leaf)
			f := &feed{blocks: make(chan []events.Recorded, seatBlocks)}
			for i := range events.Position(seatBlocks) {
				block := stretch(i*c.block, (i+1)*c.block).events
				for j := range block {
					block[j].Leaf = leaf
				}
				f.blocks <- block
			}
			close(f.blocks)
			var run []events.Recorded
			for from := events.Position(1); from <= seatBlocks*c.block; from += events.Position(len(run)) {
				var err error
				if run, err = f.next(t.Context(), false, nil); err != nil {
					t.Fatal(err)
				}
				gapless(t, run, from, min(from+c.ends-1, seatBlocks*c.block))
			}
			if f.rest != nil {
				t.Error("the feed holds on to a run that was taken")
			}
		})
	}
}
