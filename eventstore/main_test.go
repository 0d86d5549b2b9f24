// What the tests of the log share: a person with a superuser's rights, blocks
// planted by hand, and waiting for a condition.

package eventstore_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// connect is a superuser's connection with the log's schema in its path.
func connect(tb testing.TB, url string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close(context.Background()) })
	run(tb, conn, "SET search_path = tokenledger")
	return conn
}

func run(tb testing.TB, conn *pgx.Conn, sql string, args ...any) {
	tb.Helper()
	if _, err := conn.Exec(tb.Context(), sql, args...); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}

func query[T any](tb testing.TB, conn *pgx.Conn, sql string, args ...any) T {
	tb.Helper()
	rows, _ := conn.Query(tb.Context(), sql, args...) // its error comes out of the rows
	value, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
	return value
}

// tamper runs statements with the triggers off, as only a superuser can.
func tamper(tb testing.TB, conn *pgx.Conn, statements ...string) {
	tb.Helper()
	tables := query[[]string](tb, conn, `SELECT array_agg(DISTINCT tgrelid::regclass::text) FROM pg_trigger WHERE NOT tgisinternal`)
	for _, table := range tables {
		run(tb, conn, "ALTER TABLE "+table+" DISABLE TRIGGER USER")
	}
	for _, sql := range statements {
		run(tb, conn, sql)
	}
	for _, table := range tables {
		run(tb, conn, "ALTER TABLE "+table+" ENABLE ALWAYS TRIGGER append_only_table")
		if table != "blocks" {
			run(tb, conn, "ALTER TABLE "+table+" ENABLE ALWAYS TRIGGER append_only_rows")
		}
	}
}

// planted is a block without lines that stands for many events of one trail.
type planted struct {
	first, last events.Position
	trail       events.TrailID
	at          time.Time
	term        int64
	timeline    int
}

func plant(tb testing.TB, conn *pgx.Conn, p planted) {
	tb.Helper()
	tally, err := json.Marshal(map[events.TrailID]events.Position{p.trail: p.last - p.first + 1})
	if err != nil {
		tb.Fatal(err)
	}
	run(tb, conn, `INSERT INTO blocks (last_position, first_position, term, timeline, recorded_at, leaves, tally, writer, writer_seq)
		VALUES ($1, $2, $3, $4, $5, '', $6, $7, 1)`,
		int64(p.last), int64(p.first), max(p.term, 1), max(p.timeline, 1), p.at, string(tally), uuid.New())
}

// await polls a condition that nothing announces.
func await(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("waited in vain: %s", what)
		}
	}
}

// opened is a log that does not run yet.
func opened(tb testing.TB, c eventstore.Config) *eventstore.Log {
	tb.Helper()
	log, err := eventstore.Open(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(log.Close)
	return log
}

func mustAppend(tb testing.TB, log eventstoretest.Store, r events.Request) events.Receipt {
	tb.Helper()
	receipt, err := log.Append(tb.Context(), r)
	if err != nil {
		tb.Fatal(err)
	}
	return receipt
}

func readAll(tb testing.TB, log eventstoretest.Store, after events.Position) []events.Recorded {
	tb.Helper()
	var all []events.Recorded
	for r, err := range log.ReadAll(tb.Context(), after) {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
