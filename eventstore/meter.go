// What a log tells of its own work.

package eventstore

import (
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// Meter is told what becomes of appends. Its methods are called for each of them and
// must return at once.
type Meter interface {
	// Appended is called for every request, with how long its caller waited.
	Appended(took time.Duration, err error)
	// Committed is called for every block that was tried, from the moment that its
	// first requests were taken from the queue. An error means that none of its
	// requests is known to stand in the log.
	Committed(requests, events int, took time.Duration, err error)
}

// meter tells of a block whose requests are decided.
func (a *appender) meter(requests []*pending, took time.Duration, err error) {
	if a.config.Meter == nil {
		return
	}
	placed, _ := placedBy(requests, err)
	a.config.Meter.Committed(len(requests), placed, took, err)
}

// placedBy counts the events that a block brought, and names the last of them. err is
// the block's.
func placedBy(requests []*pending, err error) (n int, last events.Position) {
	for _, p := range requests {
		if err == nil && p.err == nil && p.earlier == nil && len(p.receipt.Placed) > 0 {
			n, last = n+len(p.receipt.Placed), p.receipt.Last()
		}
	}
	return n, last
}

// Queue is what waits for a block.
type Queue struct{ Requests, Bytes int }

// Queue tells how much waits now.
func (l *Log) Queue() (now Queue) {
	q := l.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	now.Bytes = q.bytes
	for _, lane := range q.turn {
		now.Requests += len(lane.requests)
	}
	return now
}

// Known is the head as this process knows it, without asking the database.
func (l *Log) Known() events.Position { return l.tail.at().last }
