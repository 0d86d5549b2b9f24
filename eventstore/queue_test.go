// The queue and the cache, from inside: what goes into a block, what is forgotten.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

func request(trail string, events, size int) *pending {
	return &pending{trail: trailOf(trail), drafts: make([]draft, events), size: size}
}

// add pushes a request that gets a place.
func (q *queue) add(p *pending) error {
	if !q.room.Enter(p.trail) {
		return events.ErrBusy
	}
	return q.push(p)
}

func trailOf(name string) events.TrailID { return events.TrailID(name) }

// sizes tells a block as the trails and numbers of events of its requests.
func sizes(block []*pending) (s string) {
	for _, p := range block {
		s += fmt.Sprintf("%s%d ", p.trail, len(p.drafts))
	}
	return s
}

func TestQueueFillsBlocks(t *testing.T) {
	t.Parallel()
	const small = 100
	for name, c := range map[string]struct {
		queued []*pending
		want   []string
	}{
		"trails in turn": {
			[]*pending{request("a", 1, small), request("a", 2, small), request("a", 3, small), request("b", 4, small), request("c", 5, small)},
			[]string{"a1 b4 c5 a2 a3 "},
		},
		"up to 1,000 events": {
			[]*pending{request("a", 600, small), request("a", 400, small), request("a", 1, small)},
			[]string{"a600 a400 ", "a1 "},
		},
		"what does not fit is first in the next": {
			[]*pending{request("a", 600, small), request("b", 500, small), request("c", 7, small), request("a", 8, small)},
			[]string{"a600 ", "b500 c7 a8 "},
		},
		"a large request is alone": {
			[]*pending{request("a", 1001, small), request("a", 1, small), request("b", 1, 2<<20), request("c", 1, small)},
			[]string{"a1001 ", "b1 ", "c1 a1 "},
		},
		"up to 1 MiB": {
			[]*pending{request("a", 1, 1<<19), request("b", 1, 1<<19), request("c", 1, small)},
			[]string{"a1 b1 ", "c1 "},
		},
		"requests without events count, too": {
			func() (all []*pending) {
				for range 1001 {
					all = append(all, request("a", 0, small))
				}
				return all
			}(),
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue()
			for _, p := range c.queued {
				if err := q.add(p); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			count := 0
			for block := q.next(t); len(block) > 0; block = q.next(t) {
				got = append(got, sizes(block))
				count += len(block)
			}
			if c.want != nil && fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("blocks %q, want %q", got, c.want)
			}
			if c.want == nil && len(got) != 2 {
				t.Errorf("%d blocks, want 2", len(got))
			}
			if count != len(c.queued) || q.bytes != 0 || len(q.lanes) != 0 || len(q.turn) != 0 {
				t.Errorf("%d requests came out; left are %d bytes, %d lanes, %d turns", count, q.bytes, len(q.lanes), len(q.turn))
			}
		})
	}
}

func (q *queue) next(t *testing.T) []*pending {
	t.Helper()
	block, _ := q.poll(nil)
	return block
}

func TestQueueCompletesABlockThatHasBegun(t *testing.T) {
	t.Parallel()
	q := newQueue()
	begun := []*pending{request("a", 990, 100)}
	for _, p := range []*pending{request("a", 5, 100), request("b", 5, 100), request("c", 5, 100)} {
		if err := q.add(p); err != nil {
			t.Fatal(err)
		}
	}
	if more, _ := q.poll(begun); sizes(more) != "a5 b5 " {
		t.Fatalf("%s joined", sizes(more))
	}
	if large, _ := q.poll([]*pending{request("a", 5000, 100)}); len(large) != 0 {
		t.Fatalf("%s joined a large request", sizes(large))
	}
}

func TestWithdrawnRequestsTakeNoPlace(t *testing.T) {
	t.Parallel()
	q := newQueue()
	first, gone, last := request("a", 1, 100), request("a", 999, 100), request("a", 3, 100)
	for _, p := range []*pending{first, gone, last} {
		if err := q.add(p); err != nil {
			t.Fatal(err)
		}
	}
	if !q.withdraw(gone) {
		t.Fatal("a waiting request cannot be withdrawn")
	}
	if block := q.next(t); sizes(block) != "a1 a3 " || q.bytes != 0 {
		t.Fatalf("%s; %d bytes are left", sizes(block), q.bytes)
	}
	if q.withdraw(first) {
		t.Fatal("a request was withdrawn from its block")
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	q := newQueue()
	for i := 0; q.bytes+(64<<20) <= queueBytes; i++ {
		if err := q.add(request(fmt.Sprint(i), 1, 64<<20)); err != nil {
			t.Fatal(err)
		}
	}
	lanes := len(q.lanes)
	if err := q.add(request("more", 1, 1)); !errors.Is(err, events.ErrBusy) || len(q.lanes) != lanes {
		t.Fatalf("a full queue answers %v and has %d lanes more", err, len(q.lanes)-lanes)
	}
	q.close()
	if err := q.add(request("more", 1, 1)); !errors.Is(err, events.ErrUnavailable) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range lanes {
		if len(q.take(ctx)) == 0 {
			t.Fatal("a closed queue forgets what it has")
		}
	}
	if block := q.take(ctx); block != nil {
		t.Fatal(sizes(block))
	}
}

func TestRecentForgetsWhatIsNotUsed(t *testing.T) {
	t.Parallel()
	r := newRecent[int, int](10)
	for i := range 35 {
		if i > 0 {
			if _, ok := r.get(0); !ok {
				t.Fatalf("0, used all the time, is forgotten at %d", i)
			}
		}
		r.trim()
		r.put(i, i)
	}
	if n := len(r.young) + len(r.old); n > 20 {
		t.Fatalf("%d entries of 20", n)
	}
	if _, ok := r.get(1); ok {
		t.Fatal("1, not used for long, is not forgotten")
	}
	r.put(5, 5)
	r.forget(5)
	if _, ok := r.get(5); ok {
		t.Fatal("5 is not forgotten")
	}
}

func TestCachedStreamsFollowTheirDecisions(t *testing.T) {
	t.Parallel()
	c := newStreamCache()
	known, other := streamKey{1}, streamKey{2}
	c.put(known, streamState{version: 3})
	for _, step := range []struct {
		change change
		want   streamState
		gone   bool
	}{
		{change: change{key: known, version: 4, gated: true, gate: events.Gate{Closed: true}}, want: streamState{version: 4, closed: true}},
		{change: change{key: known, version: 4, gated: true}, want: streamState{version: 4, closed: true}},
		{change: change{key: known, version: 5}, want: streamState{version: 5, closed: true}},
		{change: change{key: known, version: 6, gated: true}, want: streamState{version: 6}},
		{change: change{key: known, version: 7, unknown: true}, gone: true},
		{change: change{key: known, version: 8}, gone: true},
	} {
		c.follow(step.change)
		c.follow(change{key: other, version: 1})
		if got, ok := c.get(known); ok == step.gone || got != step.want {
			t.Fatalf("after %+v: %+v, %v", step.change, got, ok)
		}
		if _, ok := c.get(other); ok {
			t.Fatal("a stream that was not cached is now")
		}
	}
}

func TestEveryRequestGivesItsPlaceBack(t *testing.T) {
	t.Parallel()
	q := newQueue()
	for _, out := range []func() []*pending{func() []*pending { return q.next(t) }, q.drain} {
		var queued []*pending
		for i := range 9 {
			p := request(fmt.Sprint(i%3), 1, 100)
			p.done = make(chan struct{})
			if err := q.add(p); err != nil {
				t.Fatal(err)
			}
			queued = append(queued, p)
		}
		q.withdraw(queued[4])
		taken := out()
		if len(taken) != 8 || q.room.State().Inside != 8 {
			t.Fatalf("%d of 9 came out, of which one was withdrawn; %d hold a place", len(taken), q.room.State().Inside)
		}
		taken[0].err = events.ErrUnavailable
		for _, p := range taken {
			q.answered(p)
			<-p.done
		}
		if s := q.room.State(); s.Inside != 0 || s.Refused != 0 {
			t.Errorf("left is %+v", s)
		}
	}
}

func TestAFloodOfOneTrailLeavesPlacesToOthers(t *testing.T) {
	t.Parallel()
	q := newQueue()
	flood := func() (n int) {
		for q.add(request("flood", 1, 100)) == nil {
			n++
		}
		return n
	}
	if n := flood(); n != laneRequests {
		t.Fatalf("%d requests of one trail wait", n)
	}
	for i := range 1000 {
		if err := q.add(request(fmt.Sprint("quiet ", i%10), 1, 100)); err != nil {
			t.Fatalf("the quiet request %d: %v", i, err)
		}
	}
	if n := flood(); n != 0 {
		t.Errorf("%d more of the flood wait", n)
	}
	// Each quiet trail is served beside the flood, whatever that has waiting before it.
	if block := q.next(t); len(block) != blockEvents || block[1].trail == "flood" {
		t.Errorf("a block of %d", len(block))
	}
}
