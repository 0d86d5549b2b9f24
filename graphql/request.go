// What one request keeps while it is answered: its instant, its warnings, its loaders, and how fresh its reads must be.

package graphql

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	gql "github.com/99designs/gqlgen/graphql"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// request is the state of one operation. Its fields after the lock may be used
// by fields that are resolved side by side.
type request struct {
	caller *Caller
	now    time.Time // the instant that the answer speaks of
	loaders

	mu       sync.Mutex // guards all below
	fresh    events.Position
	warnings []aggregate.Warning
	ended    error // why a subscription is over, if not by itself
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

type requestIDKey struct{}

// requestID is how the log and the client call the request.
func requestID(ctx context.Context) string {
	if c := callerOf(ctx); c != nil {
		return c.RequestID
	}
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// warn adds warnings to the answer, each once.
func (r *request) warn(warnings ...aggregate.Warning) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range warnings {
		if !slices.Contains(r.warnings, w) {
			r.warnings = append(r.warnings, w)
		}
	}
}

// end notes why a subscription is over: the library has no way for an error once
// results have begun, so the transport sends it as the last one.
func (r *request) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = err
}

func (r *request) ending() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// withWarnings puts the warnings into the answer.
func withWarnings(ctx context.Context, next gql.ResponseHandler) *gql.Response {
	resp := next(ctx)
	r := requestOf(ctx)
	if resp == nil || r == nil {
		return resp
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.warnings) > 0 {
		if resp.Extensions == nil {
			resp.Extensions = map[string]any{}
		}
		resp.Extensions["warnings"] = slices.Clone(r.warnings)
	}
	return resp
}

// call is what the use cases need to know of a mutation. A request with several
// mutations and one Idempotency-Key gives each a key of its own.
func (r *request) call(ctx context.Context) aggregate.Call {
	c := aggregate.Call{Principal: r.caller.Principal, Correlation: r.caller.RequestID, Trace: r.caller.Trace}
	c.Principal.Source = r.caller.Address
	if r.caller.IdempotencyKey == "" {
		return c
	}
	c.Once = r.caller.IdempotencyKey
	if len(rootFields(ctx)) > 1 {
		c.Once = fmt.Sprintf("%s/%s", c.Once, gql.GetFieldContext(ctx).Field.Alias)
	}
	return c
}

// lastWrites remembers where each caller's last change stands, until a read has
// seen it, so that callers read what they wrote without saying so.
type lastWrites struct {
	mu sync.Mutex // guards at
	at map[events.Actor]events.Position
}

// maxLastWrites bounds the memory. Beyond it a caller who has not read since may
// have to name the position in the header X-Ledger-Position.
const maxLastWrites = 100_000

func (l *lastWrites) wrote(who events.Actor, at events.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.at) >= maxLastWrites {
		clear(l.at)
	}
	l.at[who] = max(l.at[who], at)
}

func (l *lastWrites) position(who events.Actor) events.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[who]
}

// seen forgets what a read has included.
func (l *lastWrites) seen(who events.Actor, at events.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at[who] <= at {
		delete(l.at, who)
	}
}

// catchUp is called before each read of a projection: it returns once the read
// model includes the caller's last change.
func (h *handler) catchUp(ctx context.Context) error {
	r := requestOf(ctx)
	if r == nil || r.caller == nil {
		return errUnauthenticated
	}
	need := max(h.writes.position(r.caller.Actor), r.caller.Seen)
	r.mu.Lock()
	done := r.fresh >= need
	r.mu.Unlock()
	if done {
		return nil
	}
	if err := h.fresh.Wait(ctx, need); err != nil {
		return fmt.Errorf("wait for position %d: %w", need, err)
	}
	r.mu.Lock()
	r.fresh = max(r.fresh, need)
	r.mu.Unlock()
	h.writes.seen(r.caller.Actor, need)
	return nil
}
