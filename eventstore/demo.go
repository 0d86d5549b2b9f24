// Demos: logs whose times a program tells, marked as such for good.

package eventstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// demoMark is how the origin of a demo begins: "demo" in ASCII. The UUID is of version
// 8, which no log gets from its migration.
const demoMark = "demo"

// ErrDemo is returned where a demo would be made of a log that is none, or a log that is
// none be dated by a story.
var ErrDemo = errors.New("this log is no demo")

// IsDemo reports whether an origin is that of a demo. It stands in every checkpoint, and
// so in every proof and pack, and in the source of every message.
func IsDemo(origin string) bool {
	id, err := uuid.Parse(origin)
	return err == nil && id.Version() == 8 && string(id[:len(demoMark)]) == demoMark
}

// MarkDemo makes a migrated log without any event one of a demo, begun at that instant.
// Only such a log is dated by [Config.Story]. The error wraps [ErrDemo] if there are
// events: what was recorded by a clock stays so.
func MarkDemo(ctx context.Context, url, schema string, began time.Time) error {
	var id uuid.UUID
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	copy(id[:], demoMark)
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8 of RFC 9562
	pool, err := pgxpool.ParseConfig(url)           // it may have settings of the pool in it
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	if schema == "" {
		schema = DefaultSchema
	}
	pool.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	conn, err := pgx.ConnectConfig(ctx, pool.ConnConfig)
	if err != nil {
		return fmt.Errorf("mark the log as a demo's: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return mark(ctx, tx, id, began) }); err != nil {
		return fmt.Errorf("mark the log as a demo's: %w", err)
	}
	return nil
}

// mark needs the owner of the tables, who alone can set their guard aside: the log's
// origin is as immutable as its events, but for this moment before there are any.
func mark(ctx context.Context, tx pgx.Tx, origin uuid.UUID, began time.Time) error {
	const guard, update = "ALTER TABLE log %s TRIGGER append_only_rows", `UPDATE log SET origin = $1, created_at = $2
		WHERE NOT EXISTS (SELECT FROM blocks) AND NOT EXISTS (SELECT FROM bounds)`
	if _, err := tx.Exec(ctx, fmt.Sprintf(guard, "DISABLE")); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, update, origin, began)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("it has events already: %w", ErrDemo)
	}
	_, err = tx.Exec(ctx, fmt.Sprintf(guard, "ENABLE ALWAYS"))
	return err
}

// dated is the instant of what is recorded now: the server's clock, read a moment ago
// under the lock, or what the story of a demo says.
func (l *Log) dated(server time.Time) time.Time {
	if l.config.Story == nil {
		return server
	}
	return l.config.Story().UTC().Truncate(time.Microsecond)
}
