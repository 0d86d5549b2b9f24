// Gathering without a log: what ends it, whatever the time.

package projections

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// stretch is events at the positions after one up to another.
func stretch(after, to events.Position) gathered {
	g := gathered{last: to}
	for p := after + 1; p <= to; p++ {
		g.events = append(g.events, events.Recorded{Position: p})
	}
	return g
}

// long is a stretch whose first event alone is as long as a gathering may be.
func long(after, to events.Position) gathered {
	g := stretch(after, to)
	g.events[0].Leaf = make([]byte, gatherBytes)
	return g
}

// sent is a channel that blocks stand in.
func sent(blocks ...gathered) chan gathered {
	c := make(chan gathered, len(blocks))
	for _, b := range blocks {
		c <- b
	}
	return c
}

func gapless(t *testing.T, run []events.Recorded, from, to events.Position) {
	t.Helper()
	if len(run) != int(to-from+1) {
		t.Fatalf("%d events, want those from %d to %d", len(run), from, to)
	}
	for i, rec := range run {
		if rec.Position != from+events.Position(i) {
			t.Fatalf("event %d stands at %d, the first should be %d", i, rec.Position, from)
		}
	}
}

// TestGatheringEnds: in each case but the first the time is an hour away.
func TestGatheringEnds(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	failed := errors.New("the log is away")
	for name, c := range map[string]struct {
		due    time.Time
		first  events.Position // of 1 to here is the first block
		blocks chan gathered
		wanted events.Position
		to     events.Position
		err    error
	}{
		"after a quiet moment, at once": {time.Time{}, 2, sent(stretch(2, 9)), 0, 2, nil},
		"where somebody waits for it":   {later, 2, sent(stretch(2, 9)), 1, 2, nil},
		"when what is waited for comes": {later, 2, sent(stretch(2, 5), stretch(5, 9)), 4, 5, nil},
		"when there is enough":          {later, 2, sent(stretch(2, 5), stretch(5, gatherMost), stretch(gatherMost, gatherMost+1)), 0, gatherMost, nil},
		"when they are long":            {later, 2, sent(long(2, 5), stretch(5, 9)), 0, 5, nil},
		"when the log fails":            {later, 2, sent(stretch(2, 5), gathered{err: failed}), 0, 5, failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(nil)
			if c.wanted > 0 {
				defer h.want(c.wanted)()
			}
			first := stretch(0, c.first)
			own := first.events[:len(first.events):cap(first.events)]
			got := h.gather(t.Context(), first, c.blocks, c.due)
			gapless(t, got.events, 1, c.to)
			if got.last != c.to || !errors.Is(got.err, c.err) {
				t.Errorf("it ends at %d with %v", got.last, got.err)
			}
			gapless(t, own, 1, c.first)
		})
	}
}

// TestWhoeverWaitsCutsGatheringShort, also one who comes while it is under way,
// and only for as long as he waits.
func TestWhoeverWaitsCutsGatheringShort(t *testing.T) {
	t.Parallel()
	h := newHub(nil)
	h.want(2)() // has gone
	done := make(chan gathered)
	go func() { done <- h.gather(t.Context(), stretch(0, 3), nil, time.Now().Add(time.Hour)) }()
	defer h.want(7)() // not yet there
	select {
	case got := <-done:
		t.Fatalf("it ended at %d, for which nobody waits", got.last)
	default:
	}
	defer h.want(3)()
	gapless(t, (<-done).events, 1, 3)
}

// TestAFeedPassesNothingTwice: what the hub gathered may begin before the place
// up to which a projection has read alone.
func TestAFeedPassesNothingTwice(t *testing.T) {
	t.Parallel()
	f := &feed{blocks: make(chan []events.Recorded, 8)}
	at := events.Position(4)
	for _, g := range []gathered{stretch(0, 4), stretch(2, 9), stretch(5, 9), stretch(9, 11)} {
		var err error
		if at, err = f.pass(context.Background(), g.events, at); err != nil {
			t.Fatal(err)
		}
	}
	close(f.blocks)
	run, err := f.next(t.Context(), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	gapless(t, run, 5, 11)
}
