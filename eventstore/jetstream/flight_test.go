// The accounting of what is in flight, against a list of messages.

package jetstream

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
)

// Whatever is sent and answered, the flight knows the messages and bytes on their
// way, never holds more than it may, and always has an answer coming.
func TestFlight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := events.Position(rapid.IntRange(0, 1000).Draw(t, "start"))
		f := flight{sent: start, landed: start}
		var sizes []int // in flight
		var asked []events.Position
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				size := rapid.SampledFrom([]int{300, 700, 64 << 10}).Draw(t, "size")
				for waiting := rapid.IntRange(1, 3000).Draw(t, "waiting"); waiting > 0 && !f.full(); waiting-- {
					if f.send(size, waiting == 1) {
						asked = append(asked, f.sent)
					}
					sizes = append(sizes, size)
				}
			},
			"land": func(t *rapid.T) {
				if len(asked) == 0 {
					t.Skip("nothing is owed")
				}
				if f.land(asked[0] - 1) {
					t.Fatal("an answer that was not asked for is taken")
				}
				n := int(asked[0] - f.landed)
				if !f.land(asked[0]) {
					t.Fatalf("the answer for %d is not taken", asked[0])
				}
				asked, sizes = asked[1:], sizes[n:]
			},
			"": func(t *rapid.T) {
				total := 0
				for _, size := range sizes {
					total += size
				}
				if f.bytes != total || int(f.sent-f.landed) != len(sizes) {
					t.Fatalf("%d messages of %d bytes, want %d of %d", f.sent-f.landed, f.bytes, len(sizes), total)
				}
				if f.empty() != (len(sizes) == 0) {
					t.Fatalf("empty %v with %d messages", f.empty(), len(sizes))
				}
				if len(sizes) > flightMessages || total > flightBytes+64<<10 {
					t.Fatalf("%d messages of %d bytes are too many", len(sizes), total)
				}
				if f.full() && len(asked) == 0 {
					t.Fatal("the flight is full and no answer is coming")
				}
			},
		})
	})
}

// The last message of what there is to send always asks: nothing stays unanswered.
func TestFlightAsksLast(t *testing.T) {
	t.Parallel()
	for n := 1; n < 3*askMessages; n++ {
		var f flight
		var asked events.Position
		for i := range n {
			if f.send(100, i == n-1) {
				asked = f.sent
			}
		}
		if asked != events.Position(n) {
			t.Fatalf("of %d messages the last to ask is %d", n, asked)
		}
	}
}

// The first message of a flight asks, too: it finds out who has written there.
func TestFlightAsksFirst(t *testing.T) {
	t.Parallel()
	f := flight{sent: 7, landed: 7}
	for i, want := range []bool{true, false, false, true} {
		if got := f.send(100, i == 3); got != want {
			t.Fatalf("message %d asks: %v", i, got)
		}
	}
	if !f.land(8) || !f.land(11) || !f.empty() {
		t.Fatalf("%+v", f)
	}
	if !f.send(100, false) {
		t.Fatal("the first of the next flight does not ask")
	}
}

func TestSamples(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := events.Position(rapid.Int64Range(1, 1<<40).Draw(t, "first"))
		last := first + events.Position(rapid.Int64Range(0, 1<<40).Draw(t, "more"))
		got := samples(first, last)
		if got[0] != last || len(got) > 22 {
			t.Fatalf("samples %v of %d to %d", got, first, last)
		}
		if last > first && got[1] != first {
			t.Fatalf("the first, %d, is not among %v", first, got)
		}
		if !slices.IsSorted(got[1:]) || got[len(got)-1] > last {
			t.Fatalf("samples %v of %d to %d", got, first, last)
		}
	})
	// An empty stream that begins after position 0 still says that the log reached there.
	if got := samples(8, 7); len(got) != 1 || got[0] != 7 {
		t.Errorf("samples of an empty stream: %v", got)
	}
}
