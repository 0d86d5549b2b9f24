// The log keeps the contract of an event store, with one process and with two.

package eventstore_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

func TestLogKeepsTheContract(t *testing.T) {
	t.Parallel()
	eventstoretest.Run(t, func(t *testing.T) eventstoretest.Store { return eventstoretest.Open(t) })
}

func TestTwoLogsOnOneDatabaseKeepTheContract(t *testing.T) {
	t.Parallel()
	eventstoretest.Run(t, func(t *testing.T) eventstoretest.Store {
		c := eventstore.Config{URL: eventstoretest.Postgres(t), Keys: keyring.Generate()}
		return &pair{Log: eventstoretest.Start(t, c), other: eventstoretest.Start(t, c)}
	})
}

// pair is two processes with one database. Appends go to them in turn.
type pair struct {
	*eventstore.Log
	other *eventstore.Log
	turn  atomic.Int64
}

func (p *pair) Append(ctx context.Context, r events.Request) (events.Receipt, error) {
	if p.turn.Add(1)%2 == 0 {
		return p.other.Append(ctx, r)
	}
	return p.Log.Append(ctx, r)
}
