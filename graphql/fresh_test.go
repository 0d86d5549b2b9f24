// Whoever changes something reads it in his next request.

package graphql_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql"
	"github.com/tokenledger/tokenledger/projections"
)

func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 50 {
		a := w.ask(createAPIToken, vars{"input": vars{"name": fmt.Sprint("token ", i), "scopes": []string{"read"}}})
		id := a.at("createAPIToken.apiToken.id")
		if got := w.ask(`query($id: ID!) { apiToken(id: $id) { name } }`, vars{"id": id}).at("apiToken.name"); got != fmt.Sprint("token ", i) {
			t.Fatalf("token %d: read %q", i, got)
		}
		if got := w.ask(`{ apiTokens { totalCount } }`, nil).at("apiTokens.totalCount"); got != fmt.Sprint(i+1) {
			t.Fatalf("after %d creations the list has %s", i+1, got)
		}
	}
}

// stuck is a read model that never gets there.
type stuck struct{}

func (stuck) Wait(_ context.Context, p events.Position) error {
	if p == 0 {
		return nil
	}
	return fmt.Errorf("position %d: %w", p, projections.ErrStale)
}

func TestStaleRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *graphql.Config) { c.Fresh = stuck{} })
	w.ask(`{ apiTokens { totalCount } }`, nil)
	a := w.ask(createAPIToken, vars{"input": vars{"name": "x", "scopes": []string{"read"}}})
	if len(a.at("createAPIToken.apiToken.token")) != 69 {
		t.Errorf("the answer to a mutation waits for the read model: %s", a.body)
	}
	w.send(w.admin, `{ apiTokens { totalCount } }`, nil).refuses("STALE_READ", "")
}

// A position that a client names is waited for, so that what one wrote another reads.
func TestLedgerPosition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, auditor := w.member("auditor", events.RoleAuditor)
	for range 10 {
		a := w.ask(createAPIToken, vars{"input": vars{"name": "x", "scopes": []string{"read"}}})
		id, position := a.at("createAPIToken.apiToken.id"), a.at("createAPIToken.receipt.position")
		w.as(auditor, `query($id: ID!) { apiToken(id: $id) { name } }`, vars{"id": id}, "X-Ledger-Position", position)
	}
	began := time.Now()
	w.send(auditor, `{ apiTokens { totalCount } }`, nil, "X-Ledger-Position", "1000000").refuses("STALE_READ", "")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a read waited %v", took)
	}
}
