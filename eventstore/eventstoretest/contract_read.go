// The contract's tests of reading.

package eventstoretest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func readStreamGivesDecisions(t *testing.T, s Store) {
	org := uuid.New()
	k, other := NewToken(org), NewToken(org)
	mustAppend(t, s, k.Create())
	mustAppend(t, s, other.Create())
	for at := events.Version(1); at < 5; at++ {
		mustAppend(t, s, k.Use())
		mustAppend(t, s, k.Rename(at, "next"))
	}
	all := readAll(t, s, 0)
	for after := range events.Version(7) {
		last := after
		for r, err := range s.ReadStream(t.Context(), k.Stream(), after) {
			if err != nil {
				t.Fatal(err)
			}
			if last++; r.Version != last || r.Stream != k.Stream() || string(r.Leaf) != string(all[r.Position-1].Leaf) {
				t.Fatalf("after version %d comes %s", last-1, r.Leaf)
			}
		}
		if last != max(5, after) {
			t.Fatalf("read after %d, it ended at %d; want 5", after, last)
		}
	}
	for r, err := range s.ReadStream(t.Context(), NewToken(org).Stream(), 0) {
		t.Fatalf("a stream that does not exist gives %v, %v", r, err)
	}
}

func readAllEndsAtTheHead(t *testing.T, s Store) {
	if all := readAll(t, s, 0); len(all) != 0 {
		t.Fatalf("an empty log gives %v", all)
	}
	crowd(t, s)
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for after := events.Position(0); after <= head+1; after += 7 {
		last := after
		for _, r := range readAll(t, s, after) {
			if last++; r.Position != last {
				t.Fatalf("after position %d comes %d", last-1, r.Position)
			}
		}
		if last != max(head, after) {
			t.Fatalf("read after %d, it ended at %d; the head is %d", after, last, head)
		}
	}
	for range s.ReadAll(t.Context(), 0) {
		return // a reader may stop where it likes
	}
	t.Fatal("nothing to read")
}

func subscribeWaitsAtTheHead(t *testing.T, s Store) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	k := NewToken(uuid.New())
	mustAppend(t, s, k.Create())
	const uses = 200
	done := make(chan error, 1)
	go func() {
		for range uses {
			if _, err := s.Append(ctx, k.Use()); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	last := events.Position(0)
	var end error
	for r, err := range s.Subscribe(ctx, 0) {
		if err != nil {
			end = err
			break
		}
		if last++; r.Position != last {
			t.Fatalf("after position %d comes %d", last-1, r.Position)
		}
		if last == 1+uses {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			cancel()
		}
	}
	if last != 1+uses || !errors.Is(end, context.Canceled) {
		t.Fatalf("the subscription ended at %d with %v", last, end)
	}
}
