// River: a queue of jobs in Postgres; an event is a job that is inserted.

package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// usedArgs is the event as a job.
type usedArgs struct {
	Stream   string `json:"stream"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

func (usedArgs) Kind() string { return "token_used" }

func newRiver(batch int) func(context.Context, *server, workload) (contestant, error) {
	return func(ctx context.Context, s *server, w workload) (contestant, error) {
		url, err := s.database(ctx, fmt.Sprintf("river_%d", batch))
		if err != nil {
			return contestant{}, err
		}
		pool, err := openPool(ctx, url)
		if err != nil {
			return contestant{}, err
		}
		driver := riverpgxv5.New(pool)
		migrator, err := rivermigrate.New(driver, nil)
		if err != nil {
			return contestant{}, err
		}
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return contestant{}, fmt.Errorf("make River's tables: %w", err)
		}
		client, err := river.NewClient[pgx.Tx](driver, &river.Config{})
		if err != nil {
			return contestant{}, err
		}
		return contestant{
			name: fmt.Sprintf("River ×%d", batch), perCall: batch,
			guarantees: "jobs, each to be worked once; an id from a sequence, with gaps; no order, no check of state",
			write: func(ctx context.Context, worker, call int) error {
				jobs := make([]river.InsertManyParams, batch)
				for i := range jobs {
					e := w.at(worker, call*batch+i)
					jobs[i].Args = usedArgs{Stream: e.stream(), Action: e.Action, Resource: e.Resource}
				}
				_, err := client.InsertManyFast(ctx, jobs)
				return err
			},
			close: func(context.Context) error { pool.Close(); return nil },
		}, nil
	}
}
