// What is compared: ways to write events, each with what it promises.

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
)

// contestant writes events durably.
type contestant struct {
	name string
	// guarantees is what a reader may rely on, beside durability.
	guarantees string
	// perCall is how many events one call writes.
	perCall int
	// alone: it is one connection by design, and is measured with one caller whatever the concurrency.
	alone bool
	write func(ctx context.Context, worker, call int) error
	close func(ctx context.Context) error
}

// event is what everybody writes: a use of a token.
type event struct {
	Token        uuid.UUID
	Organization uuid.UUID
	Action       string
	Resource     string
}

// workload is some tokens of one organization that are used in turn.
type workload struct {
	organization uuid.UUID
	tokens       []uuid.UUID
}

func newWorkload(tokens int) workload {
	w := workload{organization: uuid.Must(uuid.NewV7()), tokens: make([]uuid.UUID, tokens)}
	for i := range w.tokens {
		w.tokens[i] = uuid.Must(uuid.NewV7())
	}
	return w
}

// at gives the event of one call; each worker walks through the tokens at its own place.
func (w workload) at(worker, call int) event {
	return event{
		Token: w.tokens[(worker*7919+call)%len(w.tokens)], Organization: w.organization,
		Action: "createEvidence", Resource: "evidence/2026-q3",
	}
}

func (e event) data() []byte {
	b, err := json.Marshal(map[string]string{"action": e.Action, "resource": e.Resource, "via": "bench"})
	if err != nil {
		panic(err) // strings always encode
	}
	return b
}

func (e event) actor() []byte {
	return fmt.Appendf(nil, `{"kind":"organization_token","id":%q}`, e.Token)
}

func (e event) stream() string { return "token-" + e.Token.String() }
