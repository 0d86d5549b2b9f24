// Time in the log: when clocks cannot be trusted, and terms.

package eventstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestClocksThatDifferRefuse(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-6 * time.Second, -3 * time.Second, 3 * time.Second, 6 * time.Second} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			log := eventstoretest.Start(t, eventstore.Config{
				URL: eventstoretest.Postgres(t), Now: func() time.Time { return time.Now().Add(off) },
			})
			_, err := log.Append(t.Context(), eventstoretest.NewToken(uuid.New()).Create())
			if refused := errors.Is(err, events.ErrUnavailable); refused != (off.Abs() > 5*time.Second) {
				t.Fatal(err)
			}
		})
	}
}

func TestRecordedTimeNeverDecreases(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{3 * time.Second, time.Minute} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			url := eventstoretest.Postgres(t)
			k := eventstoretest.NewToken(uuid.New())
			last := time.Now().Add(ahead).Truncate(time.Microsecond).UTC()
			plant(t, connect(t, url), planted{first: 1, last: 10, trail: k.Trail(), at: last})
			log := eventstoretest.Start(t, eventstore.Config{URL: url})
			receipt, err := log.Append(t.Context(), k.Create())
			if ahead > 5*time.Second {
				if !errors.Is(err, events.ErrUnavailable) {
					t.Fatalf("the server's clock is %s behind the log: %v", ahead, err)
				}
				return
			}
			if err != nil || !receipt.RecordedAt.Equal(last) || receipt.Last() != 11 {
				t.Fatalf("recorded at %d, %s, %v; the block before is of %s", receipt.Last(), receipt.RecordedAt, err, last)
			}
		})
	}
}

func TestTermGrowsWithAPromotionOnly(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	k := eventstoretest.NewToken(uuid.New())
	plant(t, connect(t, url), planted{first: 1, last: 10, trail: k.Trail(), at: time.Now(), term: 3, timeline: 7})
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	mustAppend(t, log, k.Create())
	mustAppend(t, log, k.Use())
	for b, err := range log.Blocks(t.Context(), 10, false) {
		if err != nil || b.Term != 4 {
			t.Fatalf("the block from %d has term %d, %v", b.First, b.Term, err)
		}
	}
}
