// Refusals of what is too much: the more there are, the longer each is held back.

package httpd

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// refusalEvery is the distance of refusals that are answered at once. A refusal costs
	// nearly as much as an answer, and at this distance all of them a few hundredths of a
	// processor.
	refusalEvery = time.Millisecond
	// longestHold is how long one is held back at most: what Retry-After asks for.
	longestHold = time.Second
)

// Refusals spaces the answers to requests that were one too many. A few are answered at
// once. In a flood each is held back, which costs nothing, so that a connection on
// which the next request follows at once asks once or twice a second: else a flood would
// spend on refusals what there is for answers. Nil holds nothing back. It is safe for
// concurrent use.
type Refusals struct {
	mu   sync.Mutex
	next time.Time // when one more is answered
}

// Hold returns when a refusal may be answered, or when the client has gone.
func (r *Refusals) Hold(ctx context.Context) {
	if r == nil {
		return
	}
	hold := r.turn(time.Now())
	if hold == 0 {
		return
	}
	timer := time.NewTimer(hold)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// turn is how long one more is held back. Where there are too many to keep the distance,
// it is drawn from the upper half of what there is, so that those who came together do
// not come together again.
func (r *Refusals) turn(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	hold := max(0, r.next.Sub(now))
	if hold > longestHold/2 {
		return longestHold/2 + rand.N(longestHold/2)
	}
	r.next = now.Add(hold + refusalEvery)
	return hold
}
