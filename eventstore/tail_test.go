// The tail, from inside: what is kept, and what is refused as corrupt.

package eventstore

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

func blockOf(first, last events.Position, bytes int) *Block {
	return &Block{
		First: first, Last: last, Term: 1, leaves: make([]byte, bytes),
		tally: map[events.TrailID]events.Position{"operator": last - first + 1},
	}
}

func TestTailKeepsTheLastBlocks(t *testing.T) {
	t.Parallel()
	tail := newTail()
	tail.load(head{last: 10, term: 1}, map[events.TrailID]events.Position{"operator": 10})
	if run, ok := tail.since(10); !ok || len(run) != 0 {
		t.Fatal(run, ok)
	}
	if _, ok := tail.since(9); ok {
		t.Fatal("what was before the start is in memory")
	}
	for at := events.Position(11); at < 11+ringBlocks+100; at++ {
		if err := tail.apply(blockOf(at, at, 1), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(tail.ring); n != ringBlocks {
		t.Fatalf("%d blocks are kept", n)
	}
	oldest := tail.ring[0].First
	if _, ok := tail.since(oldest - 2); ok {
		t.Fatal("a block that is gone is in memory")
	}
	if run, ok := tail.since(oldest - 1); !ok || run[0].First != oldest || len(run) != runBlocks {
		t.Fatal(len(run), ok)
	}
	for range 3 {
		h := tail.at().last
		if err := tail.apply(blockOf(h+1, h+9, ringBytes*2/3), nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(tail.ring) != 1 || tail.bytes != ringBytes*2/3 {
		t.Fatalf("%d blocks of %d bytes are kept", len(tail.ring), tail.bytes)
	}
	h := tail.at().last
	if run, ok := tail.since(h - 4); !ok || len(run) != 1 || run[0].Last != h {
		t.Fatal("the middle of a block is not found")
	}
	if _, counts := tail.snapshot(); counts["operator"] != h {
		t.Fatalf("the trail has %d events, the log %d", counts["operator"], h)
	}
}

func TestTailRefusesWhatCannotFollow(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		change func(*Block)
		bad    bool
	}{
		"the next":        {func(*Block) {}, false},
		"one again":       {func(b *Block) { b.First, b.Last = 5, 10 }, false},
		"a gap":           {func(b *Block) { b.First++ }, true},
		"an overlap":      {func(b *Block) { b.First-- }, true},
		"an earlier term": {func(b *Block) { b.Term = 1 }, true},
		"an earlier time": {func(b *Block) { b.RecordedAt = now.Add(-time.Second) }, true},
		"a later term":    {func(b *Block) { b.Term = 3 }, false},
		"a later time":    {func(b *Block) { b.RecordedAt = now.Add(time.Second) }, false},
	} {
		tail := newTail()
		tail.load(head{last: 10, term: 2, recordedAt: now}, map[events.TrailID]events.Position{"operator": 10})
		b := blockOf(11, 12, 1)
		b.Term, b.RecordedAt = 2, now
		c.change(b)
		if err := tail.apply(b, nil); errors.Is(err, ErrCorrupt) != c.bad {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheRingFollowsTheMemoryLimit: it never takes more than without one, nor nothing.
func TestTheRingFollowsTheMemoryLimit(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int64]int{math.MaxInt64: ringBytes, 300 << 20: 10 << 20, 1 << 20: 1 << 20} {
		if got := ringRoom(limit); got != want {
			t.Errorf("with a limit of %d bytes the ring has %d, want %d", limit, got, want)
		}
	}
}
