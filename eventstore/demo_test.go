// Demos: only a log that is marked as one is dated by a story.

package eventstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestOnlyADemoIsDatedByAStory(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	at := time.Date(2026, 3, 2, 9, 30, 0, 123456789, time.UTC)
	told := eventstore.Config{URL: url, Story: func() time.Time { return at }}
	if log, err := eventstore.Open(t.Context(), told); !errors.Is(err, eventstore.ErrDemo) {
		log.Close()
		t.Fatalf("a real log takes a story: %v", err)
	}
	if err := eventstore.MarkDemo(t.Context(), url, "", at); err != nil {
		t.Fatal(err)
	}
	log := eventstoretest.Start(t, told)
	if !eventstore.IsDemo(log.Origin()) {
		t.Errorf("the origin %s does not say that it is a demo's", log.Origin())
	}
	k := eventstoretest.NewToken(uuid.New())
	if receipt := mustAppend(t, log, k.Create()); !receipt.RecordedAt.Equal(at.Truncate(time.Microsecond)) {
		t.Errorf("recorded at %s, the story says %s", receipt.RecordedAt, at)
	}
	bound, err := log.Bound(t.Context())
	if err != nil || bound.Time.Before(at.Truncate(time.Microsecond)) || bound.Time.After(at.Add(time.Second)) {
		t.Errorf("bound at %s, %v; the story says %s", bound.Time, err, at)
	}
	if err := eventstore.MarkDemo(t.Context(), url, "", at); !errors.Is(err, eventstore.ErrDemo) {
		t.Errorf("a log with events was marked: %v", err)
	}
}

func TestNoOriginOfAMigrationIsADemos(t *testing.T) {
	t.Parallel()
	for range 1000 {
		if id := uuid.NewString(); eventstore.IsDemo(id) {
			t.Fatal(id)
		}
	}
	if eventstore.IsDemo("demo") || eventstore.IsDemo("") {
		t.Error("what is no UUID is no origin")
	}
	// The mark alone is not enough: it may come about by chance.
	if id := uuid.UUID([]byte("demo\x00\x00\x4f\x00\x8f-drawn-v4")[:16]); eventstore.IsDemo(id.String()) {
		t.Errorf("%s is of version %d", id, id.Version())
	}
}
