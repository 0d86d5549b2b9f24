// Tallies: how many events each trail has, found again at a start.

package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// snapshotEvery is after how many events, at least, the counts of all trails are
// written down. A log of many trails does it less often, so that the snapshots
// stay small beside the log.
const snapshotEvery = 100_000

// load sets the tail to the head as it is now, unless it was loaded before. A tail
// that failed stays so.
func (l *Log) load(ctx context.Context) error {
	if loaded, err := l.tail.state(); loaded || err != nil {
		return err
	}
	// One snapshot of the database: counts and head must belong together.
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, l.pool, options, func(tx pgx.Tx) error {
		h, err := l.readHead(ctx, tx)
		if err != nil {
			return err
		}
		counts, err := readCounts(ctx, tx)
		if err != nil {
			return err
		}
		var sum events.Position
		for _, n := range counts {
			sum += n
		}
		if sum != h.last {
			return fmt.Errorf("%w: its trails have %d events, its head is %d", ErrCorrupt, sum, h.last)
		}
		l.subjects.forgetAll()
		l.tail.load(h, counts)
		return nil
	})
}

// readCounts adds the tallies of later blocks to the newest snapshot.
func readCounts(ctx context.Context, tx pgx.Tx) (map[events.TrailID]events.Position, error) {
	var at events.Position
	counts := map[events.TrailID]events.Position{}
	err := tx.QueryRow(ctx, `SELECT position, counts FROM tally_snapshots ORDER BY position DESC LIMIT 1`).Scan(&at, &counts)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("read the counts of trails: %w", err)
	}
	const sql = `SELECT key, sum(value::bigint)::bigint FROM blocks, jsonb_each_text(tally) WHERE last_position > $1 GROUP BY key`
	rows, _ := tx.Query(ctx, sql, int64(at)) // its error comes out of the rows
	var trail events.TrailID
	var n events.Position
	_, err = pgx.ForEachRow(rows, []any{&trail, &n}, func() error {
		counts[trail] += n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("add up the tallies of blocks: %w", err)
	}
	return counts, nil
}

// snapshotCounts writes the counts down when the last time is long ago.
func (l *Log) snapshotCounts(ctx context.Context) error {
	at, counts := l.tail.snapshot()
	var last events.Position
	const sql = `SELECT coalesce(max(position), 0) FROM tally_snapshots`
	if err := l.pool.QueryRow(ctx, sql).Scan(&last); err != nil {
		return fmt.Errorf("look for the counts of trails: %w", err)
	}
	if at-last < events.Position(max(snapshotEvery, 4*len(counts))) {
		return nil
	}
	return l.writeCounts(ctx, at, counts)
}

// CountTrails writes the counts down as they are now, so that a start adds up nothing of what is
// before.
func (l *Log) CountTrails(ctx context.Context) error {
	if err := l.load(ctx); err != nil {
		return err
	}
	at, counts := l.tail.snapshot()
	return l.writeCounts(ctx, at, counts)
}

func (l *Log) writeCounts(ctx context.Context, at events.Position, counts map[events.TrailID]events.Position) error {
	b, err := json.Marshal(counts)
	if err != nil {
		return err
	}
	_, err = l.pool.Exec(ctx, `INSERT INTO tally_snapshots (position, counts) VALUES ($1, $2) ON CONFLICT DO NOTHING`, int64(at), b)
	if err != nil {
		return fmt.Errorf("write the counts of trails: %w", err)
	}
	return nil
}
