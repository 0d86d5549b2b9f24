// The queue: requests that wait for a block, a lane for each trail, served in turn.

package eventstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/fair"
)

// A block is as many requests as come to these sizes, or a single larger one.
const (
	blockEvents = 1000
	blockBytes  = 1 << 20
)

// What waits, or stands in the block that is under way, is bounded for each trail
// and for all of them, and by the time that it takes: what would wait for longer is
// refused at once instead.
const (
	laneRequests = 2 * roomMost / 3
	roomMost     = 12288
	roomLeast    = 1024 // as many as a block can have, so that slow disks do not make blocks small
	roomTarget   = 250 * time.Millisecond
	queueBytes   = 256 << 20
)

// queue hands requests over to the appender. No lane can hold up another: each
// gives one request in turn.
type queue struct {
	ready chan struct{} // has an item when the appender should look
	room  *fair.Room[events.TrailID]

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
	return &queue{
		ready: make(chan struct{}, 1), lanes: map[events.TrailID]*lane{},
		room: &fair.Room[events.TrailID]{Most: roomMost, Least: roomLeast, Target: roomTarget},
	}
}

// push adds a request, which has a place in the room. It never waits: the error is
// [events.ErrBusy] where all of them are too large, [events.ErrUnavailable] once the
// queue is closed; the place is then given back.
func (q *queue) push(p *pending) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.room.Leave(p.trail)
		return events.ErrUnavailable
	}
	if q.bytes+p.size > queueBytes {
		q.room.Leave(p.trail)
		return events.ErrBusy
	}
	l := q.lanes[p.trail]
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

// answered lets the caller of a request go on.
func (q *queue) answered(p *pending) {
	if errors.Is(p.err, events.ErrUnavailable) {
		q.room.Leave(p.trail) // that the database is away says nothing of how much it can do
	} else {
		q.room.Answered(p.trail, time.Since(p.since))
	}
	close(p.done)
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
			q.room.Leave(p.trail)
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
		if p.withdrawn {
			q.room.Leave(p.trail)
			continue
		}
		p.taken = true
		all = append(all, p)
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
