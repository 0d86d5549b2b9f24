// The queue: verifications wait for a call while others are under way, and leave together.

package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// pending is one verification that somebody waits for.
type pending struct {
	ctx      context.Context
	use      Use
	decision Decision
	err      error
	done     chan struct{} // closed when decision or err stands
}

func (p *pending) answer(d Decision, err error) {
	p.decision, p.err = d, err
	close(p.done)
}

// queue hands out batches. Every batch is a call of its own goroutine, which
// takes the next one when it is done and ends when there is none.
type queue struct {
	send                          func(context.Context, []Use) ([]Decision, error)
	maxBatch, maxCalls, maxQueued int
	timeout                       time.Duration

	mu      sync.Mutex // guards all below
	waiting []*pending
	calls   int
}

func (q *queue) ask(ctx context.Context, u Use) (Decision, error) {
	if err := ctx.Err(); err != nil {
		return Decision{}, err
	}
	p := &pending{ctx: ctx, use: u, done: make(chan struct{})}
	if err := q.add(p); err != nil {
		return Decision{}, err
	}
	select {
	case <-p.done:
		return p.decision, p.err
	case <-ctx.Done():
		return Decision{}, ctx.Err()
	}
}

func (q *queue) add(p *pending) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= q.maxQueued {
		return ErrBusy
	}
	q.waiting = append(q.waiting, p)
	if q.calls < q.maxCalls {
		q.calls++
		go q.run()
	}
	return nil
}

func (q *queue) run() {
	for {
		batch := q.next()
		if batch == nil {
			return
		}
		q.decide(batch)
	}
}

// next takes a batch of those that somebody still waits for, or ends the call.
func (q *queue) next() []*pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch []*pending
	taken := 0
	for _, p := range q.waiting {
		if len(batch) == q.maxBatch {
			break
		}
		taken++
		if p.ctx.Err() == nil {
			batch = append(batch, p)
		}
	}
	clear(q.waiting[:taken]) // the values in it are not to outlive their requests
	if q.waiting = q.waiting[taken:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	if len(batch) == 0 {
		q.calls--
	}
	return batch
}

// decide answers a batch. An input that the ledger does not take is its own
// use's fault alone: the others are asked about again without it.
func (q *queue) decide(batch []*pending) {
	ctx, cancel := q.awaited(batch)
	defer cancel()
	for len(batch) > 0 {
		uses := make([]Use, len(batch))
		for i, p := range batch {
			uses[i] = p.use
		}
		decisions, err := q.send(ctx, uses)
		if err == nil && len(decisions) != len(batch) {
			err = fmt.Errorf("%w: it answered %d of %d verifications", ErrUnavailable, len(decisions), len(batch))
		}
		if at, one := atFault(err, len(batch)); one {
			batch[at].answer(Decision{}, err)
			batch = append(batch[:at:at], batch[at+1:]...)
			continue
		}
		for i, p := range batch {
			if err != nil {
				p.answer(Decision{}, err)
			} else {
				p.answer(decisions[i], nil)
			}
		}
		return
	}
}

// awaited is a context that ends with the time for a call, or when nobody waits
// for it any more. It is no single request's, since a call serves several.
func (q *queue) awaited(batch []*pending) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), q.timeout)
	var left sync.WaitGroup
	left.Add(len(batch))
	stops := make([]func() bool, len(batch))
	for i, p := range batch {
		stops[i] = context.AfterFunc(p.ctx, left.Done)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		left.Wait()
		cancel()
	}()
	return ctx, func() {
		for _, stop := range stops {
			if stop() {
				left.Done()
			}
		}
		<-over
	}
}

// atFault finds the one use of a call whose input the ledger refused.
func atFault(err error, n int) (at int, one bool) {
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "BAD_USER_INPUT" {
		return 0, false
	}
	if _, err := fmt.Sscanf(refused.Field, "input[%d]", &at); err != nil || at < 0 || at >= n {
		return 0, false
	}
	return at, true
}
