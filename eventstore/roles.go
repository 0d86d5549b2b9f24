// The roles of a database with a log, and the schemas: what no migration can make,
// since it is what migrations run as and in.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Roles are what the service and people act as. They cannot log in: logins are
// members of them, and take them on.
const (
	RoleMigrator  = "tokenledger_migrator"  // owns the log's tables and changes how they are made
	RoleAppender  = "tokenledger_appender"  // reads the log and adds to it
	RoleProjector = "tokenledger_projector" // reads the log, owns the read models
	RoleOperator  = "tokenledger_operator"  // reads both, no keys and no credentials
	RoleReader    = "tokenledger_reader"    // reads the read models of one organization, see [CreateReader]
)

func roles() []string {
	return []string{RoleMigrator, RoleAppender, RoleProjector, RoleOperator, RoleReader}
}

// prepare makes roles and schemas, and hands what an older program made as its user
// over to the migrator. mine is false where there is a schema already, and the user is
// no migrator.
func prepare(ctx context.Context, config *pgx.ConnConfig, schema string) (mine bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	const member = `SELECT to_regnamespace($2) IS NULL OR coalesce((SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = $1), true)`
	if err := conn.QueryRow(ctx, member, RoleMigrator, pgx.Identifier{schema}.Sanitize()).Scan(&mine); err != nil || !mine {
		return false, err
	}
	statements := []string{`SELECT pg_advisory_lock(hashtext('tokenledger prepare'))`} // until the connection ends
	for _, role := range roles() {
		statements = append(statements, createRole(role))
	}
	statements = append(statements, grantRole(RoleProjector, RoleMigrator)) // whose read models it opens to operators
	for _, name := range []string{schema, schema + "_views"} {
		statements = append(statements, createSchema(name))
	}
	err = execAll(ctx, conn, statements)
	if err == nil {
		err = handOver(ctx, conn, schema)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == insufficientPrivilege {
		return false, fmt.Errorf("%w; let an administrator run:\n%s", ErrNotPermitted, administratorSQL(config, schema))
	}
	return err == nil, err
}

func execAll(ctx context.Context, conn *pgx.Conn, statements []string) error {
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// handOver makes the migrator own the log's tables and then its functions, of which
// one alters tables with its owner's rights. Each is a transaction of its own, so that
// appends wait for one table at a time and never for each other.
func handOver(ctx context.Context, conn *pgx.Conn, schema string) error {
	const sql = `
		SELECT statement FROM (
			SELECT 1 AS turn, format('ALTER TABLE %s OWNER TO %I', oid::regclass, $2::text) AS statement
			FROM pg_class WHERE relnamespace = to_regnamespace($1::text) AND relkind IN ('r', 'p') AND relowner <> to_regrole($2::text)
			UNION ALL
			SELECT 2, format('ALTER VIEW %s OWNER TO %I', oid::regclass, $2::text)
			FROM pg_class WHERE relnamespace = to_regnamespace($1::text) AND relkind = 'v' AND relowner <> to_regrole($2::text)
			UNION ALL
			SELECT 3, format('ALTER FUNCTION %s OWNER TO %I', oid::regprocedure, $2::text)
			FROM pg_proc WHERE pronamespace = to_regnamespace($1::text) AND proowner <> to_regrole($2::text)
		) AS all_of_it ORDER BY turn, statement`
	rows, err := conn.Query(ctx, sql, pgx.Identifier{schema}.Sanitize(), RoleMigrator)
	if err != nil {
		return err
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	return execAll(ctx, conn, statements)
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

func grantRole(role, member string) string {
	return fmt.Sprintf(`DO $$ BEGIN
  IF NOT pg_has_role('%[2]s', '%[1]s', 'MEMBER') THEN
    BEGIN
      GRANT %[1]s TO %[2]s;
    EXCEPTION WHEN unique_violation THEN NULL;
    END;
  END IF;
END $$`, role, member)
}

// createSchema asks first, since IF NOT EXISTS would need the right to create
// even where an administrator has made the schema.
func createSchema(name string) string {
	return fmt.Sprintf(`DO $$ BEGIN
  IF to_regnamespace(%[1]s) IS NULL THEN
    BEGIN
      CREATE SCHEMA %[2]s AUTHORIZATION %[3]s;
    EXCEPTION WHEN duplicate_schema OR unique_violation THEN NULL;
    END;
  END IF;
  IF (SELECT nspowner FROM pg_namespace WHERE oid = to_regnamespace(%[1]s)) <> to_regrole('%[3]s') THEN
    ALTER SCHEMA %[2]s OWNER TO %[3]s;
  END IF;
END $$`, literal(pgx.Identifier{name}.Sanitize()), pgx.Identifier{name}.Sanitize(), RoleMigrator)
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// administratorSQL is what prepare would do, for somebody who may; it can be run where
// some of it is done already.
func administratorSQL(config *pgx.ConnConfig, schema string) string {
	user := pgx.Identifier{config.User}.Sanitize()
	var b strings.Builder
	for _, role := range roles() {
		fmt.Fprintf(&b, "CREATE ROLE %s NOLOGIN; -- unless it exists\n", role)
	}
	fmt.Fprintf(&b, "GRANT %s TO %s;\n", strings.Join(roles(), ", "), user)
	fmt.Fprintf(&b, "GRANT %s TO %s;\n", RoleProjector, RoleMigrator)
	for _, name := range []string{schema, schema + "_views"} {
		quoted := pgx.Identifier{name}.Sanitize()
		fmt.Fprintf(&b, "CREATE SCHEMA IF NOT EXISTS %s; ALTER SCHEMA %s OWNER TO %s;\n", quoted, quoted, RoleMigrator)
	}
	return b.String()
}
