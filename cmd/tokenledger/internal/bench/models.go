// What a use costs in each read model, in processor time of this process and of Postgres.

package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// ModelsOptions say what the log holds and how it is cut.
type ModelsOptions struct {
	ReplayOptions
	Run  int // uses that are applied in one transaction
	Warm int // uses before those that are measured
}

// Seed fills a running log for [Models] and gives the position behind which it is
// measured.
func (o ModelsOptions) Seed(ctx context.Context, log *eventstore.Log) (from events.Position, err error) {
	c := newCrowd(o.Organizations, o.Tokens)
	if err := c.begin(ctx, log, 1, o.Addresses); err != nil {
		return 0, err
	}
	if err := c.uses(ctx, log, 0, o.Warm); err != nil {
		return 0, err
	}
	if from, err = log.Head(ctx); err != nil {
		return 0, err
	}
	return from, c.uses(ctx, log, o.Warm, o.Events)
}

// modelsWarmRun is how much of what is not measured one transaction applies.
const modelsWarmRun = 50_000

// Models applies a seeded log to one read model after the other, in runs of a size,
// and measures the part behind a position. The events are decoded before.
func Models(ctx context.Context, log *eventstore.Log, url, schema string, from events.Position, o ModelsOptions) ([]Figure, error) {
	pool, err := projections.OpenPool(ctx, url, schema)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if _, err := projections.NewRunner(ctx, projections.RunnerConfig{Log: log, Pool: pool, Projections: projections.All()}); err != nil {
		return nil, err
	}
	var before, measured []events.Recorded
	for b, err := range log.Blocks(ctx, 0, false) {
		if err != nil {
			return nil, err
		}
		recorded, err := b.Events()
		if err != nil {
			return nil, err
		}
		if b.Last <= from {
			before = append(before, recorded...)
		} else {
			measured = append(measured, recorded...)
		}
	}
	var figures []Figure
	var whole, wholeDatabase float64
	for _, p := range projections.All() {
		if err := applyRuns(ctx, pool, p, before, modelsWarmRun); err != nil {
			return nil, err
		}
		used, database := processorTime(), childrenTime()
		if err := applyRuns(ctx, pool, p, measured, o.Run); err != nil {
			return nil, err
		}
		each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(len(measured)) }
		inDatabase := each(childrenTime() - database)
		all := each(processorTime()-used) + inDatabase
		whole, wholeDatabase = whole+all, wholeDatabase+inDatabase
		figures = append(figures, reported(p.Name(), all, "µs").beside("of these, Postgres", inDatabase))
	}
	what := fmt.Sprintf("all read models: processor time of a use, in runs of %d", o.Run)
	return append(figures, reported(what, whole, "µs").beside("of these, Postgres", wholeDatabase)), nil
}

// applyRuns folds events into the first generation of a read model, with the
// transactions that the engine would make.
func applyRuns(ctx context.Context, pool *pgxpool.Pool, p projections.Projection, all []events.Recorded, size int) error {
	t := projections.Tables{Projection: p.Name(), Revision: p.Revision(), Build: 1}
	for ; len(all) > 0; all = all[min(size, len(all)):] {
		run := all[:min(size, len(all))]
		err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: "BEGIN; SET LOCAL synchronous_commit = off"}, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE projections SET position = $1 WHERE name = $2 AND revision = $3 AND build = $4`,
				run[len(run)-1].Position, t.Projection, t.Revision, t.Build)
			if err != nil {
				return err
			}
			return p.Apply(ctx, tx, t, run)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name(), err)
		}
	}
	return nil
}
