// How a program uses the log.

package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// A log is migrated, opened and run; then requests are appended to it. A request
// says what it was decided on, and is refused if that is no longer so.
func ExampleLog_Append() {
	ctx, stop := context.WithCancel(context.Background())
	keys, err := keyring.LoadOrCreate("keys.json")
	if err != nil {
		panic(err)
	}
	url := os.Getenv("DATABASE_URL")
	if err := eventstore.Migrate(ctx, url, ""); err != nil {
		panic(err)
	}
	log, err := eventstore.Open(ctx, eventstore.Config{URL: url, Keys: keys})
	if err != nil {
		panic(err)
	}
	defer log.Close()
	var group errgroup.Group
	group.Go(func() error { return log.Run(ctx) })
	defer func() {
		stop()
		_ = group.Wait()
	}()

	token, organization := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	receipt, err := log.Append(ctx, events.Request{
		Guards: []events.Guard{events.Open(events.TokenStream(token))},
		Batches: []events.Batch{{
			Stream: events.TokenStream(token),
			Trail:  events.OrganizationTrail(organization),
			Meta:   events.Meta{Actor: events.OrganizationToken(token)},
			Events: []events.Event{events.TokenUsed{Action: "createEvidence"}},
		}},
	})
	switch {
	case errors.Is(err, events.ErrGateClosed):
		fmt.Println("the token is revoked, suspended or unknown")
	case err != nil:
		fmt.Println("not recorded, so not allowed:", err)
	default:
		fmt.Println("recorded at position", receipt.Last())
	}
}

// A subscriber keeps the position of the last event it has dealt with.
func ExampleLog_Subscribe() {
	follow := func(ctx context.Context, log *eventstore.Log, last events.Position) error {
		for r, err := range log.Subscribe(ctx, last) {
			if err != nil {
				return err // subscribe again after last, unless it is ErrCorrupt
			}
			fmt.Println(r.Position, r.Event.Type())
			last = r.Position
		}
		return nil
	}
	_ = follow
}
