// The queue: requests that wait for a block, a lane for each trail, served in turn.

package eventstore

import (
	"context"
	"sync"

	"github.com/tokenledger/tokenledger/events"
)

// A block is as many requests as come to these sizes, or a single larger one.
const (
	blockEvents = 1000
	blockBytes  = 1 << 20
)

// What waits is bounded, for each lane and for all of them.
const (
	laneRequests = 8192
	queueBytes   = 256 << 20
)

// queue hands requests over to the appender. No lane can hold up another: each
// gives one request in turn.
type queue struct {
	ready chan struct{} // has an item when the appender should look

	mu     sync.Mutex // guards all below and the state of the requests in it
	lanes  map[events.TrailID]*lane
	turn   []*lane // the lanes that have requests, the next one to serve first
	bytes  int
	closed bool
}

// lane is the requests of one trail, oldest first.
type lane struct {
	trail    events.TrailID
	requests []*pending
}

func newQueue() *queue {
	return &queue{ready: make(chan struct{}, 1), lanes: map[events.TrailID]*lane{}}
}

// push adds a request. It never waits: the error is [events.ErrBusy] where there
// is no room, [events.ErrUnavailable] once the queue is closed.
func (q *queue) push(p *pending) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return events.ErrUnavailable
	}
	l := q.lanes[p.trail]
	if q.bytes+p.size > queueBytes || (l != nil && len(l.requests) >= laneRequests) {
		return events.ErrBusy
	}
	if l == nil {
		l = &lane{trail: p.trail}
		q.lanes[p.trail] = l
		q.turn = append(q.turn, l)
	}
	l.requests = append(l.requests, p)
	q.bytes += p.size
	q.wake()
	return nil
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// withdraw takes back a request that no block has taken yet.
func (q *queue) withdraw(p *pending) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.taken {
		return false
	}
	p.withdrawn = true // it keeps its room until its turn comes
	return true
}

// take waits for requests and gives those of the next block. It gives none once
// the queue is closed and empty.
func (q *queue) take(ctx context.Context) []*pending {
	for {
		block, closed := q.poll(nil)
		if len(block) > 0 || closed {
			return block
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			q.close()
		}
	}
}

// poll gives the requests of the next block, as far as there are some, or those
// that still fit into a block that has some.
func (q *queue) poll(begun []*pending) (block []*pending, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var count, bytes int
	for _, p := range begun {
		count, bytes = count+max(1, len(p.drafts)), bytes+p.size
		if p.alone {
			return nil, q.closed
		}
	}
	for len(q.turn) > 0 {
		l := q.turn[0]
		p := l.requests[0]
		events := max(1, len(p.drafts))
		fits := count+events <= blockEvents && bytes+p.size <= blockBytes && !p.alone
		if !p.withdrawn && !fits && count > 0 {
			break // its lane is still the first to serve, so its turn comes
		}
		q.advance()
		if p.withdrawn {
			continue
		}
		p.taken = true
		block = append(block, p)
		count, bytes = count+events, bytes+p.size
		if p.alone {
			break
		}
	}
	return block, q.closed
}

// drain gives all requests that wait now.
func (q *queue) drain() (all []*pending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.turn) > 0 {
		p := q.turn[0].requests[0]
		q.advance()
		if !p.withdrawn {
			p.taken = true
			all = append(all, p)
		}
	}
	return all
}

// advance removes the first request of the first lane and puts that lane last.
func (q *queue) advance() {
	l := q.turn[0]
	q.bytes -= l.requests[0].size
	l.requests[0] = nil
	l.requests = l.requests[1:]
	q.turn[0] = nil
	q.turn = q.turn[1:]
	if len(l.requests) > 0 {
		q.turn = append(q.turn, l)
	} else {
		delete(q.lanes, l.trail)
	}
}

// close refuses every later push.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}
