// Partitions of the log: what each holds, and how the oldest leaves the database. Nothing here
// happens by itself.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
)

// Partition is a range of the log, which is a table of its own.
type Partition struct {
	Table       string
	From, To    events.Position // it takes the blocks that end at From or after it and before To
	First, Last events.Position // of its events; 0 while it has none
	Blocks      int64
	Bytes       int64     // on disk, with its index
	Ended       time.Time // when its last event was recorded
	// Pending: its detach was interrupted. It does not belong to the log any more.
	Pending bool
}

// Full reports whether nothing will be added to the partition.
func (p Partition) Full(head events.Position) bool { return p.Last > 0 && head >= p.To }

const selectPartitions = `
	SELECT c.relname::text, b.bound[1]::bigint, b.bound[2]::bigint, pg_total_relation_size(c.oid), i.inhdetachpending
	FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	CROSS JOIN LATERAL (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \('(\d+)'\) TO \('(\d+)'\)$$)) AS b (bound)
	WHERE i.inhparent = 'blocks'::regclass ORDER BY 2`

// Partitions lists those of the log, in order.
func (l *Log) Partitions(ctx context.Context) ([]Partition, error) {
	rows, _ := l.pool.Query(ctx, selectPartitions) // its error comes out of the rows
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Partition, err error) {
		err = row.Scan(&p.Table, &p.From, &p.To, &p.Bytes, &p.Pending)
		return p, err
	})
	for i := range all {
		if p := &all[i]; err == nil && !p.Pending {
			const sql = `SELECT coalesce(min(first_position), 0), coalesce(max(last_position), 0), count(*), coalesce(max(recorded_at), 'epoch')
				FROM blocks WHERE last_position >= $1 AND last_position < $2`
			err = l.pool.QueryRow(ctx, sql, int64(p.From), int64(p.To)).Scan(&p.First, &p.Last, &p.Blocks, &p.Ended)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("look at the partitions of the log: %w", err)
	}
	return all, nil
}

// Needed says what in the log still refers to events up to a position, nil for nothing.
func (l *Log) Needed(ctx context.Context, last events.Position) error {
	var keys int64
	const sql = `SELECT count(*) FROM idempotency WHERE first_position <= $1 AND created_at >= clock_timestamp() - interval '24 hours'`
	if err := l.pool.QueryRow(ctx, sql, int64(last)).Scan(&keys); err != nil {
		return fmt.Errorf("look what refers to position %d: %w", last, err)
	}
	if keys > 0 {
		return fmt.Errorf("%d idempotency keys of the last 24 hours answer with events up to position %d", keys, last)
	}
	return nil
}

// Edge is what a detached partition leaves of the events tree: the frontier up to its
// last event, and the hashes of the leaves of the tile that is not full.
type Edge struct{ Frontier, Leaves []byte }

// Detach takes a partition out of the log as the migrator, which the URL's user has to be able to
// act as, and leaves it as a table of its own. Appends go on meanwhile. What must be true before is the
// caller's to check. It may be repeated after an interruption.
func Detach(ctx context.Context, url, schema string, p Partition, edge Edge) error {
	return asMigrator(ctx, url, schema, func(conn *pgx.Conn) error {
		sql := "ALTER TABLE blocks DETACH PARTITION " + pgx.Identifier{p.Table}.Sanitize()
		if p.Pending {
			_, err := conn.Exec(ctx, sql+" FINALIZE")
			return err
		}
		const keep = `INSERT INTO tree_edges (position, frontier, leaves) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
		if _, err := conn.Exec(ctx, keep, int64(p.Last), edge.Frontier, edge.Leaves); err != nil {
			return fmt.Errorf("keep the edge of the events tree: %w", err)
		}
		_, err := conn.Exec(ctx, sql+" CONCURRENTLY")
		return err
	})
}

// Drop drops a partition that was detached, as the migrator. One that belongs to the log is refused.
func Drop(ctx context.Context, url, schema, table string) error {
	name := pgx.Identifier{table}.Sanitize()
	return asMigrator(ctx, url, schema, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			var attached bool
			const sql = `SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = $1::text::regclass)`
			if err := tx.QueryRow(ctx, sql, name).Scan(&attached); err != nil {
				return err
			}
			if attached {
				return fmt.Errorf("%s belongs to the log and is not dropped", table)
			}
			_, err := tx.Exec(ctx, "DROP TABLE "+name)
			return err
		})
	})
}

// asMigrator does something with the rights of the owner of the log's tables.
func asMigrator(ctx context.Context, url, schema string, do func(*pgx.Conn) error) error {
	pool, err := pgxpool.ParseConfig(url) // it may have settings of the pool in it
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	config := pool.ConnConfig
	config.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize() + ", pg_temp"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("act as %s: %w", RoleMigrator, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err = conn.Exec(ctx, "SET ROLE "+RoleMigrator); err == nil {
		err = do(conn)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == insufficientPrivilege {
		return fmt.Errorf("%w: it takes a login that may act as %s: %s", ErrNotPermitted, RoleMigrator, e.Message)
	}
	return err
}
