// The ways to end a token that are policies: what they demand, who sets them, and their end after each round.

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

const (
	policyWays = 5
	youth      = 20 * time.Second // that a token which is made for a round has at least
)

// lawgiver sets policies in the name of a person who signed in, whose own
// credential no policy for tokens refuses.
type lawgiver struct {
	sh                  *shared
	organization, owner uuid.UUID
}

// policyTargets are tokens that a policy ends, and one whose approval is withdrawn.
func (b *battle) policyTargets(t *testing.T, sh *shared, n int) []func(int) target {
	t.Helper()
	s := b.services[0]
	organization := s.ask(t, `{ organization { id } }`, nil).text(t, "organization.id")
	b.law = lawgiver{sh, uuid.MustParse(organization), uuid.MustParse(s.ask(t, `{ me { id } }`, nil).text(t, "me.id"))}
	tokens := s.createMany(t, "APIToken", "apiTokens", 4*n, map[string]any{"name": "policy", "scopes": []string{"evidence:write"}})
	approved := s.createMany(t, "PersonalAccessToken", "personalAccessTokens", n, map[string]any{
		"name": "approved", "scopes": []string{"evidence:write"}, "organizationIDs": []string{organization},
	})
	began := time.Now() // all of these tokens are older
	return []func(int) target{
		func(i int) target { // the asking token calls from the loopback, the target from elsewhere
			return target{
				made: tokens[4*i], resource: "from/192.0.2.1",
				policy: &events.Policy{AllowedSources: []string{"127.0.0.0/8", "::1/128", "198.51.100.0/24"}},
			}
		},
		func(i int) target {
			return target{made: tokens[4*i+1], policy: &events.Policy{ScopeCeiling: []string{"evidence:read", "token:introspect"}}}
		},
		func(i int) target {
			return target{made: tokens[4*i+2], policy: &events.Policy{ExpiryRequired: true}}
		},
		func(i int) target { // all tokens are older than the one that asks, which is made for the round
			await(t, "the tokens have an age", func() bool { return time.Since(began) > youth })
			asks := s.createToken(t, map[string]any{"name": fmt.Sprint("asks-", i), "scopes": []string{"token:introspect"}})
			age := events.Seconds(time.Since(began) / time.Second)
			return target{made: tokens[4*i+3], caller: asks.Value, policy: &events.Policy{RotationAge: age, RotationEnforced: true}}
		},
		func(i int) target {
			id := map[string]any{"id": approved[i].ID}
			s.ask(t, `mutation($id: ID!) { approveTokenGrant(id: $id) { receipt { position } } }`, id)
			return target{
				made: approved[i], end: `mutation($id: ID!) { withdrawTokenGrantApproval(id: $id, reason: "not any more") { receipt { position } } }`,
				with: id, onceKey: fmt.Sprint("approval-", i),
			}
		},
	}
}

// set sets what these tests demand by the organization's policy.
func (b *battle) set(t *testing.T, p events.Policy) {
	t.Helper()
	b.law.sh.withTokens(t, func(ctx context.Context, tokens *aggregate.Tokens) {
		directory := aggregate.Directory{Tokens: tokens}
		call := aggregate.Call{Principal: aggregate.Principal{Actor: events.Person(b.law.owner), User: b.law.owner}}
		change := aggregate.PolicyChange{
			AllowedSources: append([]string{}, p.AllowedSources...), ScopeCeiling: append([]string{}, p.ScopeCeiling...),
			ExpiryRequired: &p.ExpiryRequired, RotationAge: &p.RotationAge, RotationEnforced: &p.RotationEnforced,
		}
		if _, err := directory.ChangePolicy(ctx, call, b.law.organization, change); err != nil {
			t.Errorf("set a policy: %v", err)
		}
	})
}

// awaitLifted returns once both services know that the policy demands nothing
// any more: a refusal rests on what a service knows, and leaves at once.
func (b *battle) awaitLifted(t *testing.T) {
	t.Helper()
	for _, s := range b.services {
		await(t, "the policy is lifted", func() bool {
			a := s.send(t, b.services[0].Token, `{ organization { policy { expiryRequired scopeCeiling allowedSources } } }`, nil)
			return a.Status == http.StatusOK && len(a.Errors) == 0 &&
				bytes.Contains(a.Body, []byte(`"expiryRequired":false,"scopeCeiling":[],"allowedSources":[]`))
		})
	}
}
