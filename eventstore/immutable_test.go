// The log only grows: what roles may not do, and what triggers refuse to anyone.

package eventstore_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

const (
	insufficientPrivilege = "42501"
	restrictViolation     = "23001"
)

func TestNobodyChangesTheLog(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	admin := connect(t, url)
	k := eventstoretest.NewToken(uuid.New())
	plant(t, admin, planted{first: 1, last: 9_999_999, trail: k.Trail(), at: time.Now()})
	plant(t, admin, planted{first: 10_000_000, last: 10_000_009, trail: k.Trail(), at: time.Now()})
	log := eventstoretest.Start(t, eventstore.Config{URL: url, Keys: keyring.Generate()})
	mustAppend(t, log, k.Create())
	await(t, "the counts are written down and a partition is made", func() bool {
		return query[bool](t, admin, `SELECT count(*) = 1 AND to_regclass('blocks_20000000') IS NOT NULL FROM tally_snapshots`)
	})
	before := readAll(t, log, 10_000_009)

	tables := []string{"blocks", "blocks_0", "blocks_10000000", "blocks_20000000", "decisions", "log", "tally_snapshots"}
	partitions := query[[]string](t, admin, `SELECT array_agg(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'blocks'::regclass`)
	for _, p := range partitions {
		if !slices.Contains(tables, p) {
			t.Errorf("there is a partition %s", p)
		}
	}
	for _, table := range tables {
		column := query[string](t, admin, `SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1`, table)
		statements := []string{
			"UPDATE tokenledger." + table + " SET " + column + " = " + column,
			"DELETE FROM tokenledger." + table,
			"TRUNCATE tokenledger." + table,
		}
		for _, sql := range statements {
			if table != "blocks_20000000" || sql[0] == 'T' { // it has no row to touch
				refused(t, admin, restrictViolation, sql)
				refused(t, admin, restrictViolation, "SET LOCAL session_replication_role = replica", sql)
			}
			for _, role := range []string{eventstore.RoleAppender, eventstore.RoleProjector, eventstore.RoleOperator, eventstore.RoleReader} {
				refused(t, admin, insufficientPrivilege, "SET LOCAL ROLE "+role, sql)
			}
		}
	}
	if after := readAll(t, log, 10_000_009); len(after) != len(before) {
		t.Fatalf("%d events, %d before", len(after), len(before))
	}
}

func TestRolesSeeNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	admin := connect(t, eventstoretest.Postgres(t))
	for _, table := range []string{"credentials", "subject_keys", "idempotency"} {
		for _, role := range []string{eventstore.RoleProjector, eventstore.RoleOperator, eventstore.RoleReader} {
			refused(t, admin, insufficientPrivilege, "SET LOCAL ROLE "+role, "SELECT FROM tokenledger."+table)
		}
	}
	for _, role := range []string{eventstore.RoleAppender, eventstore.RoleOperator, eventstore.RoleReader} {
		refused(t, admin, insufficientPrivilege, "SET LOCAL ROLE "+role, "CREATE TABLE tokenledger.mine ()")
		refused(t, admin, insufficientPrivilege, "SET LOCAL ROLE "+role, "CREATE TABLE tokenledger_views.mine ()")
		refused(t, admin, insufficientPrivilege, "SET LOCAL ROLE "+role, "SELECT tokenledger.make_blocks_range(5, 6)")
	}
	run(t, admin, "SET ROLE "+eventstore.RoleProjector)
	run(t, admin, "CREATE TABLE tokenledger_views.mine (x int)")
	run(t, admin, "SET ROLE "+eventstore.RoleOperator)
	run(t, admin, "SELECT FROM tokenledger_views.mine")
	run(t, admin, "SELECT FROM events")
}

// refused runs statements in one transaction, of which the last must fail so.
func refused(t *testing.T, conn *pgx.Conn, code string, statements ...string) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		for i, sql := range statements {
			if _, err := tx.Exec(context.Background(), sql); err != nil {
				if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != code || i != len(statements)-1 {
					t.Errorf("%q: %v; want %s", statements, err, code)
				}
				return nil
			}
		}
		t.Errorf("%q was done", statements)
		return errors.New("undo")
	})
	if err != nil && err.Error() != "undo" && !errors.Is(err, pgx.ErrTxCommitRollback) {
		t.Fatal(err)
	}
}
