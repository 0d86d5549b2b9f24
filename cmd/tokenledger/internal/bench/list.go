// Listing tokens of one organization, in an installation of few tokens and in one of many.

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// ListOptions say how many tokens there are, and how often they are listed.
type ListOptions struct {
	Organizations int // of the large installation; every one has so many:
	Tokens        int
	Few           int // organizations of the small one
	Asked         int // how often each list is asked for in each round
	Rounds        int
}

// Seed fills an installation with tokens of so many organizations, the one that
// the service has among them, and lets each be used once. Every tenth is revoked.
func (o ListOptions) Seed(ctx context.Context, log *eventstore.Log, s Service, organizations int) error {
	own, err := s.organization(ctx)
	if err != nil {
		return err
	}
	mine := &crowd{organizations: []uuid.UUID{own}}
	for range o.Tokens {
		mine.tokens = append(mine.tokens, crowdToken{id: uuid.Must(uuid.NewV7()), organization: own})
	}
	if err := mine.live(ctx, log); err != nil {
		return err
	}
	if organizations == 1 {
		return nil
	}
	others := newCrowd(organizations-1, (organizations-1)*o.Tokens)
	if err := others.settle(ctx, log, 1); err != nil {
		return err
	}
	return others.live(ctx, log)
}

// livesAtOnce is how many tokens go through their lives together: a run of a read
// model that has to catch up then finds all of a token's events, and writes its row once.
const livesAtOnce = 10_000

// live creates the tokens, uses each once and revokes every tenth.
func (c *crowd) live(ctx context.Context, log *eventstore.Log) error {
	meta := seedMeta()
	meta.Reason = "no longer needed"
	for first := 0; first < len(c.tokens); first += livesAtOnce {
		n := min(livesAtOnce, len(c.tokens)-first)
		if err := c.beginTokens(ctx, log, first, n); err != nil {
			return err
		}
		if err := c.append(ctx, log, n, func(i int) events.Batch { return c.useBy(first+i*7919%n, i) }, nil); err != nil {
			return fmt.Errorf("use tokens: %w", err)
		}
		if err := c.append(ctx, log, (n+9)/10, func(i int) events.Batch { return c.batch(first+i*10, meta, events.TokenRevoked{}) }, nil); err != nil {
			return fmt.Errorf("revoke tokens: %w", err)
		}
	}
	return nil
}

// tokenList is a list that is asked for.
type tokenList struct{ what, arguments string }

func lists(organization uuid.UUID) []tokenList {
	return []tokenList{
		{"by owner and status", fmt.Sprintf(`where: {ownerID: %q, status: ACTIVE}`, organization)},
		{"by a name's prefix", `where: {nameHasPrefix: "deploy-build-"}`},
		{"ordered by last use", `orderBy: [{field: last_used_at, direction: DESC}]`},
	}
}

func (l tokenList) query(counted bool) ([]byte, error) {
	total := ""
	if counted {
		total = "totalCount "
	}
	return json.Marshal(map[string]string{"query": `{ apiTokens(first: 100, ` + l.arguments + `) { ` + total +
		`pageInfo { hasNextPage endCursor } edges { node { id name status lastUsedAt expiresAt } } } }`})
}

// List asks both installations in turn, with the count of all rows in the end.
func List(ctx context.Context, small, large Service, o ListOptions) ([]Figure, error) {
	sides := []Service{small, large}
	queries := make([][]tokenList, len(sides))
	for i, s := range sides {
		organization, err := s.organization(ctx)
		if err != nil {
			return nil, err
		}
		queries[i] = lists(organization)
	}
	var all []Figure
	for _, counted := range []bool{false, true} {
		for k, l := range queries[0] {
			what := "apiTokens(first: 100) " + l.what
			if counted {
				what += ", with totalCount"
			}
			times := make([][]time.Duration, len(sides))
			for range o.Rounds {
				for i, s := range sides {
					took, err := s.list(ctx, queries[i][k], counted, o)
					if err != nil {
						return nil, fmt.Errorf("%s: %w", what, err)
					}
					times[i] = append(times[i], took...)
				}
			}
			beside := fmt.Sprintf("with %d tokens", o.Few*o.Tokens)
			p99 := reported(what+", p99", quantile(times[1], 0.99), "ms").beside(beside, quantile(times[0], 0.99))
			p50 := reported(what+", p50", quantile(times[1], 0.50), "ms").beside(beside, quantile(times[0], 0.50))
			if !counted {
				p99, p50 = p99.atMost(10).timesAtMost(1.5), p50.timesAtMost(1.5)
			}
			all = append(all, p99, p50)
		}
	}
	return all, nil
}

// list asks some times and gives how long each answer took. A tenth of an
// organization's tokens, at least, is in each of the lists.
func (s Service) list(ctx context.Context, l tokenList, counted bool, o ListOptions) ([]time.Duration, error) {
	body, err := l.query(counted)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for range o.Asked {
		begin := time.Now()
		answer, err := s.raw(ctx, body)
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
		if rows := bytes.Count(answer, []byte(`"node"`)); rows < min(100, o.Tokens/10) {
			return nil, fmt.Errorf("answered %d rows: %.200s", rows, answer)
		}
	}
	return took, nil
}

// organization is that of the service's administrator.
func (s Service) organization(ctx context.Context) (uuid.UUID, error) {
	var answer struct {
		Data struct{ Organization struct{ ID uuid.UUID } }
	}
	err := s.post(ctx, []byte(`{"query":"{ organization { id } }"}`), &answer)
	return answer.Data.Organization.ID, err
}
