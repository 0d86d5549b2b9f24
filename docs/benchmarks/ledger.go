// The ledger's own log.

package main

import (
	"context"
	"errors"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

func newLedger(ctx context.Context, s *server, w workload) (contestant, error) {
	url, err := s.database(ctx, "ledger")
	if err != nil {
		return contestant{}, err
	}
	if err := eventstore.Migrate(ctx, url, ""); err != nil {
		return contestant{}, err
	}
	log, err := eventstore.Open(ctx, eventstore.Config{URL: url})
	if err != nil {
		return contestant{}, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- log.Run(running) }()
	return contestant{
		name: "tokenledger",
		guarantees: "one order of all events, gapless positions in commit order, also for each trail; guards checked at the " +
			"commit; hashes; a stream's gate and version",
		perCall: 1,
		write: func(ctx context.Context, worker, call int) error {
			e := w.at(worker, call)
			_, err := log.Append(ctx, events.Request{Batches: []events.Batch{{
				Stream: events.TokenStream(e.Token), Trail: events.OrganizationTrail(e.Organization),
				Meta:   events.Meta{Actor: events.OrganizationToken(e.Token)},
				Events: []events.Event{events.TokenUsed{Action: e.Action, Resource: e.Resource, Via: "bench"}},
			}}})
			return err
		},
		close: func(context.Context) error {
			stop()
			err := <-ended
			log.Close()
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			return err
		},
	}, nil
}
