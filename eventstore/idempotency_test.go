// Requests with a key: answered again for a day, and then forgotten.

package eventstore_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestReplayedAnswersBeforeDeciding(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	k := eventstoretest.NewToken(uuid.New())
	once := events.Key{Caller: "user", Key: "k", Hash: [32]byte{7}}
	if _, found, err := log.Replayed(t.Context(), once); found || err != nil {
		t.Fatal(found, err)
	}
	r := k.Decide(k.Created(), events.TokenUsed{}, events.TokenRenamed{Name: "x"})
	r.Once = once
	mustAppend(t, log, eventstoretest.NewToken(uuid.New()).Create())
	want := mustAppend(t, log, r)
	mustAppend(t, log, k.Use())
	want.Replayed = true
	for _, l := range []*eventstore.Log{log, opened(t, eventstore.Config{URL: url})} {
		got, found, err := l.Replayed(t.Context(), once)
		if err != nil || !found || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, %v, %v; want %+v", got, found, err, want)
		}
		other := once
		other.Hash[0]++
		if _, found, err := l.Replayed(t.Context(), other); !found || !errors.Is(err, events.ErrKeyReused) {
			t.Fatal(found, err)
		}
		if _, found, err := l.Replayed(t.Context(), events.Key{}); found || err != nil {
			t.Fatal(found, err)
		}
	}
}

func TestKeysAreForgottenAfterADay(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	admin := connect(t, url)
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Create())
	request := func(key string, hash byte) events.Request {
		r := k.Use()
		r.Once = events.Key{Caller: "user", Key: key, Hash: [32]byte{hash}}
		return r
	}
	mustAppend(t, log, request("a", 1))
	mustAppend(t, log, request("b", 1))
	run(t, admin, `UPDATE idempotency SET created_at = created_at - interval '23 hours 59 minutes'`)
	if receipt := mustAppend(t, log, request("a", 1)); !receipt.Replayed {
		t.Fatal("forgotten too early")
	}
	run(t, admin, `UPDATE idempotency SET created_at = created_at - interval '1 minute'`)
	if receipt := mustAppend(t, log, request("a", 2)); receipt.Replayed || receipt.Last() != 4 {
		t.Fatalf("not forgotten: %+v", receipt)
	}
	if receipt := mustAppend(t, log, request("a", 2)); !receipt.Replayed || receipt.Last() != 4 {
		t.Fatalf("the new command is not remembered: %+v", receipt)
	}
	// The first log may have swept already, or may have done so before there was anything to sweep.
	eventstoretest.Start(t, eventstore.Config{URL: url})
	await(t, "the old key is swept", func() bool {
		return query[string](t, admin, `SELECT string_agg(key, ',') FROM idempotency`) == "a"
	})
}
