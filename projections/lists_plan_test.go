// How Postgres answers lists: from an index in the list's order, whatever else the installation holds.

package projections_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// lastQuery is the statement that a pool was asked last.
type lastQuery struct {
	sql  string
	args []any
}

func (q *lastQuery) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	q.sql, q.args = d.SQL, d.Args
	return ctx
}

func (q *lastQuery) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// plan is how Postgres would answer it.
func (q lastQuery) plan(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	rows, _ := pool.Query(t.Context(), "EXPLAIN (COSTS OFF) "+q.sql, q.args...) // its error comes out of the rows
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// crowdSQL gives other organizations many tokens like the one that is there, and the
// first organization as many.
var crowdSQL = []string{
	`INSERT INTO tokens SELECT r.* FROM tokens t, generate_series(1, 8000) n, jsonb_populate_record(t, jsonb_build_object(
		'id', gen_random_uuid(), 'name', 'token ' || n, 'holder', CASE WHEN n % 20 = 0 THEN t.holder ELSE md5((n % 20)::text)::uuid END)) r`,
	`INSERT INTO usage (token, holder, last_used_at) SELECT id, holder, now() - substr(name, 7)::int * interval '1 minute' FROM tokens ON CONFLICT DO NOTHING`,
	`ANALYZE`,
}

// TestAPageOfAListIsReadFromAnIndex: neither sorting what the organization has nor
// reading what others have is part of it.
func TestAPageOfAListIsReadFromAnIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.token("token 0")
	r := w.reader()
	w.caughtUp(r)
	owner, err := pgx.Connect(t.Context(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.WithoutCancel(t.Context()))
	for _, sql := range append([]string{"SET search_path = " + eventstore.DefaultSchema + "_views"}, crowdSQL...) {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	asked := &lastQuery{}
	pool, err := projections.OpenTracedPool(t.Context(), w.url, eventstore.DefaultSchema, asked)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	views := projections.NewViews(pool, r.runner)
	oldest, newest := []projections.Order{{Field: "last_used_at"}}, []projections.Order{{Field: "last_used_at", Desc: true}}
	for name, c := range map[string]struct {
		where  map[string]any
		order  []projections.Order
		size   int
		sorted bool // the rows that a prefix names have another order
		index  string
	}{
		"by owner and status":    {where: map[string]any{"ownerID": w.orgs[0].String(), "status": "ACTIVE"}, size: 20},
		"by a name's prefix":     {where: map[string]any{"nameHasPrefix": "token 1"}, size: 20, sorted: true},
		"by last use":            {order: newest, size: 20, index: "_holder_coalesce_token_"},
		"by last use, oldest":    {order: oldest, size: 20, index: "_holder_coalesce_token_"},
		"by last use, many pass": {where: map[string]any{"nameHasPrefix": "token 7"}, order: oldest, size: 20, index: "_holder_coalesce_token_"},
		"by last use, few pass":  {where: map[string]any{"nameHasPrefix": "token 8"}, order: oldest, size: 2, sorted: true, index: "_holder_name_id_"},
		"by name":                {order: []projections.Order{{Field: "name"}}, size: 20},
	} {
		size := c.size
		q := projections.TokenQuery{
			Kind: events.OrganizationKind, Visible: projections.Visibility{Holder: w.orgs[0]}, Where: c.where, Order: c.order,
			Page: projections.PageArgs{First: &size},
		}
		seen := map[uuid.UUID]bool{}
		var used []time.Time
		for _, which := range []string{"first", "second"} {
			p, err := views.Tokens(t.Context(), q)
			if err != nil || len(p.Edges) != size || !p.HasNext || p.HasPrevious != (which == "second") {
				t.Fatalf("%s, %s page: %d rows, %v, %v, %v", name, which, len(p.Edges), p.HasPrevious, p.HasNext, err)
			}
			for _, row := range p.Nodes() {
				seen[row.ID] = true
				if row.LastUsedAt != nil {
					used = append(used, *row.LastUsedAt)
				}
			}
			if which == "first" {
				plan := asked.plan(t, pool)
				if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") && !c.sorted {
					t.Errorf("%s, %s page:\n%s", name, which, plan)
				}
				if !strings.Contains(plan, c.index) {
					t.Errorf("%s, %s page, not by the index %s:\n%s", name, which, c.index, plan)
				}
			}
			q.Page.After = p.Edges[size-1].Cursor
		}
		if len(seen) != 2*size {
			t.Errorf("%s: %d rows on two pages", name, len(seen))
		}
		if c.index != "" { // an order by last use
			if !c.order[0].Desc {
				slices.Reverse(used)
			}
			if !slices.IsSortedFunc(used, func(a, b time.Time) int { return b.Compare(a) }) {
				t.Errorf("%s: not in order: %v", name, used)
			}
		}
	}
}
