// A call that its caller may make again, because he does not know what became of it.

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
)

// attempt is one call of an operation that creates something. The same
// Idempotency-Key of the same token gives the same id each time: so the ledger is
// told of one resource however often it is asked, and what was made is found.
type attempt struct {
	ID    string `json:"id"`
	Input string `json:"input"` // its hash; empty without a key: then every call is another one
}

// keyed is where the ids that come from keys are.
var keyed = uuid.MustParse("7d3f3a1e-52a7-5d0c-9a53-0d5d0a7ce1f6")

// publicPart of a token's value is its prefix and its id; the ledger says
// whether the rest belongs to it before anything is made.
const publicPart = len("tola_") + 22

func attemptAt(ctx context.Context, action string, input any) (attempt, error) {
	c, _ := ctx.Value(callerKey{}).(caller)
	if c.once == "" || len(c.token) < publicPart {
		return attempt{ID: newID()}, nil
	}
	asked, err := json.Marshal(input)
	if err != nil {
		return attempt{}, fmt.Errorf("encode the input of %s: %w", action, err)
	}
	sum := sha256.Sum256(asked)
	// The path tells the fields of one request apart, which share its key.
	name := strings.Join([]string{c.token[:publicPart], action, graphql.GetPath(ctx).String(), c.once}, "\n")
	return attempt{ID: uuid.NewSHA1(keyed, []byte(name)).String(), Input: hex.EncodeToString(sum[:])}, nil
}

// create makes what decide says durable and visible and gives it, or gives what
// an earlier attempt has made.
func create[T any](s *store, a attempt, kept map[string]T, decide func() (change, error)) (*T, error) {
	err := s.update(func() (change, error) {
		if before, done := s.attempts[a.ID]; done {
			if before != a.Input {
				return change{}, coded("CONFLICT", "", "The Idempotency-Key was used with another input.")
			}
			return change{}, nil
		}
		c, err := decide()
		if a.Input != "" {
			c.Attempt = &a
		}
		return c, err
	})
	if err != nil {
		return nil, err
	}
	return find(s, kept, a.ID), nil
}
