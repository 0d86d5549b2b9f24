// Logs for tests: opened, running, and closed when the test ends.

package eventstoretest

import (
	"context"
	"testing"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// Open is a running log in a fresh database, with keys of its own.
func Open(tb testing.TB) *eventstore.Log {
	tb.Helper()
	return Start(tb, eventstore.Config{URL: Postgres(tb), Keys: keyring.Generate()})
}

// Start is a running log of this configuration. It ends with the test, which
// fails if the log turned out to be corrupt.
func Start(tb testing.TB, c eventstore.Config) *eventstore.Log {
	tb.Helper()
	log, err := eventstore.Open(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Errorf("the log: %v", err)
		}
		log.Close()
	})
	return log
}
