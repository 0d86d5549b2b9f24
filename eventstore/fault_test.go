// What becomes of appends when the database or the way to it fails: an answer is
// always the truth, and appending goes on by itself.

package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

func TestCutConnectionsAreHealed(t *testing.T) {
	t.Parallel()
	// A block is two requests of the appender, each with an answer: one begins it,
	// one commits it.
	for _, c := range []struct {
		name    string
		answers bool
		after   int
	}{
		{"the block is not begun", false, 0},
		{"its beginning is not answered", true, 0},
		{"the COMMIT does not arrive", false, 1},
		{"the COMMIT is not answered", true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, url := newProxy(t, eventstoretest.Postgres(t))
			log := eventstoretest.Start(t, eventstore.Config{URL: url, Keys: keyring.Generate()})
			k := eventstoretest.NewToken(uuid.New())
			mustAppend(t, log, k.Create())
			mustAppend(t, log, k.Rename(1, "before"))
			done := p.cutOff(c.answers, c.after)
			r := k.Rename(2, "after")
			r.Once = events.Key{Caller: "c", Key: "k"}
			if receipt := mustAppend(t, log, r); receipt.Replayed || receipt.Last() != 3 || receipt.Placed[0].Version != 3 {
				t.Fatalf("%+v", receipt)
			}
			<-done
			if receipt := mustAppend(t, log, r); !receipt.Replayed {
				t.Fatal("the key is forgotten")
			}
			mustAppend(t, log, k.Rename(3, "last"))
			if all := readAll(t, log, 0); len(all) != 4 {
				t.Fatalf("%d events", len(all))
			}
		})
	}
}

func TestKilledBackendsLoseNoAcknowledgedEvent(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: url, Keys: keyring.Generate()})
	admin := connect(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const head = `SELECT coalesce(max(last_position), 0)::int FROM blocks`
	var group sync.WaitGroup
	var mu sync.Mutex // guards answers
	answers := map[string]error{}
	for caller := range 16 {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				k := eventstoretest.NewToken(uuid.New())
				r := k.Create()
				name := fmt.Sprintf("%d/%d", caller, i)
				r.Batches[0].Meta.Correlation = name
				_, err := log.Append(t.Context(), r)
				mu.Lock()
				answers[name] = err
				mu.Unlock()
			}
		})
	}
	for kill := range 40 {
		before := query[int](t, admin, head)
		await(t, "appending goes on", func() bool { return query[int](t, admin, head) > before+kill })
		run(t, admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE application_name = 'tokenledger-appender' AND datname = current_database()`)
	}
	cancel()
	group.Wait()
	recorded := map[string]int{}
	for _, r := range readAll(t, log, 0) {
		recorded[r.Meta.Correlation]++
	}
	good := 0
	for name, err := range answers {
		switch {
		case err == nil && recorded[name] != 1:
			t.Errorf("%s is acknowledged and recorded %d times", name, recorded[name])
		case err != nil && recorded[name] != 0:
			t.Errorf("%s is refused (%v) and recorded %d times", name, err, recorded[name])
		case err != nil && !errors.Is(err, events.ErrUnavailable):
			t.Errorf("%s: %v", name, err)
		case err == nil:
			good++
		}
	}
	if good < 100 || len(recorded) != good {
		t.Fatalf("%d acknowledged, %d recorded", good, len(recorded))
	}
}

func TestAppendsAreRefusedWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	p, url := newProxy(t, eventstoretest.Postgres(t))
	log := eventstoretest.Start(t, eventstore.Config{URL: url, Keys: keyring.Generate()})
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Create())
	p.close()
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if _, err := log.Append(t.Context(), k.Use()); !errors.Is(err, events.ErrUnavailable) {
				t.Errorf("without a database: %v", err)
			}
		})
	}
	group.Wait()
	p.open()
	if receipt := mustAppend(t, log, k.Use()); receipt.Last() != 2 {
		t.Fatalf("the next event stands at %d", receipt.Last())
	}
}

func TestCommitWithoutAnswerIsLookedUpWhenTheDatabaseComesBack(t *testing.T) {
	t.Parallel()
	p, url := newProxy(t, eventstoretest.Postgres(t))
	log := eventstoretest.Start(t, eventstore.Config{URL: url, Keys: keyring.Generate()})
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Create())
	mustAppend(t, log, k.Use())
	cut := p.goAway(true, 1)
	done := make(chan error, 1)
	go func() {
		receipt, err := log.Append(t.Context(), k.Use())
		if err == nil && receipt.Last() != 3 {
			err = fmt.Errorf("it stands at %d", receipt.Last())
		}
		done <- err
	}()
	<-cut
	// Who comes now is refused, so the appender knows that the database is away.
	for refused := false; !refused; {
		_, err := log.Append(t.Context(), k.Use())
		refused = errors.Is(err, events.ErrUnavailable)
	}
	select {
	case err := <-done:
		t.Fatalf("answered without asking: %v", err)
	default:
	}
	p.open()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// Other connections of the log may still be broken; a reader would try again.
	if all := readAll(t, opened(t, eventstore.Config{URL: url}), 2); len(all) != 1 {
		t.Fatalf("%d events after the second", len(all))
	}
}

func TestCallerMayLeaveABlockThatHangs(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Create())
	other := connect(t, url)
	run(t, other, "BEGIN")
	run(t, other, "LOCK TABLE blocks IN ACCESS EXCLUSIVE MODE")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := log.Append(ctx, k.Use()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	run(t, other, "ROLLBACK")
	// The use of then may stand in the log or not; the next one does.
	if receipt := mustAppend(t, log, k.Use()); receipt.Last() != 2 && receipt.Last() != 3 {
		t.Fatalf("the next event stands at %d", receipt.Last())
	}
}
