// A look at the webhooks that is older than the turn that ended meanwhile.

package webhooks_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
)

// statements tells of each statement when its rows have been read, and lets it
// end when the function returns.
type statements func(sql string)

type sqlKey struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, sqlKey{}, d.SQL)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (s statements) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	sql, _ := ctx.Value(sqlKey{}).(string)
	s(sql)
}

// What was read of a webhook while it was served is old when the turn is over:
// nothing that was delivered in that turn is sent again.
func TestAnOldLookSendsNothingAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var hold, served atomic.Bool // the next look is held; a turn has come to its end
	looked, begin := make(chan struct{}, 1), make(chan struct{})
	arrived, answer := make(chan struct{}, 1), make(chan struct{})
	until := func(c <-chan struct{}) {
		select {
		case <-c:
		case <-t.Context().Done():
		}
	}
	traced := w.pool.Config()
	traced.ConnConfig.Tracer = statements(func(sql string) {
		switch {
		case strings.Contains(sql, "JOIN webhook_states") && hold.CompareAndSwap(true, false):
			looked <- struct{}{}
			until(begin)
		case strings.Contains(sql, "FROM finding_notices\n"):
			served.Store(true)
		}
	})
	c := w.config()
	var err error
	c.Pool, err = pgxpool.NewWithConfig(t.Context(), traced)
	must(t, err)
	t.Cleanup(c.Pool.Close)
	r := w.receiver(func(got received, tries int) int {
		if strings.Contains(got.body, `"name":"n0"`) && tries == 1 {
			arrived <- struct{}{}
			until(answer)
		}
		return http.StatusNoContent
	})
	r.hook = w.hook(r.URL, "token.renamed")
	w.rename(1)
	w.start(c)
	until(arrived)
	hold.Store(true)
	until(looked) // and finds the webhook due, as it was before the answer
	served.Store(false)
	close(answer)
	w.await("the end of the turn", func() bool { return w.state(r.hook).Delivered == 1 && served.Load() })
	close(begin)
	w.tell(events.TokenStream(w.token), events.TokenRenamed{Name: "after"})
	w.await("what comes next", func() bool { return len(r.positions()) == 2 })
	if got := r.got(); len(got) != 2 {
		t.Errorf("2 messages came in %d deliveries", len(got))
	}
}
