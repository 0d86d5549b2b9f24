// Run: the goroutines of the log, and the chores beside appending.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// choreEvery is how often partitions, snapshots and old keys are looked after.
const choreEvery = time.Minute

// partitionSize is the number of positions in a partition, as the migrations
// have it. Partitions are made this far ahead of the head.
const partitionSize = 10_000_000

// Run appends what callers ask for and follows what other processes append. It
// returns nil when ctx has ended and every accepted append is answered, or an
// error that wraps [ErrCorrupt]. It can be called once.
func (l *Log) Run(ctx context.Context) error {
	if l.ran.Swap(true) {
		return errors.New("event store: Run was called before")
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.follow(ctx) })
	g.Go(func() error { return l.doChores(ctx) })
	g.Go(func() error { return newAppender(l).run(ctx) })
	return g.Wait()
}

func (l *Log) doChores(ctx context.Context) error {
	tick := time.NewTicker(choreEvery)
	defer tick.Stop()
	for {
		for _, do := range []func(context.Context) error{l.load, l.makePartitions, l.snapshotCounts, l.forgetAnswers, l.rewrapSubjects} {
			if err := do(ctx); err != nil && ctx.Err() == nil {
				l.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a chore of the log failed", slog.String("error", err.Error()))
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// makePartitions makes sure of the head's partition and of the next.
func (l *Log) makePartitions(ctx context.Context) error {
	const sql = `SELECT make_blocks_partition(head), make_blocks_partition(head + $1)
		FROM (SELECT coalesce((SELECT last_position FROM blocks ORDER BY last_position DESC LIMIT 1), 0) AS head) AS at`
	if _, err := l.pool.Exec(ctx, sql, partitionSize); err != nil {
		return fmt.Errorf("make partitions: %w", err)
	}
	return nil
}

// forgetAnswers removes the keys that are a day old.
func (l *Log) forgetAnswers(ctx context.Context) error {
	const sql = `DELETE FROM idempotency WHERE created_at < clock_timestamp() - interval '24 hours'`
	if _, err := l.pool.Exec(ctx, sql); err != nil {
		return fmt.Errorf("forget old idempotency keys: %w", err)
	}
	return nil
}
