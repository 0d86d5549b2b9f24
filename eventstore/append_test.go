// Appending, as callers see it: what is refused, who waits, who goes first.

package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

func TestInvalidRequestsAreRefusedBeforeTheyQueue(t *testing.T) {
	t.Parallel()
	log := opened(t, eventstore.Config{URL: eventstoretest.Postgres(t), Keys: keyring.Generate()})
	k := eventstoretest.NewToken(uuid.New())
	user := events.UserStream(uuid.New())
	person := func(p events.Personal) events.Request {
		return events.Request{Batches: []events.Batch{{
			Stream: user, Trail: "operator", Meta: events.Meta{Actor: events.System("test")},
			Events: []events.Event{events.UserCreated{Email: p}},
		}}}
	}
	with := func(change func(*events.Request)) events.Request {
		r := k.Create()
		change(&r)
		return r
	}
	many := make([]events.Event, 10_001)
	for i := range many {
		many[i] = events.TokenUsed{}
	}
	large := make([]events.Event, 200)
	for i := range large {
		large[i] = events.TokenDescribed{Description: strings.Repeat("x", 60<<10)}
	}
	for name, r := range map[string]events.Request{
		"a batch without events":      {Batches: []events.Batch{k.Batch()}},
		"a stream of no kind":         with(func(r *events.Request) { r.Guards[0].Stream = "thing-" + events.StreamID(k.ID.String()) }),
		"a guard with NUL":            with(func(r *events.Request) { r.Guards[0].Stream = "a\x00-" + events.StreamID(k.ID.String()) }),
		"a trail that is none":        with(func(r *events.Request) { r.Batches[0].Trail = `x","position":1` }),
		"an event of another stream":  with(func(r *events.Request) { r.Batches[0].Stream = user }),
		"no actor":                    with(func(r *events.Request) { r.Batches[0].Meta = events.Meta{} }),
		"a key without a caller":      with(func(r *events.Request) { r.Once.Key = "k" }),
		"a key with NUL":              with(func(r *events.Request) { r.Once = events.Key{Caller: "c", Key: "\x00"} }),
		"a long key":                  with(func(r *events.Request) { r.Once = events.Key{Caller: "c", Key: strings.Repeat("k", 256)} }),
		"a credential of another":     with(func(r *events.Request) { r.Credentials = []events.Credential{{Token: uuid.New()}} }),
		"two credentials":             with(func(r *events.Request) { r.Credentials = []events.Credential{{Token: k.ID}, {Token: k.ID}} }),
		"too many events":             k.Decide(many...),
		"too many bytes":              k.Decide(large...),
		"a leaf that is too large":    k.Decide(events.TokenDescribed{Description: strings.Repeat("x", 65<<10)}),
		"a long personal value":       person(events.Personal{Subject: user, Value: strings.Repeat("x", 5000)}),
		"a personal value, no UTF-8":  person(events.Personal{Subject: user, Value: "\xff"}),
		"a personal value of nobody":  person(events.Personal{Subject: "user-x", Value: "x"}),
		"a text that is not UTF-8":    k.Decide(events.TokenRenamed{Name: "\xff"}),
		"a credential with a use":     {Batches: []events.Batch{k.Batch(events.TokenUsed{})}, Credentials: []events.Credential{{Token: k.ID}}},
		"many guards":                 {Guards: make([]events.Guard, 20_001)},
		"an event that is not listed": k.Decide(events.Unknown{Name: "token.new", Version: 1}),
	} {
		if _, err := log.Append(t.Context(), r); !errors.Is(err, events.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := log.Queued(); n != 0 {
		t.Errorf("%d requests wait", n)
	}
}

func TestPersonalValuesNeedKeys(t *testing.T) {
	t.Parallel()
	log := opened(t, eventstore.Config{URL: eventstoretest.Postgres(t)})
	k := eventstoretest.NewToken(uuid.New())
	r := k.Decide(events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(k.Organization), Value: "192.0.2.1"}})
	if _, err := log.Append(t.Context(), r); !errors.Is(err, events.ErrInvalid) {
		t.Fatal(err)
	}
}

func TestLargeRequestIsABlockAlone(t *testing.T) {
	t.Parallel()
	log := opened(t, eventstore.Config{URL: eventstoretest.Postgres(t)})
	k := eventstoretest.NewToken(uuid.New())
	many := []events.Event{k.Created()}
	for len(many) < 10_000 {
		many = append(many, events.TokenUsed{})
	}
	wait := queueInOrder(t, log, k.Use(), k.Decide(many...), k.Use())
	start(t, log)
	answers := wait()
	if !errors.Is(answers[0].err, events.ErrGateClosed) || answers[1].err != nil || answers[2].err != nil {
		t.Fatal(answers[0].err, answers[1].err, answers[2].err)
	}
	var sizes []events.Position
	for b, err := range log.Blocks(t.Context(), 0, false) {
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, b.Last-b.First+1)
	}
	if fmt.Sprint(sizes) != "[10000 1]" {
		t.Fatalf("blocks of %v events", sizes)
	}
}

func TestRequestsInOneBlockAreRefusedAlone(t *testing.T) {
	t.Parallel()
	log := opened(t, eventstore.Config{URL: eventstoretest.Postgres(t)})
	org := uuid.New() // of both, since requests of one trail keep their order
	k, other := eventstoretest.NewToken(org), eventstoretest.NewToken(org)
	late := other.Create()
	late.NotAfter = time.Now().Add(-time.Minute)
	before := k.Decide(events.TokenUsed{Source: -1000})
	wait := queueInOrder(t, log,
		k.Create(), k.Create(), late, other.Use(), before, k.Use(), k.Rename(1, "a"), k.Rename(1, "b"),
		k.Decide(events.TokenRevoked{}), k.Use(), other.Create())
	start(t, log)
	want := []error{
		nil, events.ErrConflict, events.ErrTooLate, events.ErrGateClosed, events.ErrInvalid, nil, nil, events.ErrConflict,
		nil, events.ErrGateClosed, nil,
	}
	position := events.Position(0)
	for i, answer := range wait() {
		if !errors.Is(answer.err, want[i]) {
			t.Errorf("request %d: %v, want %v", i, answer.err, want[i])
		}
		if answer.err == nil {
			if position++; answer.receipt.Last() != position {
				t.Errorf("request %d stands at %d, want %d", i, answer.receipt.Last(), position)
			}
		}
	}
	for b, err := range log.Blocks(t.Context(), 0, false) {
		if err != nil || b.First != 1 || b.Last != position {
			t.Fatalf("a block from %d to %d, %v", b.First, b.Last, err)
		}
	}
}

func TestRequestWithoutEventsIsCheckedAndAnsweredOnce(t *testing.T) {
	t.Parallel()
	log := eventstoretest.Open(t)
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Create())
	r := events.Request{
		Once:   events.Key{Caller: "c", Key: "k"},
		Guards: []events.Guard{events.AtVersion(k.Stream(), 1)},
	}
	if receipt := mustAppend(t, log, r); receipt.Replayed || receipt.Last() != 0 || receipt.RecordedAt.IsZero() {
		t.Fatalf("%+v", receipt)
	}
	mustAppend(t, log, k.Rename(1, "next"))
	if receipt := mustAppend(t, log, r); !receipt.Replayed || receipt.Last() != 0 || receipt.RecordedAt.IsZero() {
		t.Fatalf("%+v", receipt)
	}
	r.Once = events.Key{}
	if _, err := log.Append(t.Context(), r); !errors.Is(err, events.ErrConflict) {
		t.Fatal(err)
	}
}

func TestCallerWhoLeavesTheQueueLeavesNothing(t *testing.T) {
	t.Parallel()
	log := opened(t, eventstore.Config{URL: eventstoretest.Postgres(t)})
	ctx, cancel := context.WithCancel(t.Context())
	k := eventstoretest.NewToken(uuid.New())
	done := make(chan error, 1)
	go func() {
		_, err := log.Append(ctx, k.Create())
		done <- err
	}()
	await(t, "the request queues", func() bool { return log.Queued() == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	start(t, log)
	if receipt := mustAppend(t, log, k.Create()); receipt.Last() != 1 {
		t.Fatalf("the first event stands at %d", receipt.Last())
	}
}

func TestFullLaneIsBusyAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	log := opened(t, eventstore.Config{URL: eventstoretest.Postgres(t)})
	busy, quiet := eventstoretest.NewToken(uuid.New()), eventstoretest.NewToken(uuid.New())
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range eventstore.LaneRequests {
		group.Go(func() {
			if _, err := log.Append(ctx, busy.Use()); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	await(t, "the lane is full", func() bool { return log.Queued() == eventstore.LaneRequests })
	if _, err := log.Append(ctx, busy.Use()); !errors.Is(err, events.ErrBusy) {
		t.Fatalf("a full lane answers %v", err)
	}
	wait := queueInOrder(t, log, quiet.Create())
	cancel()
	group.Wait()
	start(t, log)
	if answer := wait()[0]; answer.err != nil {
		t.Fatal(answer.err)
	}
}

func TestEachTrailIsServedInTurn(t *testing.T) {
	t.Parallel()
	log := opened(t, eventstore.Config{URL: eventstoretest.Postgres(t)})
	org := uuid.New()
	var requests []events.Request
	for range 3000 {
		requests = append(requests, eventstoretest.NewToken(org).Create())
	}
	for range 5 {
		requests = append(requests, eventstoretest.NewToken(uuid.New()).Create())
	}
	wait := queueInOrder(t, log, requests...)
	start(t, log)
	for i, answer := range wait() {
		if answer.err != nil {
			t.Fatal(answer.err)
		}
		if i >= 3000 && answer.receipt.Last() > 6 {
			t.Errorf("a quiet trail's request came %dth", answer.receipt.Last())
		}
	}
}

func TestEndAnswersEveryRequest(t *testing.T) {
	t.Parallel()
	log := opened(t, eventstore.Config{URL: eventstoretest.Postgres(t)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	var group sync.WaitGroup
	var mu sync.Mutex // guards recorded
	recorded := map[events.Position]bool{}
	for range 50 {
		group.Go(func() {
			for {
				receipt, err := log.Append(t.Context(), eventstoretest.NewToken(uuid.New()).Create())
				if errors.Is(err, events.ErrUnavailable) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				recorded[receipt.Last()] = true
				mu.Unlock()
			}
		})
	}
	await(t, "some are recorded", func() bool { mu.Lock(); defer mu.Unlock(); return len(recorded) > 500 })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	group.Wait()
	if head, err := log.Head(t.Context()); err != nil || int(head) != len(recorded) {
		t.Fatalf("%d events are acknowledged, the head is %d, %v", len(recorded), head, err)
	}
	if err := log.Run(t.Context()); err == nil {
		t.Fatal("a log runs twice")
	}
}

// start runs a log until the test ends.
func start(t *testing.T, log *eventstore.Log) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

type answer struct {
	receipt events.Receipt
	err     error
}

// queueInOrder lets requests queue one after another in a log that does not run
// yet; wait gives their answers.
func queueInOrder(t *testing.T, log *eventstore.Log, requests ...events.Request) (wait func() []answer) {
	t.Helper()
	answers := make([]answer, len(requests))
	var group sync.WaitGroup
	before := log.Queued()
	for i, r := range requests {
		group.Go(func() { answers[i].receipt, answers[i].err = log.Append(t.Context(), r) })
		await(t, "a request queues", func() bool { return log.Queued() == before+i+1 })
	}
	return func() []answer {
		group.Wait()
		return answers
	}
}
