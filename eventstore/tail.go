// The tail: the end of the log in this process's memory.

package eventstore

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"sort"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// The recent blocks are kept within these bounds, and one block at least.
const (
	ringBlocks = 4096
	ringBytes  = 32 << 20 // of leaves; decoded, they take a third more besides
)

// ringRoom is ringBytes, or less where the process has a memory limit: leaves and what they
// were decoded to take less than a tenth of it.
func ringRoom(limit int64) int { return int(min(ringBytes, max(1<<20, limit/30))) }

// head is the last block, without its events.
type head struct {
	last       events.Position // 0: the log is empty
	term       int64
	timeline   int32
	recordedAt time.Time
	writer     uuid.UUID
	seq        int64
}

// tail knows everything that the next block depends on, as of its head, and the
// blocks right before it.
type tail struct {
	hash streamHash // immutable

	mu        sync.Mutex // guards all below
	loaded    bool       // head and counts hold what they say
	following bool       // somebody keeps the tail at the head
	head      head
	counts    map[events.TrailID]events.Position // events of each trail
	streams   streamCache
	lasts     map[events.StreamKind]events.Position // of the last decision of each kind, as far as it is known
	floor     events.Position                       // where the tail began; before it, no kind's last decision is known
	ring      []*Block                              // without a gap, up to the head
	bytes     int                                   // of the ring's leaves
	room      int                                   // immutable: the most of bytes
	moved     chan struct{}                         // closed when any of the above changes, then replaced
	err       error                                 // set once, when the log turns out to be corrupt
}

func newTail() *tail {
	return &tail{hash: newStreamHash(), streams: newStreamCache(), room: ringRoom(debug.SetMemoryLimit(-1)), moved: make(chan struct{})}
}

// load sets the tail to a head and the counts up to it.
func (t *tail) load(h head, counts map[events.TrailID]events.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.loaded {
		t.head, t.counts, t.loaded = h, counts, true
		t.lasts, t.floor = map[events.StreamKind]events.Position{}, h.last
		t.announce()
	}
}

// at gives the head.
func (t *tail) at() head {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head
}

// state tells whether the tail was loaded, and why it is of no use any more.
func (t *tail) state() (loaded bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.loaded, t.err
}

// apply adds a block to the tail. The appender and the follower may both come
// with the same block; the second finds it done. The error wraps [ErrCorrupt].
func (t *tail) apply(b *Block, changes []change) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b.Last <= t.head.last {
		return nil
	}
	if err := b.follows(t.head.last, false); err != nil {
		return err
	}
	if b.Term < t.head.term || b.RecordedAt.Before(t.head.recordedAt) {
		return fmt.Errorf("%w: the block from %d to %d goes back in term or time", ErrCorrupt, b.First, b.Last)
	}
	for trail, n := range b.tally {
		t.counts[trail] += n
	}
	for _, c := range changes {
		t.streams.follow(c)
		t.lasts[c.kind] = max(t.lasts[c.kind], c.position)
	}
	t.head = head{last: b.Last, term: b.Term, timeline: b.timeline, recordedAt: b.RecordedAt, writer: b.writer, seq: b.seq}
	t.keep(b)
	t.announce()
	return nil
}

// keep puts a block at the end of the ring and lets the oldest go.
func (t *tail) keep(b *Block) {
	t.ring = append(t.ring, b)
	t.bytes += len(b.leaves)
	for len(t.ring) > ringBlocks || (t.bytes > t.room && len(t.ring) > 1) {
		t.bytes -= len(t.ring[0].leaves)
		t.ring[0] = nil
		t.ring = t.ring[1:]
	}
}

// drop lets go of all blocks, whose events may have been decoded with personal values.
func (t *tail) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring, t.bytes = nil, 0
}

func (t *tail) announce() {
	close(t.moved)
	t.moved = make(chan struct{})
}

// fail tells every reader that the log is corrupt.
func (t *tail) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
		t.announce()
	}
}

// since gives some blocks after a position, the first of which may begin before
// it; none at the head. ok is false when the ring does not reach back that far.
func (t *tail) since(after events.Position) (run []*Block, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.loaded || len(t.ring) == 0 || t.ring[0].First > after+1 {
		return nil, t.loaded && after == t.head.last
	}
	i := sort.Search(len(t.ring), func(i int) bool { return t.ring[i].Last > after })
	run = t.ring[i:min(i+runBlocks, len(t.ring))]
	return append([]*Block(nil), run...), true
}

// runBlocks is how many blocks a reader takes from the ring at once.
const runBlocks = 64

// await waits until the head is beyond a position, the log fails, or ctx ends.
// Where nobody keeps the tail at the head, it returns after a while.
func (t *tail) await(ctx context.Context, after events.Position) error {
	for {
		t.mu.Lock()
		moved, following, err, there := t.moved, t.following, t.err, t.loaded && t.head.last > after
		t.mu.Unlock()
		if err != nil || there {
			return err
		}
		var poll <-chan time.Time
		if !following {
			poll = time.After(pollEvery)
		}
		select {
		case <-moved:
		case <-poll:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// setFollowing says whether somebody keeps the tail at the head.
func (t *tail) setFollowing(yes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.following = yes
	t.announce()
}

// trim makes room for the states of more streams, before a block refers to some.
func (t *tail) trim() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.streams.trim()
}

// missing names the streams whose state the requests need and the tail lacks.
func (t *tail) missing(requests []*pending) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lacking := map[streamKey]events.StreamID{}
	need := func(k streamKey, id events.StreamID) {
		if _, ok := t.streams.get(k); !ok {
			lacking[k] = id
		}
	}
	for _, p := range requests {
		for i := range p.guards {
			need(p.guards[i].key, p.guards[i].Stream)
		}
		for i := range p.drafts {
			if d := &p.drafts[i]; !d.Observation {
				need(d.key, d.Stream)
			}
		}
	}
	ids := make([]string, 0, len(lacking))
	for _, id := range lacking {
		ids = append(ids, string(id))
	}
	return ids
}

// remember takes in the state of streams as of the head; one without a row does
// not exist.
func (t *tail) remember(ids []string, rows []streamRow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.streams.put(t.hash.key(events.StreamID(id)), streamState{})
	}
	for _, r := range rows {
		t.streams.put(t.hash.key(events.StreamID(r.id)), r.state)
	}
}

// snapshot copies the counts of all trails, as of a position.
func (t *tail) snapshot() (events.Position, map[events.TrailID]events.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head.last, maps.Clone(t.counts)
}

func (t *tail) isFollowed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.following
}
