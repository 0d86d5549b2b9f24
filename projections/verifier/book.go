// Books: what is made once and remembered as long as it is in use, in bounded memory.

package verifier

import (
	"runtime/debug"
	"sync"

	"github.com/google/uuid"
)

// generations remembers the newest generation and the one before it, so that what
// is in use stays and memory is bounded. Whoever has one guards it.
type generations[K comparable, V any] struct {
	kept     int // bounds each of the two
	new, old map[K]V
	forgot   bool // something was dropped
}

func (g *generations[K, V]) get(k K) (v V, found bool) {
	if v, found = g.new[k]; found {
		return v, true
	}
	if v, found = g.old[k]; found {
		g.put(k, v)
	}
	return v, found
}

func (g *generations[K, V]) put(k K, v V) {
	if g.new == nil || len(g.new) >= g.kept {
		g.forgot = g.forgot || len(g.old) > 0
		g.old, g.new = g.new, make(map[K]V, len(g.new))
	}
	g.new[k] = v
}

const (
	bookShards = 64
	// mostKept bounds each of the two generations of what is remembered of tokens in
	// use. One holds 100,000 tokens in turn with room to spare; both are some 260,000.
	mostKept  = 1 << 17
	leastKept = 1 << 10
	// useRoom is about what one token in use takes: 600 bytes for its ground, and a
	// ruling and a source of 200 each.
	useRoom = 1 << 10
)

// usesKept is how many tokens in use are remembered in a generation where the process has
// a memory limit: both generations take an eighth of it and no more.
func usesKept(limit int64) int {
	return int(min(mostKept, max(leastKept, limit/8/2/useRoom)))
}

// memoryLimit is what GOMEMLIMIT says.
func memoryLimit() int64 { return debug.SetMemoryLimit(-1) }

// book is generations for many decisions at a time. The nil book remembers nothing.
type book[K comparable, V any] struct {
	shards [bookShards]struct {
		mu sync.Mutex // guards the rest
		generations[K, V]
	}
}

func newBook[K comparable, V any]() *book[K, V] {
	b, kept := new(book[K, V]), usesKept(memoryLimit())
	for i := range b.shards {
		b.shards[i].kept = kept / bookShards
	}
	return b
}

// lookup finds what is remembered by a key that names the token.
func (b *book[K, V]) lookup(token uuid.UUID, k K) (v V, found bool) {
	if b == nil {
		return v, false
	}
	s := &b.shards[token[15]%bookShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(k)
}

func (b *book[K, V]) remember(token uuid.UUID, k K, v V) {
	if b == nil {
		return
	}
	s := &b.shards[token[15]%bookShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(k, v)
}
