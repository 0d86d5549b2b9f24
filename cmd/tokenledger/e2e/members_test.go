// Members and their personal tokens. Until people can sign in, nobody but its
// owner may make a personal token, and only a token can call; so the first one of
// each member is made here as the sign-in will make it: on the log itself, which
// makes the test one more process that appends.

package e2e_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// member is a user with a personal token.
type member struct {
	made
	user string
}

// members makes n administrators of the organization, each with a token.
func (sh *shared) members(t *testing.T, s *service, organization string, n int) []member {
	t.Helper()
	members := make([]member, n)
	for i := range members {
		a := s.ask(t, `mutation($email: String!) { createUser(input: {email: $email, role: ADMIN}) { user { id } } }`,
			map[string]any{"email": fmt.Sprintf("member-%d@example.com", i)})
		members[i].user = a.text(t, "createUser.user.id")
	}
	sh.withTokens(t, func(ctx context.Context, tokens *aggregate.Tokens) {
		for i := range members {
			user := uuid.MustParse(members[i].user)
			out, err := tokens.CreatePersonalToken(ctx,
				aggregate.Call{Principal: aggregate.Principal{Actor: events.Person(user), User: user}},
				aggregate.NewPersonalToken{
					Organizations: []uuid.UUID{uuid.MustParse(organization)},
					NewToken:      aggregate.NewToken{Name: fmt.Sprint("own-", i), Scopes: []string{"evidence:write"}},
				})
			if err != nil {
				t.Fatalf("make a member's token: %v", err)
			}
			members[i].made = made{out.ID.String(), out.Value.Reveal()}
		}
	})
	return members
}

// withTokens runs do with the log open in this process.
func (sh *shared) withTokens(t *testing.T, do func(context.Context, *aggregate.Tokens)) {
	t.Helper()
	ring, err := keyring.Load(sh.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	active, keys := ring.Peppers()
	versions := map[secret.PepperVersion][]byte{}
	for v, k := range keys {
		versions[secret.PepperVersion(v)] = k
	}
	peppers, err := secret.NewPeppers(secret.PepperVersion(active), versions)
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), eventstore.Config{URL: sh.database, Keys: ring})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- log.Run(ctx) }()
	defer func() {
		stop()
		<-ran
	}()
	do(ctx, &aggregate.Tokens{Handler: &aggregate.Handler{Log: log}, Peppers: peppers})
}
