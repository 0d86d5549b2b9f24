// Small partitions, so that a test can fill one.

package eventstoretest

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Partition cuts a log that has no event yet into ranges that begin at 0 and at each of the
// positions; the last reaches to where the first migration made the next partition.
func Partition(tb testing.TB, url string, at ...int64) {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(tb.Context()))
	statements := []string{"SET search_path = tokenledger, pg_temp", "ALTER TABLE blocks DETACH PARTITION blocks_0", "DROP TABLE blocks_0"}
	from := int64(0)
	for _, to := range append(at, 10_000_000) {
		statements = append(statements, fmt.Sprintf("SELECT make_blocks_range(%d, %d)", from, to))
		from = to
	}
	for _, sql := range statements {
		if _, err := conn.Exec(tb.Context(), sql); err != nil {
			tb.Fatalf("%s: %v", sql, err)
		}
	}
}
