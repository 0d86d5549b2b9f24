// Readers: from memory and from the database, slow and quick, of this process and
// of another.

package eventstore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestDecisionsAreReadByPosition(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	org := uuid.New()
	for range 3 { // more than are read at once
		var r events.Request
		for range 500 {
			k := eventstoretest.NewToken(org)
			r.Batches = append(r.Batches, k.Batch(k.Created(), events.TokenUsed{}))
		}
		mustAppend(t, log, r)
	}
	var want []events.Position
	for _, r := range readAll(t, log, 0) {
		if r.Decision() {
			want = append(want, r.Position)
		}
	}
	for _, skip := range []int{0, 1, 999, 1000, 1499, 1500} {
		after := events.Position(0)
		if skip > 0 {
			after = want[skip-1]
		}
		got := 0
		for r, err := range log.Decisions(t.Context(), after) {
			if err != nil || r.Position != want[skip+got] {
				t.Fatalf("after %d, decision number %d stands at %d, %v", after, got, r.Position, err)
			}
			got++
		}
		if got != len(want)-skip {
			t.Fatalf("%d decisions after %d, want %d", got, after, len(want)-skip)
		}
	}
}

// A reader that falls back behind what is in memory goes on from the database.
func TestSlowReaderMissesNothing(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Create())
	proceed := make(chan struct{})
	var group sync.WaitGroup
	const large = 8
	for slow := range 2 {
		group.Go(func() {
			last := events.Position(0)
			for r, err := range log.Subscribe(ctx, 0) {
				if err != nil {
					t.Errorf("after %d: %v", last, err)
					return
				}
				if last++; r.Position != last {
					t.Errorf("after %d comes %d", last-1, r.Position)
					return
				}
				if last == 1 && slow == 1 {
					<-proceed
				}
				if last == 1+large*90 {
					return
				}
			}
		})
	}
	many := make([]events.Event, 90)
	for i := range many {
		many[i] = events.TokenDescribed{Description: strings.Repeat("x", 60<<10)}
	}
	for range large { // 5 MiB each, more than is kept
		mustAppend(t, log, k.Decide(many...))
	}
	close(proceed)
	group.Wait()
}

func TestReaderBeginsInTheMiddleOfABlock(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Decide(k.Created(), events.TokenUsed{}, events.TokenUsed{}))
	mustAppend(t, log, k.Decide(events.TokenUsed{}, events.TokenUsed{}))
	for _, l := range []*eventstore.Log{log, opened(t, eventstore.Config{URL: url})} {
		for after := events.Position(0); after < 5; after++ {
			first := true
			for b, err := range l.Blocks(t.Context(), after, false) {
				if err != nil {
					t.Fatal(err)
				}
				if first && (b.First > after+1 || b.Last <= after) {
					t.Errorf("after %d comes a block from %d to %d", after, b.First, b.Last)
				}
				first = false
			}
			if all := readAll(t, l, after); len(all) != 5-int(after) || all[0].Position != after+1 {
				t.Errorf("after %d come %d events", after, len(all))
			}
		}
		for range l.Blocks(t.Context(), 5, false) {
			t.Error("a block after the head")
		}
	}
}

// Whoever reads only need not run the log.
func TestSubscriptionWithoutRun(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	reader := opened(t, eventstore.Config{URL: url})
	k := eventstoretest.NewToken(uuid.New())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	mustAppend(t, log, k.Create())
	last := events.Position(0)
	for r, err := range reader.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if last++; r.Position != last {
			t.Fatalf("after %d comes %d", last-1, r.Position)
		}
		if last == 5 {
			return
		}
		mustAppend(t, log, k.Use())
	}
}

func TestBlocksAreDecodedOnceForAll(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Create())
	var first []events.Recorded
	for range 2 {
		for b, err := range log.Blocks(t.Context(), 0, false) {
			if err != nil {
				t.Fatal(err)
			}
			all, err := b.Events()
			if err != nil {
				t.Fatal(err)
			}
			if first != nil && &all[0] != &first[0] {
				t.Error("decoded twice")
			}
			first = all
		}
	}
}

// A process that is far behind reads what it lacks without holding up the others.
func TestAppenderCatchesUpFromFarBehind(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	admin := connect(t, url)
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	k := eventstoretest.NewToken(uuid.New())
	head := mustAppend(t, log, k.Create()).Last()
	for range 10 { // the follower may come first, sometimes
		plant(t, admin, planted{first: head + 1, last: head + 5000, trail: k.Trail(), at: time.Now()})
		log.Nudge()
		receipt := mustAppend(t, log, k.Use())
		if head += 5001; receipt.Last() != head || receipt.Placed[0].TrailPosition != head {
			t.Fatalf("the use stands at %d, %d in its trail; want %d", receipt.Last(), receipt.Placed[0].TrailPosition, head)
		}
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	mustAppend(t, log, eventstoretest.NewToken(uuid.New()).Create())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := log.Head(ctx)
	errs := map[string]error{"Head": err}
	for name, read := range map[string]func() error{
		"ReadAll": func() (err error) {
			for _, err = range log.ReadAll(ctx, 0) {
			}
			return err
		},
		"Subscribe": func() (err error) {
			for _, err = range log.Subscribe(ctx, 0) {
			}
			return err
		},
		"Decisions": func() (err error) {
			for _, err = range log.Decisions(ctx, 0) {
			}
			return err
		},
		"ReadStream": func() (err error) {
			for _, err = range log.ReadStream(ctx, "token-x", 0) {
			}
			return err
		},
		"AllCredentials": func() (err error) {
			for _, err = range log.AllCredentials(ctx) {
			}
			return err
		},
	} {
		errs[name] = read()
	}
	for name, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
