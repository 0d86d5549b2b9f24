// A few refusals are answered at once; a flood of them is not answered often.

package httpd

import (
	"context"
	"testing"
	"time"
)

// flood lets so many clients, each of whom asks again when he is refused, be refused for
// a while, and gives how often that was, and the longest that one was held back.
func flood(clients int, d time.Duration) (refused int, longest time.Duration) {
	r, begin := &Refusals{}, time.Now()
	again := make(map[time.Duration]int) // by when they ask, in milliseconds
	again[0] = clients
	for at := time.Duration(0); at < d; at += time.Millisecond {
		for range again[at] {
			hold := r.turn(begin.Add(at))
			longest = max(longest, hold)
			again[at+max(hold.Round(time.Millisecond), time.Millisecond)]++
			refused++
		}
	}
	return refused, longest
}

func TestAFewRefusalsAreNotHeldBack(t *testing.T) {
	t.Parallel()
	r, now := &Refusals{}, time.Now()
	for range 10 {
		if hold := r.turn(now); hold != 0 {
			t.Errorf("a refusal by itself is held back for %v", hold)
		}
		now = now.Add(refusalEvery)
	}
	ended := make(chan struct{})
	go func() {
		(*Refusals)(nil).Hold(context.Background())
		close(ended)
	}()
	<-ended
}

func TestAFloodIsNotRefusedOften(t *testing.T) {
	t.Parallel()
	const d = 10 * time.Second
	for _, clients := range []int{100, 1000, 8000} {
		refused, longest := flood(clients, d)
		t.Logf("%d clients are refused %d times in %v, held back for %v at most", clients, refused, d, longest)
		if most := (1000 + 1.5*float64(clients)) * d.Seconds(); float64(refused) > most {
			t.Errorf("%d clients are refused %d times in %v", clients, refused, d)
		}
		if longest > longestHold {
			t.Errorf("one of %d was held back for %v", clients, longest)
		}
	}
}

// Who has gone is not waited for.
func TestAHoldEndsWithItsClient(t *testing.T) {
	t.Parallel()
	r := &Refusals{next: time.Now().Add(time.Hour)}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	for range 100 { // together a minute, were they held back
		r.Hold(gone)
	}
	if time.Since(began) > 100*longestHold/2 {
		t.Error("refusals of clients that had gone were held back")
	}
}
