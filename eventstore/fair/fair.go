// Package fair shares what a process can do at once among those who ask it, and
// gives out less of it when answers take too long.
//
// A [Room] has so many places. Somebody may hold twice as many as are free: alone
// he gets two thirds of them, and whoever comes later finds the rest, however hard
// the first one tries. With n who all want more than they get, each has 2 of
// 2n + 1 parts. Nothing is set up for anybody, and nothing is kept of who is gone.
// While there are more inside than places, since there were more of them before,
// whoever has less than half of an equal share finds a place all the same: those
// who caused that wait until they are answered, and nobody else does.
//
// How many places there are follows from Little's law. When those who were answered
// lately waited longer than the target on average, there are as many places as were
// answered in the time of the target: then the next ones wait about as long as the
// target says, whatever the machine can do. What is refused is refused at once,
// before anything was spent on it.
package fair

import (
	"sync"
	"time"
)

// Room is places that are shared by key. The zero Room, and nil, have room for
// everybody. It is safe for concurrent use.
type Room[K comparable] struct {
	// Most is how many places there are while answers are quick; 0: no bound.
	Most int
	// Least is how many there are in any case.
	Least int
	// Target is what an answer may take on average; 0: there are always Most places.
	Target time.Duration
	// Now is the clock; nil: the machine's.
	Now func() time.Time

	mu      sync.Mutex // guards all below
	limit   int        // of places at present; 0: not begun
	inside  int
	by      map[K]int
	refused int64

	// The answers since a time, if the room was not empty meanwhile.
	since    time.Time
	answered int
	took     time.Duration
}

// window is how long answers are looked at together.
const window = 100 * time.Millisecond

// Enter takes a place for a key. It never waits: false means that there is none.
// Whoever entered calls Leave or Answered once.
func (r *Room[K]) Enter(key K) bool {
	if r == nil || r.Most == 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by, r.limit = map[K]int{}, r.Most
	}
	own := r.by[key]
	least := max(1, r.limit/(2*(len(r.by)+1)))
	if own >= least && own >= 2*(r.limit-r.inside) || r.inside >= 2*r.Most {
		r.refused++
		return false
	}
	if r.inside == 0 && r.Target > 0 {
		r.since, r.answered, r.took = r.now(), 0, 0
	}
	r.by[key]++
	r.inside++
	return true
}

// Leave gives a place back without an answer that counts, as when whoever asked
// has gone.
func (r *Room[K]) Leave(key K) {
	if r == nil || r.Most == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leave(key)
}

// Answered gives a place back after an answer that took so long.
func (r *Room[K]) Answered(key K, took time.Duration) {
	if r == nil || r.Most == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leave(key)
	if r.Target > 0 {
		r.answered, r.took = r.answered+1, r.took+took
		r.adapt()
	}
}

func (r *Room[K]) leave(key K) {
	r.inside--
	if r.by[key]--; r.by[key] == 0 {
		delete(r.by, key)
	}
}

// adapt moves the limit by the answers of the last window. It goes down at once,
// and up again within some windows.
func (r *Room[K]) adapt() {
	now := r.now()
	span := now.Sub(r.since)
	if span < window {
		return
	}
	switch mean := r.took / time.Duration(r.answered); {
	case mean > r.Target:
		inTarget := float64(r.answered) * float64(r.Target) / float64(span)
		r.limit = min(r.limit, int(inTarget))
	case mean > r.Target/2:
		r.limit += r.limit/16 + 1
	default:
		r.limit *= 2
	}
	r.limit = min(max(r.limit, r.Least), r.Most)
	r.since, r.answered, r.took = now, 0, 0
}

func (r *Room[K]) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// State is how a room is at a moment.
type State struct {
	Limit, Inside int
	Refused       int64 // since the beginning
}

// State tells how the room is.
func (r *Room[K]) State() State {
	if r == nil {
		return State{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := State{Limit: r.limit, Inside: r.inside, Refused: r.refused}
	if r.by == nil {
		s.Limit = r.Most
	}
	return s
}
