// Filling a log through its own append: organizations, tokens, where they are used from, and uses.

package bench

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

const (
	// seedAtOnce is how many events one request has, and so about a block.
	seedAtOnce = 1000
	// seeders is how many requests are under way, so that encoding and committing overlap.
	seeders = 4
)

// crowd is who acts in a seeded log.
type crowd struct {
	organizations []uuid.UUID
	tokens        []crowdToken
}

type crowdToken struct {
	id           uuid.UUID
	organization uuid.UUID
	source       events.Position // of the token.source_seen; 0: none
}

// newCrowd names organizations and spreads tokens evenly over them; the log does not know them yet.
func newCrowd(organizations, tokens int) *crowd {
	c := &crowd{}
	for range max(1, organizations) {
		c.organizations = append(c.organizations, uuid.Must(uuid.NewV7()))
	}
	for i := range max(1, tokens) {
		c.tokens = append(c.tokens, crowdToken{id: uuid.Must(uuid.NewV7()), organization: c.organizations[i%len(c.organizations)]})
	}
	return c
}

func seedMeta() events.Meta { return events.Meta{Actor: events.System("bench")} }

// begin creates organizations, which are counted from an index on, and tokens,
// each of which is used from one of so many addresses.
func (c *crowd) begin(ctx context.Context, log *eventstore.Log, index, addresses int) error {
	if err := c.settle(ctx, log, index); err != nil {
		return err
	}
	if err := c.beginTokens(ctx, log, 0, len(c.tokens)); err != nil {
		return err
	}
	return c.introduce(ctx, log, addresses)
}

// settle creates the organizations.
func (c *crowd) settle(ctx context.Context, log *eventstore.Log, index int) error {
	if err := c.append(ctx, log, len(c.organizations), func(i int) events.Batch {
		id := c.organizations[i]
		name := fmt.Sprintf("bench-%d", index+i)
		return events.Batch{
			Stream: events.OrganizationStream(id), Trail: events.OrganizationTrail(id), Meta: seedMeta(),
			Events: []events.Event{events.OrganizationCreated{Index: int64(index + i), Name: name, DisplayName: name}},
		}
	}, nil); err != nil {
		return fmt.Errorf("create organizations: %w", err)
	}
	return nil
}

// beginTokens creates n tokens, beginning with the first-th.
func (c *crowd) beginTokens(ctx context.Context, log *eventstore.Log, first, n int) error {
	if err := c.append(ctx, log, n, func(i int) events.Batch {
		return c.batch(first+i, seedMeta(), seedToken(c.tokens[first+i], first+i))
	}, nil); err != nil {
		return fmt.Errorf("create tokens: %w", err)
	}
	return nil
}

// introduce records where each token is used from: one of so many addresses.
func (c *crowd) introduce(ctx context.Context, log *eventstore.Log, addresses int) error {
	if addresses == 0 {
		return nil
	}
	err := c.append(ctx, log, len(c.tokens), func(i int) events.Batch {
		subject := events.OrganizationStream(c.tokens[i].organization)
		n := i % addresses
		return c.batch(i, events.Meta{Actor: events.OrganizationToken(c.tokens[i].id)}, events.TokenSourceSeen{
			Address: events.Personal{Subject: subject, Value: fmt.Sprintf("198.51.%d.%d", n/256, n%256)},
			Agent:   events.Personal{Subject: subject, Value: "evidence-uploader/2.4"},
		})
	}, func(i int, at events.Position) { c.tokens[i].source = at })
	if err != nil {
		return fmt.Errorf("introduce sources: %w", err)
	}
	return nil
}

// seedToken is a token as people make them: a name of three parts, a tag, scopes.
func seedToken(t crowdToken, i int) events.TokenCreated {
	return events.TokenCreated{
		Kind: events.OrganizationKind, Organization: t.organization, Name: fmt.Sprintf("%s-build-%07d", seedNames[i%len(seedNames)], i),
		Tags: []string{"ci"}, Scopes: []string{"evidence:write", "control:read"}, Fingerprint: t.id.String(),
	}
}

var seedNames = []string{"backend", "deploy", "evidence", "frontend", "scanner"}

func (c *crowd) batch(i int, meta events.Meta, facts ...events.Event) events.Batch {
	t := c.tokens[i]
	return events.Batch{Stream: events.TokenStream(t.id), Trail: events.OrganizationTrail(t.organization), Meta: meta, Events: facts}
}

var seedActions = []string{"createEvidence", "createScan", "updateTask"}

// use is the i-th use: the tokens take turns in an order that is not that of their ids.
func (c *crowd) use(i int) events.Batch { return c.useBy(i*7919%len(c.tokens), i) }

func (c *crowd) useBy(token, i int) events.Batch {
	t := c.tokens[token]
	return c.batch(token, events.Meta{Actor: events.OrganizationToken(t.id)}, events.TokenUsed{
		Source: t.source, Action: seedActions[i%len(seedActions)], Resource: "evidence/2026-q3", Via: "rest",
	})
}

// uses appends n uses, beginning with the first-th.
func (c *crowd) uses(ctx context.Context, log *eventstore.Log, first, n int) error {
	if err := c.append(ctx, log, n, func(i int) events.Batch { return c.use(first + i) }, nil); err != nil {
		return fmt.Errorf("append uses: %w", err)
	}
	return nil
}

// append records n batches of one event each, many in a request. placed, where
// it is given, hears where each came to stand.
func (c *crowd) append(
	ctx context.Context, log *eventstore.Log, n int, batch func(i int) events.Batch, placed func(i int, at events.Position),
) error {
	return inRequests(n, seedAtOnce, func(from, end int) error {
		r := events.Request{Batches: make([]events.Batch, 0, end-from)}
		for i := from; i < end; i++ {
			r.Batches = append(r.Batches, batch(i))
		}
		receipt, err := log.Append(ctx, r)
		if err != nil {
			return err
		}
		for k, p := range receipt.Placed {
			if placed != nil {
				placed(from+k, p.Position)
			}
		}
		return nil
	})
}

// inRequests does n things, many at once, and some of such requests at a time.
func inRequests(n, atOnce int, do func(from, end int) error) error {
	var group errgroup.Group
	group.SetLimit(seeders)
	for from := 0; from < n; from += atOnce {
		group.Go(func() error { return do(from, min(n, from+atOnce)) })
	}
	return group.Wait()
}
