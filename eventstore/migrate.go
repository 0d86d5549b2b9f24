// Migrations: roles and schemas first, then the embedded SQL files, forward only.

package eventstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// Roles are what the service and people act as. They cannot log in: the user of
// the URL takes them on.
const (
	RoleAppender  = "tokenledger_appender"  // reads the log and adds to it
	RoleProjector = "tokenledger_projector" // reads the log, owns the read models
	RoleReader    = "tokenledger_reader"    // reads both, no keys and no credentials
)

// Migrate brings the log's schema, schema_views beside it and the roles to what
// this program needs. An empty schema is [DefaultSchema]. Several processes may
// call it at once; one migrates, the others wait.
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
	if err := prepare(ctx, config, schema); err != nil {
		return fmt.Errorf("prepare the database: %w", err)
	}
	db := stdlib.OpenDB(*config)
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

// prepare creates what no migration can: the schemas that hold its own table
// and the roles, which belong to the whole cluster.
func prepare(ctx context.Context, config *pgx.ConnConfig, schema string) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var statements []string
	for _, role := range []string{RoleAppender, RoleProjector, RoleReader} {
		statements = append(statements, createRole(role))
	}
	for _, name := range []string{schema, schema + "_views"} {
		statements = append(statements, createSchema(name))
	}
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == insufficientPrivilege {
				return fmt.Errorf("%w; let an administrator run:\n%s", ErrNotPermitted, administratorSQL(config, schema))
			}
			return err
		}
	}
	return nil
}

const insufficientPrivilege = "42501"

// createRole makes a role and lets the current user take it on. Databases of one
// cluster may be migrated at the same time; whoever comes second finds it done.
func createRole(role string) string {
	return fmt.Sprintf(`DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%[1]s') THEN
    BEGIN
      CREATE ROLE %[1]s NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END IF;
  IF NOT pg_has_role('%[1]s', 'MEMBER') THEN
    BEGIN
      GRANT %[1]s TO CURRENT_USER;
    EXCEPTION WHEN unique_violation THEN NULL;
    END;
  END IF;
END $$`, role)
}

// createSchema asks first, since IF NOT EXISTS would need the right to create
// even where an administrator has made the schema.
func createSchema(name string) string {
	return fmt.Sprintf(`DO $$ BEGIN
  IF to_regnamespace(%[1]s) IS NULL THEN
    BEGIN
      CREATE SCHEMA %[2]s;
    EXCEPTION WHEN duplicate_schema OR unique_violation THEN NULL;
    END;
  END IF;
END $$`, literal(pgx.Identifier{name}.Sanitize()), pgx.Identifier{name}.Sanitize())
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func administratorSQL(config *pgx.ConnConfig, schema string) string {
	user := pgx.Identifier{config.User}.Sanitize()
	var b strings.Builder
	for _, role := range []string{RoleAppender, RoleProjector, RoleReader} {
		fmt.Fprintf(&b, "CREATE ROLE %s NOLOGIN;\n", role)
	}
	fmt.Fprintf(&b, "GRANT %s, %s, %s TO %s;\n", RoleAppender, RoleProjector, RoleReader, user)
	for _, name := range []string{schema, schema + "_views"} {
		fmt.Fprintf(&b, "CREATE SCHEMA %s AUTHORIZATION %s;\n", pgx.Identifier{name}.Sanitize(), user)
	}
	return b.String()
}
