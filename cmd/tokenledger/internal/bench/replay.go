// Replaying a log: as lines, as events, and into every read model.

package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// ReplayOptions say what the log holds.
type ReplayOptions struct {
	Events        int // uses
	Tokens        int
	Organizations int
	Addresses     int
	Rounds        int
}

// Seed fills a running log for [Replay].
func (o ReplayOptions) Seed(ctx context.Context, log *eventstore.Log) error {
	c := newCrowd(o.Organizations, o.Tokens)
	if err := c.begin(ctx, log, 1, o.Addresses); err != nil {
		return err
	}
	return c.uses(ctx, log, 0, o.Events)
}

// Replay reads a seeded log from its first event, which nobody else follows. The
// baselines are one connection that reads the same blocks and looks at nothing,
// and one that inserts the same leaves as rows by unnest of 1,000.
func Replay(ctx context.Context, log *eventstore.Log, url, schema string, o ReplayOptions) ([]Figure, error) {
	pool, err := projections.OpenPool(ctx, url, schema)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	ways := []struct {
		what string
		run  func(context.Context) (int, error)
	}{
		{"blocks read, nothing made of them", func(ctx context.Context) (int, error) { return bareBlocks(ctx, pool) }},
		{"leaves, each hashed", func(ctx context.Context) (int, error) { return replayLeaves(ctx, log) }},
		{"events, decoded", func(ctx context.Context) (int, error) { return replayEvents(ctx, log) }},
		{"rows, inserted by unnest of 1,000", func(ctx context.Context) (int, error) { return replayRows(ctx, log, url) }},
		{"into every read model", func(ctx context.Context) (int, error) { return replayModels(ctx, log, pool) }},
	}
	rates, costs := make([][]float64, len(ways)), make([][]float64, len(ways))
	for range o.Rounds {
		for i, w := range ways {
			used, begin := processorTime()+childrenTime(), time.Now()
			n, err := w.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.what, err)
			}
			rates[i] = append(rates[i], float64(n)/time.Since(begin).Seconds())
			costs[i] = append(costs[i], float64((processorTime()+childrenTime()-used).Microseconds())/float64(n))
		}
	}
	figure := func(i int) Figure { return reported(ways[i].what, median(rates[i]), "events/s") }
	return []Figure{
		figure(1).beside(ways[0].what, median(rates[0])).atLeast(300_000),
		figure(2).beside(ways[0].what, median(rates[0])).atLeast(150_000),
		figure(4).beside(ways[3].what, median(rates[3])).atLeast(60_000),
		reported("processor time of one into every read model, Postgres' included", median(costs[4]), "µs").beside(ways[3].what, median(costs[3])),
	}, nil
}

func bareBlocks(ctx context.Context, pool *pgxpool.Pool) (n int, err error) {
	rows, err := pool.Query(ctx, `SELECT first_position, last_position, leaves FROM blocks ORDER BY last_position`)
	if err != nil {
		return 0, err
	}
	var first, last int
	var leaves []byte
	_, err = pgx.ForEachRow(rows, []any{&first, &last, &leaves}, func() error {
		n += last - first + 1
		return nil
	})
	return n, err
}

func replayLeaves(ctx context.Context, log *eventstore.Log) (n int, err error) {
	var mixed byte
	for b, err := range log.Blocks(ctx, 0, false) {
		if err != nil {
			return n, err
		}
		if err := b.Lines(func(l eventstore.Line) error {
			hash := events.LeafHash(l.Leaf)
			mixed ^= hash[0]
			n++
			return nil
		}); err != nil {
			return n, err
		}
	}
	return n, nil
}

func replayEvents(ctx context.Context, log *eventstore.Log) (n int, err error) {
	for b, err := range log.Blocks(ctx, 0, false) {
		if err != nil {
			return n, err
		}
		recorded, err := b.Events()
		if err != nil {
			return n, err
		}
		n += len(recorded)
	}
	return n, nil
}

// replayRows inserts what the log holds as an event table.
func replayRows(ctx context.Context, log *eventstore.Log, url string) (n int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `DROP TABLE IF EXISTS public.tokenledger_bench_leaves;
		CREATE TABLE public.tokenledger_bench_leaves (position bigint PRIMARY KEY, leaf bytea NOT NULL)`); err != nil {
		return 0, err
	}
	var at []int64
	var leaves [][]byte
	flush := func() error {
		_, err := conn.Exec(ctx, `INSERT INTO public.tokenledger_bench_leaves SELECT * FROM unnest($1::bigint[], $2::bytea[])`, at, leaves)
		n, at, leaves = n+len(at), at[:0], leaves[:0]
		return err
	}
	for b, err := range log.Blocks(ctx, 0, false) {
		if err != nil {
			return n, err
		}
		if err := b.Lines(func(l eventstore.Line) error {
			if at, leaves = append(at, int64(l.Position)), append(leaves, l.Leaf); len(at) < rawRows {
				return nil
			}
			return flush()
		}); err != nil {
			return n, err
		}
	}
	return n, flush()
}

// replayModels builds all read models from nothing.
func replayModels(ctx context.Context, log *eventstore.Log, pool *pgxpool.Pool) (int, error) {
	if err := dropModels(ctx, pool); err != nil {
		return 0, err
	}
	head, err := log.Head(ctx)
	if err != nil {
		return 0, err
	}
	stop, _, err := runModels(ctx, log, pool, projections.All(), head)
	if err != nil {
		return 0, err
	}
	return int(head), stop()
}

// runModels runs read models until they include the position. They go on until stop.
func runModels(
	ctx context.Context, log *eventstore.Log, pool *pgxpool.Pool, all []projections.Projection, until events.Position,
) (stop func() error, _ *projections.Runner, err error) {
	runner, err := projections.NewRunner(ctx, projections.RunnerConfig{
		Log: log, Pool: pool, Projections: all, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, nil, err
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(running) }()
	stop = func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
	if err := awaitModels(ctx, runner, until); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return stop, runner, nil
}

// awaitModels waits as long as it takes, unless one stands still.
func awaitModels(ctx context.Context, runner *projections.Runner, until events.Position) error {
	for {
		err := runner.Wait(ctx, until)
		if !errors.Is(err, projections.ErrStale) {
			return err
		}
		for _, s := range runner.Status() {
			if s.Err != nil {
				return fmt.Errorf("the read model %s stands still: %w", s.Name, s.Err)
			}
		}
	}
}

// dropModels removes every table of the read models, so that they begin anew.
func dropModels(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, `DO $$ DECLARE name text; BEGIN
		FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
			EXECUTE format('DROP TABLE %I CASCADE', name);
		END LOOP; END $$`)
	return err
}
