// Gathering: blocks that come close upon each other are handed out together.

package projections

import (
	"context"
	"slices"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

const (
	// gatherFor is the time from one gathering to the next. It bounds how much
	// older than the log the read models are for who does not wait for them. Twice
	// as long saves little more, and what is then written at once holds up commits.
	gatherFor = 25 * time.Millisecond
	// gatherMost is from how many events on a gathering is handed out whatever the
	// time, so that a seat holds little.
	gatherMost = 1000
	// gatherBytes is the same for their leaves, of which one may have 64 KiB.
	gatherBytes = 1 << 20
)

// gathered is the events of some blocks, and why there are no more.
type gathered struct {
	events []events.Recorded
	last   events.Position
	err    error
}

// follow reads and decodes one block after the other until the log fails or ctx
// ends, and then closes the channel.
func (h *hub) follow(ctx context.Context, after events.Position) <-chan gathered {
	blocks := make(chan gathered)
	go func() {
		defer close(blocks)
		for b, err := range h.log.Blocks(ctx, after, true) {
			next := gathered{err: err}
			if err == nil {
				next.last = b.Last
				next.events, next.err = b.Events()
			}
			select {
			case blocks <- next:
			case <-ctx.Done():
				return
			}
			if next.err != nil {
				return
			}
		}
	}()
	return blocks
}

// gather adds to a block those that come until the time is due, there are enough,
// or somebody waits for one of them.
func (h *hub) gather(ctx context.Context, b gathered, blocks <-chan gathered, due time.Time) gathered {
	left := time.Until(due)
	if left <= 0 || b.err != nil {
		return b
	}
	limit := time.NewTimer(left)
	defer limit.Stop()
	b.events = slices.Clip(b.events) // the log's own: who adds to them takes a copy
	for size := leafBytes(b.events); len(b.events) < gatherMost && size < gatherBytes; {
		awaited, called := h.awaited(b.last)
		if awaited {
			break
		}
		select {
		case more, open := <-blocks:
			if !open || more.err != nil {
				b.err = more.err
				return b
			}
			b.events, b.last = append(b.events, more.events...), more.last
			size += leafBytes(more.events)
		case <-called:
		case <-limit.C:
			return b
		case <-ctx.Done():
			return b
		}
	}
	return b
}

// want says that somebody waits for a position, until done is called.
func (h *hub) want(p events.Position) (done func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wanted[p]++
	close(h.called)
	h.called = make(chan struct{})
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.wanted[p]--; h.wanted[p] == 0 {
			delete(h.wanted, p)
		}
	}
}

// awaited reports whether somebody waits for what stands between what was handed
// out and the position; called is closed when one more begins to wait.
func (h *hub) awaited(to events.Position) (yes bool, called <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := range h.wanted {
		if h.at < p && p <= to {
			return true, h.called
		}
	}
	return false, h.called
}
