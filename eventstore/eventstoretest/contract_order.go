// The contract's tests of order: positions, trails, versions, times, receipts.

package eventstoretest

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// crowd is a log in which several callers at once create, rename and use tokens
// of two organizations.
func crowd(t *testing.T, s Store) []events.Receipt {
	t.Helper()
	orgs := []uuid.UUID{uuid.New(), uuid.New()}
	const callers, times = 8, 12
	tokens := make([]Token, callers)
	for i := range tokens {
		tokens[i] = NewToken(orgs[i%len(orgs)])
	}
	return busy(t, s, callers, times, func(caller, i int) events.Request {
		k := tokens[caller]
		switch {
		case i == 0:
			return k.Create()
		case i%3 == 0:
			return k.Rename(events.Version(i+2)/3, fmt.Sprint("name ", i))
		default:
			return k.Use()
		}
	})
}

func positionsHaveNoGap(t *testing.T, s Store) {
	crowd(t, s)
	all := readAll(t, s, 0)
	if len(all) != 8*12 {
		t.Fatalf("%d events, want %d", len(all), 8*12)
	}
	for i, r := range all {
		if r.Position != events.Position(i+1) {
			t.Fatalf("event number %d stands at position %d", i+1, r.Position)
		}
	}
}

func trailPositionsHaveNoGap(t *testing.T, s Store) {
	crowd(t, s)
	last := map[events.TrailID]events.Position{}
	for _, r := range readAll(t, s, 0) {
		if last[r.Trail]++; r.TrailPosition != last[r.Trail] {
			t.Fatalf("event number %d of trail %s says %d", last[r.Trail], r.Trail, r.TrailPosition)
		}
	}
	if len(last) != 2 {
		t.Fatalf("%d trails, want 2", len(last))
	}
}

func versionsHaveNoGap(t *testing.T, s Store) {
	crowd(t, s)
	last := map[events.StreamID]events.Version{}
	for _, r := range readAll(t, s, 0) {
		if _, used := r.Event.(events.TokenUsed); used {
			if r.Version != 0 || r.Decision() {
				t.Fatalf("a use has version %d", r.Version)
			}
			continue
		}
		if last[r.Stream]++; r.Version != last[r.Stream] {
			t.Fatalf("decision number %d of %s has version %d", last[r.Stream], r.Stream, r.Version)
		}
	}
	for stream, version := range last {
		if version != 4 {
			t.Fatalf("%s is at version %d, want 4", stream, version)
		}
	}
}

func timeNeverGoesBack(t *testing.T, s Store) {
	crowd(t, s)
	all := readAll(t, s, 0)
	for i := 1; i < len(all); i++ {
		if all[i].RecordedAt.Before(all[i-1].RecordedAt) {
			t.Fatalf("position %d is of %s, the one before of %s", all[i].Position, all[i].RecordedAt, all[i-1].RecordedAt)
		}
	}
}

func acknowledgedIsRead(t *testing.T, s Store) {
	receipts := crowd(t, s)
	all := readAll(t, s, 0)
	count := 0
	for _, receipt := range receipts {
		for _, p := range receipt.Placed {
			count++
			r := all[p.Position-1]
			got := events.Placed{
				Position: r.Position, TrailPosition: r.TrailPosition, Stream: r.Stream,
				Version: r.Version, Type: r.Event.Type(), LeafHash: r.LeafHash,
			}
			if got != p || r.LeafHash != events.LeafHash(r.Leaf) || !r.RecordedAt.Equal(receipt.RecordedAt) {
				t.Fatalf("the receipt says %+v at %s, the log %+v at %s", p, receipt.RecordedAt, got, r.RecordedAt)
			}
		}
	}
	if count != len(all) {
		t.Fatalf("%d events are acknowledged, %d recorded", count, len(all))
	}
}

func requestStandsTogether(t *testing.T, s Store) {
	const parts = 5
	busy(t, s, 8, 10, func(caller, i int) events.Request {
		var r events.Request
		for range parts {
			k := NewToken(uuid.New())
			b := k.Batch(k.Created(), events.TokenUsed{Action: fmt.Sprintf("%d/%d", caller, i)})
			b.Meta.Correlation = fmt.Sprintf("%d/%d", caller, i)
			r.Guards = append(r.Guards, events.NoStream(k.Stream()))
			r.Batches = append(r.Batches, b)
		}
		return r
	})
	all := readAll(t, s, 0)
	if len(all) != 8*10*parts*2 {
		t.Fatalf("%d events", len(all))
	}
	for i, r := range all {
		if first := all[i-i%(parts*2)]; r.Meta.Correlation != first.Meta.Correlation {
			t.Fatalf("position %d is of request %s, among events of %s", r.Position, r.Meta.Correlation, first.Meta.Correlation)
		}
		if _, used := r.Event.(events.TokenUsed); used != (i%2 == 1) {
			t.Fatalf("position %d is out of its request's order", r.Position)
		}
	}
}

func relativePositionsBecomeAbsolute(t *testing.T, s Store) {
	k := NewToken(uuid.New())
	mustAppend(t, s, k.Create())
	receipt := mustAppend(t, s, k.Decide(
		events.TokenSourceSeen{}, events.TokenUsed{Source: -1}, events.TokenUsed{Source: -2}, events.TokenUsed{Source: 1}))
	seen := receipt.Placed[0].Position
	all := readAll(t, s, seen)
	for i, want := range []events.Position{seen, seen, 1} {
		if got := all[i].Event.(events.TokenUsed).Source; got != want {
			t.Fatalf("use number %d has source %d, want %d", i+1, got, want)
		}
	}
}
