// Looking at the log's head: callers that come close upon each other share a look.

package verifier

import (
	"context"
	"sync"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// looks asks the log for its head, once at a time. Whoever guesses ids that could
// be new makes the verifier look; so that this costs the database little, callers
// share a look that has not begun when they come.
type looks struct {
	turn chan struct{} // holds an item while the log is asked

	mu   sync.Mutex // guards next
	next *look
}

// lookLimit bounds one look; who waits for it may give up before.
const lookLimit = 5 * time.Second

type look struct {
	done chan struct{} // closed when the two below are set
	head events.Position
	err  error
}

func newLooks() looks { return looks{turn: make(chan struct{}, 1)} }

// head gives a position that the log's head had after the call began.
func (l *looks) head(ctx context.Context, ask func(context.Context) (events.Position, error)) (events.Position, error) {
	l.mu.Lock()
	mine, joins := l.next, l.next != nil
	if !joins {
		mine = &look{done: make(chan struct{})}
		l.next = mine
	}
	l.mu.Unlock()
	if !joins {
		go l.take(context.WithoutCancel(ctx), mine, ask)
	}
	select {
	case <-mine.done:
		return mine.head, mine.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (l *looks) take(ctx context.Context, mine *look, ask func(context.Context) (events.Position, error)) {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	defer close(mine.done)
	l.mu.Lock()
	l.next = nil // who comes from now on may ask for what this look does not see
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	mine.head, mine.err = ask(ctx)
}
