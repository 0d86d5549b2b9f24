// Indexes of the log's tables: none is there twice.

package eventstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestNoIndexIsThereTwice(t *testing.T) {
	t.Parallel()
	conn := connect(t, eventstoretest.Postgres(t))
	rows, err := conn.Query(t.Context(), `SELECT string_agg(indexrelid::regclass::text, ', ' ORDER BY indexrelid)
		FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'tokenledger' GROUP BY i.indrelid, i.indkey::text, i.indclass::text, i.indoption::text, pg_get_expr(i.indpred, i.indrelid),
			pg_get_expr(i.indexprs, i.indrelid) HAVING count(*) > 1`)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(twice) > 0 {
		t.Fatalf("the same index: %q, %v", twice, err)
	}
}
