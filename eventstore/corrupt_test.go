// What readers and appenders do with a log that somebody altered.

package eventstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestAlteredLogIsCorrupt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		stream bool // it shows when the stream is read, too
		quiet  bool // it does not show in the blocks
	}{
		"a block is gone":         {change: `DELETE FROM blocks WHERE last_position = 2`},
		"the first block is gone": {change: `DELETE FROM blocks WHERE last_position = 1`},
		"a byte is another":       {change: `UPDATE blocks SET leaves = set_byte(leaves, 3, 88) WHERE last_position = 2`},
		"a line is gone":          {change: `UPDATE blocks SET leaves = '' WHERE last_position = 2`},
		"a line stands twice":     {change: `UPDATE blocks SET leaves = leaves || leaves WHERE last_position = 2`},
		"a line has no end":       {change: `UPDATE blocks SET leaves = substring(leaves FROM 1 FOR octet_length(leaves) - 1) WHERE last_position = 2`},
		"a line of another place": {change: `UPDATE blocks SET leaves = (SELECT leaves FROM blocks WHERE last_position = 3) WHERE last_position = 2`},
		"another time":            {change: `UPDATE blocks SET recorded_at = recorded_at + interval '1 microsecond' WHERE last_position = 2`},
		"a block is longer":       {change: `UPDATE blocks SET first_position = 1 WHERE last_position = 2`},
		"a decision is gone":      {change: `DELETE FROM decisions WHERE version = 2`, stream: true, quiet: true},
		"a decision is another":   {change: `UPDATE decisions SET leaf = set_byte(leaf, 3, 88) WHERE version = 2`, stream: true, quiet: true},
		"a decision of a place":   {change: `UPDATE decisions d SET leaf = (SELECT leaf FROM decisions WHERE version = 3) WHERE version = 2`, stream: true, quiet: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := eventstoretest.Postgres(t)
			k := eventstoretest.NewToken(uuid.New())
			writeThree(t, url, k)
			tamper(t, connect(t, url), c.change)
			log := opened(t, eventstore.Config{URL: url})
			if err := readError(t, log, 0); errors.Is(err, eventstore.ErrCorrupt) == c.quiet {
				t.Errorf("the log: %v", err)
			}
			var err error
			for _, err = range log.ReadStream(t.Context(), k.Stream(), 0) {
				if err != nil {
					break
				}
			}
			if errors.Is(err, eventstore.ErrCorrupt) != c.stream {
				t.Errorf("the stream: %v", err)
			}
		})
	}
}

// writeThree appends a token's beginning and two names, a block each.
func writeThree(t *testing.T, url string, k eventstoretest.Token) {
	t.Helper()
	log := opened(t, eventstore.Config{URL: url})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	mustAppend(t, log, k.Create())
	mustAppend(t, log, k.Rename(1, "second"))
	mustAppend(t, log, k.Rename(2, "third"))
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestLogWithoutItsEndEndsRun(t *testing.T) {
	t.Parallel()
	plantOther := func(k eventstoretest.Token, term int64) planted {
		return planted{first: 3, last: 3, trail: k.Trail(), at: time.Now(), term: term}
	}
	for name, lose := range map[string]func(t *testing.T, url string, k eventstoretest.Token){
		"the last block is gone": func(t *testing.T, url string, _ eventstoretest.Token) {
			tamper(t, connect(t, url), `DELETE FROM blocks WHERE last_position = 3`)
		},
		"the last block is another": func(t *testing.T, url string, k eventstoretest.Token) {
			conn := connect(t, url)
			run(t, conn, "BEGIN")
			tamper(t, conn, `DELETE FROM blocks WHERE last_position = 3`)
			plant(t, conn, plantOther(k, 1))
			run(t, conn, "COMMIT")
		},
		"a promotion lost it, and others went on": func(t *testing.T, url string, k eventstoretest.Token) {
			conn := connect(t, url)
			run(t, conn, "BEGIN")
			tamper(t, conn, `DELETE FROM blocks WHERE last_position = 3`)
			plant(t, conn, plantOther(k, 2))
			plant(t, conn, planted{first: 4, last: 5, trail: k.Trail(), at: time.Now(), term: 2})
			run(t, conn, "COMMIT")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := eventstoretest.Postgres(t)
			k := eventstoretest.NewToken(uuid.New())
			writeThree(t, url, k)
			log := opened(t, eventstore.Config{URL: url})
			ended := make(chan error, 1)
			go func() { ended <- log.Run(t.Context()) }()
			mustAppend(t, log, events.Request{Guards: []events.Guard{events.Open(k.Stream())}}) // it knows the head
			var subscribed error
			reading := make(chan struct{})
			go func() {
				defer close(reading)
				for _, subscribed = range log.Subscribe(t.Context(), 3) {
				}
			}()
			lose(t, url, k)
			if err := <-ended; !errors.Is(err, eventstore.ErrCorrupt) {
				t.Fatalf("Run: %v", err)
			}
			<-reading
			if !errors.Is(subscribed, eventstore.ErrCorrupt) {
				t.Errorf("a subscriber: %v", subscribed)
			}
			if _, err := log.Append(t.Context(), k.Use()); !errors.Is(err, events.ErrUnavailable) {
				t.Errorf("Append: %v", err)
			}
		})
	}
}

func TestTalliesThatDoNotAddUpAreCorrupt(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	k := eventstoretest.NewToken(uuid.New())
	writeThree(t, url, k)
	tamper(t, connect(t, url), `UPDATE blocks SET tally = '{}' WHERE last_position = 2`)
	log := opened(t, eventstore.Config{URL: url})
	if err := log.Run(t.Context()); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Fatal(err)
	}
}
