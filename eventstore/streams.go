// What is known of streams: the version and gate that expectations are checked against.

package eventstore

import (
	"hash/maphash"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// streamKey stands for a stream's id in memory: 128 bits of a keyed hash, so that
// the cache has no pointers for the garbage collector to follow.
type streamKey [2]uint64

// streamHash makes stream keys. Its seeds are of this process alone, so nobody can
// make ids that collide.
type streamHash [2]maphash.Seed

func newStreamHash() streamHash { return streamHash{maphash.MakeSeed(), maphash.MakeSeed()} }

func (h *streamHash) key(id events.StreamID) streamKey {
	return streamKey{maphash.String(h[0], string(id)), maphash.String(h[1], string(id))}
}

// streamState is the last decision's version, 0 for no such stream, and the gate.
type streamState struct {
	version events.Version
	until   int64 // µs since 1970; 0: a closed gate stays closed
	closed  bool
}

func (s *streamState) setGate(g events.Gate) {
	s.closed, s.until = g.Closed, 0
	if g.Closed && !g.Until.IsZero() {
		s.until = g.Until.UnixMicro()
	}
}

func (s streamState) gate() events.Gate {
	g := events.Gate{Closed: s.closed}
	if s.until != 0 {
		g.Until = time.UnixMicro(s.until).UTC()
	}
	return g
}

// change is what one decision does to its stream.
type change struct {
	key      streamKey
	kind     events.StreamKind
	position events.Position
	version  events.Version
	gate     events.Gate
	gated    bool             // the decision sets the gate
	erased   events.SubjectID // whose key the decision destroys
	unknown  bool             // a type of a newer program, whose gate cannot be told
}

// streamCache remembers the streams that were used last. Only the appender trims
// it, between blocks, so that nothing it counts on vanishes while it works on one.
type streamCache struct {
	recent[streamKey, streamState]
}

// streamCacheHalf bounds a generation: some 20 MB.
const streamCacheHalf = 250_000

func newStreamCache() streamCache {
	return streamCache{newRecent[streamKey, streamState](streamCacheHalf)}
}

// follow brings a cached stream up to a decision. A stream that is not cached
// stays so: its state of then would be read from the table.
func (c *streamCache) follow(ch change) {
	s, ok := c.get(ch.key)
	if !ok || s.version >= ch.version {
		return
	}
	if ch.unknown {
		c.forget(ch.key)
		return
	}
	s.version = ch.version
	if ch.gated {
		s.setGate(ch.gate)
	}
	c.put(ch.key, s)
}
