// What it costs that many follow findings: one question for all of them while there is nothing new.

package graphql_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// statements counts what the read models are asked. It implements [pgx.QueryTracer].
type statements struct {
	mu  sync.Mutex // guards all
	all map[string]int
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil { // the first one
		s.all = map[string]int{}
	}
	s.all[q.SQL]++
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// with counts those that have a part.
func (s *statements) with(part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sql, times := range s.all {
		if strings.Contains(sql, part) {
			n += times
		}
	}
	return n
}

func TestWhoFollowsFindingsAsksWithTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	used := w.apiToken("used", "evidence:write")
	id := uuid.MustParse(used.id)
	use := func() {
		_, err := w.log.Append(t.Context(), events.Request{Batches: []events.Batch{{
			Stream: events.TokenStream(id), Trail: events.OrganizationTrail(w.org), Meta: events.Meta{Actor: events.OrganizationToken(id)},
			Events: []events.Event{events.TokenUsed{Source: -1, Action: "createEvidence"}},
		}}})
		must(t, err)
	}
	const (
		followers = 6
		mark      = "max(t.position) FROM findings"
		look      = "FROM findings t WHERE NOT t.timed AND"
	)
	w.settle()
	for range followers {
		w.subscribe(w.admin, followFindings, nil)
	}
	patient := func(what string, good func() bool) {
		t.Helper()
		for began := time.Now(); !good(); time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatalf("waited in vain: %s", what)
			}
		}
	}
	patient("everybody has looked", func() bool { return w.asked.with(look) >= followers })
	use()
	w.settle()

	began, marks, looks := time.Now(), w.asked.with(mark), w.asked.with(look)
	patient("it is asked some times more", func() bool { use(); return w.asked.with(mark) >= marks+5 })
	elapsed := time.Since(began)
	marks, looks = w.asked.with(mark)-marks, w.asked.with(look)-looks
	if most := 1 + int(elapsed/(250*time.Millisecond)); marks > most {
		t.Errorf("%d questions in %v of %d followers, want at most %d of all", marks, elapsed, followers, most)
	}
	if most := followers * (1 + int(elapsed/(10*time.Second))); looks > most {
		t.Errorf("%d looks at findings in %v though nothing was new, want at most %d", looks, elapsed, most)
	}
}
