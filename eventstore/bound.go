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

// insertBound comes under the lock, with the clock that was read under it: no block is
// between. The microseconds keep bounds apart from the events before them and from
// each other.
const insertBound = `
	INSERT INTO bounds (at, position)
	SELECT greatest($1, b.recorded_at + interval '1 microsecond', f.at + interval '1 microsecond'), coalesce(b.last_position, 0)
	FROM (VALUES (1)) AS always
	LEFT JOIN LATERAL (` + lastBlock + `) AS b ON true
	LEFT JOIN LATERAL (` + lastBound + `) AS f ON true
	RETURNING at, position`

const lastBound = `SELECT at, position FROM bounds ORDER BY at DESC LIMIT 1`

// Bound takes the log's lock, reads the head and the server's clock together, and
// makes that time the floor of every later event. A bound that is far ahead would stop
// all appends until its time has come, so clocks that differ refuse it. It holds the
// lock for two round trips. The error wraps [events.ErrUnavailable].
func (l *Log) Bound(ctx context.Context) (Bound, error) {
	var b Bound
	err := l.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) (err error) {
		b, err = l.insertBound(ctx, conn)
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

func (l *Log) insertBound(ctx context.Context, conn *pgxpool.Conn) (b Bound, err error) {
	var now time.Time
	first := &pgx.Batch{}
	first.Queue(beginTransaction)
	first.Queue(`SET LOCAL lock_timeout = '10s'`)
	first.Queue(`SET LOCAL idle_in_transaction_session_timeout = '10s'`)
	first.Queue(takeLock, l.lockKey)
	first.Queue(`SELECT clock_timestamp()`).QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	if err := conn.SendBatch(ctx, first).Close(); err != nil {
		return b, err
	}
	now = l.dated(now)
	if err := l.checkClock(now); err != nil {
		return b, err
	}
	second := &pgx.Batch{}
	second.Queue(insertBound, now).QueryRow(func(row pgx.Row) error { return row.Scan(&b.Time, &b.Position) })
	second.Queue("COMMIT")
	return b, conn.SendBatch(ctx, second).Close()
}

// checkClock compares the server's clock, read just now, with this process's.
func (l *Log) checkClock(server time.Time) error {
	if off := server.Sub(l.config.Now()); off.Abs() > maxClockError {
		return fmt.Errorf("the clocks of the server and of this process differ by %s; set them right", off)
	}
	return nil
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
