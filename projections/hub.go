// The hub: one reading of the log for all projections of the process.
//
// Reading and decoding an event costs more than most projections make of it, so
// they share it. Who is far behind, because it is new or has stood still, reads
// alone until it is near; who takes nothing for a while is left behind and comes
// back the same way. So no projection holds up another for long.
//
// Under load the hub gathers: what a projection pays for a transaction, it pays
// for many blocks at once. A block that comes after a quiet moment is handed out
// at once, and so is one that somebody waits for.

package projections

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

const (
	// nearby is how many events behind the hub a projection joins it.
	nearby = 2 * maxRun
	// patience is how long the hub waits for one that takes nothing.
	patience = 2 * time.Second
	// seatBlocks is how many blocks, or gatherings of some, may wait in a seat. Where
	// every projection reads alone, as after a restore, each holds its own.
	seatBlocks = 16
)

// hub hands every block that it reads to all its seats.
type hub struct {
	log    Source
	joined chan struct{} // says that seats may have changed

	mu     sync.Mutex // guards all below
	at     events.Position
	seats  []*seat                 // of those that follow; empty while nothing is read
	wanted map[events.Position]int // how many wait for each position
	called chan struct{}           // closed and replaced when one more does
}

// seat is one projection's place. Only the hub sends on blocks and closes it.
type seat struct {
	after  events.Position // wants what comes after
	blocks chan []events.Recorded
	left   chan struct{} // closed by the projection
	err    error         // why blocks was closed; nil for one that was too slow
}

func newHub(log Source) *hub {
	return &hub{log: log, joined: make(chan struct{}, 1), wanted: map[events.Position]int{}, called: make(chan struct{})}
}

// ahead is how far the hub is from a position.
func (h *hub) ahead(after events.Position) events.Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at - after
}

// join takes a seat. What stands up to from, the hub has handed out before.
func (h *hub) join(after events.Position) (s *seat, from events.Position) {
	s = &seat{after: after, blocks: make(chan []events.Recorded, seatBlocks), left: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.seats) == 0 {
		h.at = after
	}
	h.seats = append(h.seats, s)
	select {
	case h.joined <- struct{}{}:
	default:
	}
	return s, h.at
}

func (s *seat) leave() { close(s.left) }

// run reads while somebody follows.
func (h *hub) run(ctx context.Context) {
	for {
		select {
		case <-h.joined:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			h.dismiss(ctx.Err())
			return
		}
		h.dismiss(h.read(ctx))
	}
}

// read hands out blocks until nobody follows or the log fails.
func (h *hub) read(ctx context.Context) error {
	h.mu.Lock()
	after, empty := h.at, len(h.seats) == 0
	h.mu.Unlock()
	if empty {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	blocks := h.follow(ctx, after)
	defer func() {
		stop()
		for range blocks { // until the reader has ended
		}
	}()
	var due time.Time
	for b := range blocks {
		b = h.gather(ctx, b, blocks, due)
		due = time.Now().Add(gatherFor)
		if len(b.events) > 0 && !h.handOut(ctx, b.events, b.last) {
			return ctx.Err()
		}
		if b.err != nil {
			return b.err
		}
	}
	return ctx.Err()
}

// handOut gives a block to everyone and reports whether anyone is left.
func (h *hub) handOut(ctx context.Context, recorded []events.Recorded, last events.Position) bool {
	h.mu.Lock()
	seats := slices.Clone(h.seats)
	h.at = last // who joins from now on reads this block alone
	h.mu.Unlock()
	var gone []*seat
	for _, s := range seats {
		if !s.take(ctx, recorded) {
			gone = append(gone, s)
			close(s.blocks)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seats = slices.DeleteFunc(h.seats, func(s *seat) bool { return slices.Contains(gone, s) })
	return len(h.seats) > 0
}

func (s *seat) take(ctx context.Context, recorded []events.Recorded) bool {
	select {
	case s.blocks <- recorded:
		return true
	case <-s.left:
		return false
	default:
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case s.blocks <- recorded:
		return true
	case <-s.left:
	case <-limit.C:
	case <-ctx.Done():
		s.err = ctx.Err()
	}
	return false
}

// dismiss sends everyone away, with the reason.
func (h *hub) dismiss(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.seats {
		s.err = err
		close(s.blocks)
	}
	h.seats = nil
}
