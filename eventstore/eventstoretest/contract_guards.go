// The contract's tests of refusals: guards, gates, deadlines, keys.

package eventstoretest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func requestIsAllOrNothing(t *testing.T, s Store) {
	org := uuid.New()
	there, other := NewToken(org), NewToken(org)
	mustAppend(t, s, there.Create())
	// The second half of each bad request is what cannot be.
	bad := func(caller, i int) events.Request {
		r := NewToken(org).Create()
		if caller%2 == 0 {
			r.Guards = append(r.Guards, events.NoStream(there.Stream()))
		} else {
			r.Batches = append(r.Batches, other.Batch())
		}
		return r
	}
	receipts := busy(t, s, 8, 10, func(caller, i int) events.Request {
		if caller < 4 {
			return bad(caller, i)
		}
		return NewToken(org).Create()
	}, events.ErrConflict, events.ErrInvalid)
	if len(receipts) != 4*10 {
		t.Fatalf("%d requests were recorded, want 40", len(receipts))
	}
	if head, err := s.Head(t.Context()); err != nil || head != 1+4*10 {
		t.Fatalf("the head is %d, %v; want 41", head, err)
	}
}

func noStreamMeansNone(t *testing.T, s Store) {
	k := NewToken(uuid.New())
	receipts := busy(t, s, 16, 1, func(int, int) events.Request { return k.Create() }, events.ErrConflict)
	if len(receipts) != 1 {
		t.Fatalf("the token was created %d times", len(receipts))
	}
	mustRefuse(t, s, k.Create(), events.ErrConflict)
}

func quietMeansNoDecisionSince(t *testing.T, s Store) {
	k := NewToken(uuid.New())
	at := mustAppend(t, s, k.Create()).Last()
	// Of several requests that rest on the same position, one is recorded; the
	// uses between them are no decisions.
	for range 4 {
		receipts := busy(t, s, 16, 1, func(int, int) events.Request {
			r := NewToken(uuid.New()).Create()
			r.Quiet = []events.Quiet{{Kind: events.KindToken, After: at}}
			return r
		}, events.ErrConflict)
		if len(receipts) != 1 {
			t.Fatalf("%d requests rest on position %d, want 1", len(receipts), at)
		}
		at = receipts[0].Last()
		mustAppend(t, s, k.Use())
	}
	// Another kind has been quiet all the time.
	other := k.Use()
	other.Quiet = []events.Quiet{{Kind: events.KindUser, After: 1}}
	mustAppend(t, s, other)
	other.Quiet[0] = events.Quiet{Kind: events.KindToken, After: at - 1}
	mustRefuse(t, s, other, events.ErrConflict)
}

func versionIsExact(t *testing.T, s Store) {
	k := NewToken(uuid.New())
	mustRefuse(t, s, k.Rename(1, "early"), events.ErrConflict)
	mustAppend(t, s, k.Create())
	for at := events.Version(1); at < 5; at++ {
		receipts := busy(t, s, 8, 1, func(int, int) events.Request { return k.Rename(at, "next") }, events.ErrConflict)
		if len(receipts) != 1 || receipts[0].Placed[0].Version != at+1 {
			t.Fatalf("of several changes at version %d came %v", at, receipts)
		}
	}
	mustRefuse(t, s, k.Rename(4, "late"), events.ErrConflict)
	mustRefuse(t, s, k.Rename(6, "early"), events.ErrConflict)
	// A use is recorded on the versions it was decided on, and changes none.
	use := k.Use()
	use.Guards = append(use.Guards, events.AtVersion(k.Stream(), 5))
	mustAppend(t, s, use)
	mustAppend(t, s, use)
	mustAppend(t, s, k.Rename(5, "last"))
	mustRefuse(t, s, use, events.ErrConflict)
}

func openMeansExistingAndOpen(t *testing.T, s Store) {
	k := NewToken(uuid.New())
	mustRefuse(t, s, k.Use(), events.ErrGateClosed)
	mustAppend(t, s, k.Create())
	mustAppend(t, s, k.Use())
	mustAppend(t, s, k.Decide(events.TokenSuspended{}))
	mustRefuse(t, s, k.Use(), events.ErrGateClosed)
	mustAppend(t, s, k.Decide(events.TokenResumed{}))
	mustAppend(t, s, k.Use())

	until := mustAppend(t, s, k.Use()).RecordedAt.Add(300 * time.Millisecond)
	mustAppend(t, s, k.Decide(events.TokenSuspended{Until: until}))
	mustRefuse(t, s, k.Use(), events.ErrGateClosed)
	for {
		receipt, err := s.Append(t.Context(), k.Use())
		if err == nil {
			if receipt.RecordedAt.Before(until) {
				t.Fatalf("closed until %s, used at %s", until, receipt.RecordedAt)
			}
			break
		}
		if !errors.Is(err, events.ErrGateClosed) || time.Now().After(until.Add(30*time.Second)) {
			t.Fatal(err)
		}
	}

	mustAppend(t, s, k.Decide(events.TokenRevoked{}, events.TokenRenamed{Name: "gone"}))
	mustRefuse(t, s, k.Use(), events.ErrGateClosed)
}

func noUseAfterRevocation(t *testing.T, s Store) {
	k := NewToken(uuid.New())
	mustAppend(t, s, k.Create())
	var group sync.WaitGroup
	started := make(chan struct{}, 64)
	for range 16 {
		group.Go(func() {
			for {
				_, err := s.Append(t.Context(), k.Use())
				if errors.Is(err, events.ErrGateClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case started <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 64 {
		<-started
	}
	revoked := mustAppend(t, s, k.Decide(events.TokenRevoked{})).Last()
	group.Wait()
	all := readAll(t, s, 0)
	if last := all[len(all)-1].Position; last != revoked {
		t.Fatalf("revoked at %d, used at %d", revoked, last)
	}
}

func deadlineIsKept(t *testing.T, s Store) {
	k := NewToken(uuid.New())
	created := mustAppend(t, s, k.Create())
	use := k.Use()
	use.NotAfter = created.RecordedAt.Add(-time.Microsecond)
	mustRefuse(t, s, use, events.ErrTooLate)
	use.NotAfter = created.RecordedAt.Add(time.Hour)
	mustAppend(t, s, use)
	use.NotAfter = created.RecordedAt.Add(100 * time.Millisecond)
	for {
		receipt, err := s.Append(t.Context(), use)
		if errors.Is(err, events.ErrTooLate) {
			return
		}
		if err != nil || receipt.RecordedAt.After(use.NotAfter) {
			t.Fatalf("recorded at %s, %v; the deadline is %s", receipt.RecordedAt, err, use.NotAfter)
		}
	}
}

func keyAnswersOnce(t *testing.T, s Store) {
	k := NewToken(uuid.New())
	r := k.Create()
	r.Once = events.Key{Caller: "user", Key: "first", Hash: [32]byte{1}}
	// All at once, then again when everything is long settled.
	receipts := busy(t, s, 8, 2, func(int, int) events.Request { return r })
	if len(receipts) != 16 {
		t.Fatalf("%d answers, want 16", len(receipts))
	}
	fresh := 0
	for _, receipt := range receipts {
		if !receipt.Replayed {
			fresh++
		}
		if len(receipt.Placed) != 1 || receipt.Placed[0] != receipts[0].Placed[0] || !receipt.RecordedAt.Equal(receipts[0].RecordedAt) {
			t.Fatalf("two answers: %+v and %+v", receipts[0], receipt)
		}
	}
	if fresh != 1 {
		t.Fatalf("%d answers say that they are the first", fresh)
	}
	other := r
	other.Once.Hash = [32]byte{2}
	mustRefuse(t, s, other, events.ErrKeyReused)
	other.Once.Caller = "another user"
	mustRefuse(t, s, other, events.ErrConflict) // the key is another one, the guard speaks
	if head, err := s.Head(context.WithoutCancel(t.Context())); err != nil || head != 1 {
		t.Fatalf("the head is %d, %v; want 1", head, err)
	}
}
