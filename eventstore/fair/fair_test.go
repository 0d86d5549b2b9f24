// Shares, the limit that follows from the time that answers take, and that nothing is kept.

package fair_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/eventstore/fair"
)

func enterAll(r *fair.Room[string], key string) (n int) {
	for r.Enter(key) {
		n++
	}
	return n
}

func TestShares(t *testing.T) {
	t.Parallel()
	r := &fair.Room[string]{Most: 900}
	held := map[string]int{"flood": enterAll(r, "flood"), "second": enterAll(r, "second")}
	if held["flood"] != 600 || held["second"] != 200 {
		t.Errorf("one after the other they get %v of 900", held)
	}
	for range 1000 { // as answers leave, the shares come to be equal
		for key := range held {
			r.Leave(key)
			held[key]--
		}
		for key := range held {
			held[key] += enterAll(r, key)
		}
	}
	for key, n := range held {
		if n < 355 || n > 365 {
			t.Errorf("%s has %d of 900 in the end", key, n)
		}
	}
	if !r.Enter("third") {
		t.Error("whoever comes last finds no place")
	}
}

func TestWhoComesLastFindsAPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		most := rapid.IntRange(50, 2000).Draw(rt, "most")
		r := &fair.Room[int]{Most: most}
		floods := rapid.IntRange(1, most/10).Draw(rt, "floods")
		for range most {
			for flood := range floods {
				r.Enter(flood)
			}
		}
		if !r.Enter(-1) {
			rt.Fatalf("%d floods hold all of %d places", floods, most)
		}
		if s := r.State(); s.Inside > most {
			rt.Fatalf("%d are inside of %d places", s.Inside, most)
		}
	})
}

// server answers what is inside at a rate, in the order of coming, by a clock of its own.
type server struct {
	now    time.Time
	room   *fair.Room[string]
	queue  []time.Time
	rate   float64 // answers per second
	credit float64
	worst  time.Duration // wait, of those answered
	served int
}

// run offers so many a second for a while.
func (s *server) run(offered float64, d time.Duration) (refused int) {
	const step = time.Millisecond
	var due float64
	for range int(d / step) {
		s.now = s.now.Add(step)
		for due += offered * step.Seconds(); due >= 1; due-- {
			if s.room.Enter("a") {
				s.queue = append(s.queue, s.now)
			} else {
				refused++
			}
		}
		for s.credit += s.rate * step.Seconds(); s.credit >= 1; s.credit-- {
			if len(s.queue) == 0 {
				s.credit = 0
				break
			}
			took := s.now.Sub(s.queue[0])
			s.queue = s.queue[1:]
			s.worst = max(s.worst, took)
			s.served++
			s.room.Answered("a", took)
		}
	}
	return refused
}

func TestTheWaitIsBoundedWhateverIsOffered(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{2_000, 10_000, 50_000} {
		s := &server{now: time.Unix(0, 0), rate: rate}
		s.room = &fair.Room[string]{Most: 1 << 20, Least: 100, Target: 200 * time.Millisecond, Now: func() time.Time { return s.now }}
		if refused := s.run(rate*0.9, 5*time.Second); refused != 0 {
			t.Errorf("at %v a second: %d of what can be answered are refused", rate, refused)
		}
		s.run(rate*5, 3*time.Second) // until the limit is found
		s.worst, s.served = 0, 0
		refused := s.run(rate*5, 5*time.Second)
		if refused < int(rate*4*5*0.9) {
			t.Errorf("at %v a second: only %d are refused", rate, refused)
		}
		if s.worst > 500*time.Millisecond {
			t.Errorf("at %v a second: a wait of %v", rate, s.worst)
		}
		if s.served < int(rate*5*0.99) {
			t.Errorf("at %v a second: %d were answered in 5 s", rate, s.served)
		}
		s.run(rate*0.5, time.Second)
		if refused := s.run(rate*0.9, time.Second); refused != 0 {
			t.Errorf("at %v a second: a second after the flood %d are refused", rate, refused)
		}
	}
}

func TestSlownessOfFewRefusesNobody(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	r := &fair.Room[string]{Most: 1000, Least: 30, Target: time.Millisecond, Now: func() time.Time { return now }}
	for i := range 1000 {
		for n := range 20 {
			if !r.Enter("a") {
				t.Fatalf("refused at %d: %+v", i*20+n, r.State())
			}
		}
		now = now.Add(time.Second)
		for range 20 {
			r.Answered("a", time.Second)
		}
	}
	if s := r.State(); s.Limit != 30 || s.Inside != 0 || s.Refused != 0 {
		t.Errorf("got %+v", s)
	}
}

// While there are more inside than places, only those wait who are too many.
func TestAShrunkenRoomHasPlacesForThoseWhoHaveFew(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	r := &fair.Room[string]{Most: 9000, Least: 90, Target: 100 * time.Millisecond, Now: func() time.Time { return now }}
	if n := enterAll(r, "flood"); n != 6000 {
		t.Fatalf("the flood gets %d", n)
	}
	now = now.Add(time.Second)
	r.Answered("flood", time.Second)
	if s := r.State(); s.Limit != 90 || s.Inside != 5999 {
		t.Fatalf("got %+v", s)
	}
	if r.Enter("flood") {
		t.Error("the flood gets one more")
	}
	for _, key := range []string{"one", "two"} {
		if n := enterAll(r, key); n < 10 || n > 45 {
			t.Errorf("%s gets %d", key, n)
		}
	}
}

func TestNoRoomAtAllIsRoomForEverybody(t *testing.T) {
	t.Parallel()
	for _, r := range []*fair.Room[int]{nil, {}} {
		for range 10_000 {
			if !r.Enter(1) {
				t.Fatal("refused")
			}
		}
		r.Answered(1, time.Second)
		r.Leave(1)
		if s := r.State(); s.Refused != 0 {
			t.Errorf("got %+v", s)
		}
	}
}
