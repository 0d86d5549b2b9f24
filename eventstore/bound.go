// Bounds: times of which the log promises that no later event is older.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
)

// Bound is a head of the log and a time: every event up to Position was recorded
// before Time, every later one at it or after.
type Bound struct {
	Position events.Position
	Time     time.Time
}

// insertBound is one statement after the lock, so that head, clock and earlier
// bounds are read together. The microseconds keep bounds apart from the events
// before them and from each other.
const insertBound = `
	INSERT INTO bounds (at, position)
	SELECT greatest(clock_timestamp(), b.recorded_at + interval '1 microsecond', f.at + interval '1 microsecond'), coalesce(b.last_position, 0)
	FROM (VALUES (1)) AS always
	LEFT JOIN LATERAL (` + lastBlock + `) AS b ON true
	LEFT JOIN LATERAL (` + lastBound + `) AS f ON true
	RETURNING at, position`

const lastBound = `SELECT at, position FROM bounds ORDER BY at DESC LIMIT 1`

// Bound takes the log's lock, reads the head and the server's clock together, and
// makes that time the floor of every later event. It holds the lock for no longer
// than the server needs to commit one row. The error wraps [events.ErrUnavailable].
func (l *Log) Bound(ctx context.Context) (Bound, error) {
	var b Bound
	err := l.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		batch := &pgx.Batch{}
		batch.Queue(beginTransaction)
		batch.Queue(`SET LOCAL lock_timeout = '10s'`)
		batch.Queue(takeLock, l.lockKey)
		batch.Queue(insertBound).QueryRow(func(row pgx.Row) error { return row.Scan(&b.Time, &b.Position) })
		batch.Queue("COMMIT")
		err := conn.SendBatch(ctx, batch).Close()
		if err != nil && !conn.Conn().IsClosed() {
			_, rollback := conn.Exec(context.WithoutCancel(ctx), "ROLLBACK")
			err = errors.Join(err, rollback)
		}
		return err
	})
	if err != nil {
		return Bound{}, fmt.Errorf("bound the log: %w: %w", events.ErrUnavailable, err)
	}
	b.Time = b.Time.UTC()
	return b, nil
}

// LastBound is the newest bound, zero where there was none.
func (l *Log) LastBound(ctx context.Context) (Bound, error) {
	var b Bound
	err := l.pool.QueryRow(ctx, lastBound).Scan(&b.Time, &b.Position)
	if errors.Is(err, pgx.ErrNoRows) {
		return Bound{}, nil
	}
	if err != nil {
		return Bound{}, fmt.Errorf("read the last bound: %w", err)
	}
	b.Time = b.Time.UTC()
	return b, nil
}
