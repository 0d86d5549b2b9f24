// Migrations: roles and schemas first (roles.go), then the embedded SQL files, forward only.

package eventstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DefaultSchema is the Postgres schema of a log whose configuration names none.
const DefaultSchema = "tokenledger"

// ErrNotMigrated is returned for a database whose schema is missing or older
// than this program.
var ErrNotMigrated = errors.New("the database is not migrated")

// ErrNotPermitted is returned by [Migrate] when the user of the URL may not
// create roles or schemas; the message holds the SQL for an administrator.
var ErrNotPermitted = errors.New("the database user may not do this")

// Migrate brings the log's schema, schema_views beside it and the roles to what
// this program needs. An empty schema is [DefaultSchema]. Several processes may
// call it at once; one migrates, the others wait. A user that may not act as the
// migrator changes nothing: [Open] says whether somebody else has yet to.
func Migrate(ctx context.Context, url, schema string) error {
	if schema == "" {
		schema = DefaultSchema
	}
	pool, err := pgxpool.ParseConfig(url) // it may have settings of the pool in it
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	config := pool.ConnConfig
	// pg_temp last, so that no temporary table can stand in for one of the log in
	// the functions that keep this path.
	config.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize() + ", pg_temp"
	if mine, err := prepare(ctx, config, schema); err != nil || !mine {
		if err != nil {
			err = fmt.Errorf("prepare the database: %w", err)
		}
		return err
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET ROLE "+RoleMigrator)
		return err
	}))
	defer db.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	h := fnv.New32a()
	h.Write([]byte("tokenledger migrations " + schema))
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(int64(h.Sum32())), lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate schema %s: %w", schema, err)
	}
	return nil
}
