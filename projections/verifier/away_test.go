// A log that is away for a while, or of no use any more.

package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// flaky is a log whose reads fail a number of times.
type flaky struct {
	*eventstore.Log
	credentials, blocks atomic.Int64 // failures to come
	corrupt             atomic.Bool
}

var errReset = errors.New("connection reset by peer")

func (f *flaky) Credentials(ctx context.Context, tokens []uuid.UUID) ([]events.Credential, error) {
	if f.credentials.Add(-1) >= 0 {
		return nil, errReset
	}
	return f.Log.Credentials(ctx, tokens)
}

func (f *flaky) Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error] {
	return func(yield func(*eventstore.Block, error) bool) {
		for b, err := range f.Log.Blocks(ctx, after, follow) {
			switch {
			case f.corrupt.Load():
				err = fmt.Errorf("%w: a position is missing", eventstore.ErrCorrupt)
			case f.blocks.Add(-1) >= 0:
				err = errReset
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

func TestTheVerifierGoesOnWhenTheLogWasAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	log := &flaky{Log: w.log}
	v := verifier.New(verifier.Config{Log: log, Sources: noSources{}, Peppers: w.peppers, Now: w.now})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	w.caughtUp(v)

	log.credentials.Store(3)
	_, first := w.organizationToken("evidence:write")
	log.blocks.Store(3)
	_, second := w.organizationToken("evidence:write")
	w.caughtUp(v)
	for _, value := range []string{first, second} {
		if d := w.verify(v, verifier.Query{Value: value, Action: "createEvidence"}); !d.Allowed {
			t.Errorf("after the log was away: %+v", d)
		}
	}
	if log.credentials.Load() >= 0 || log.blocks.Load() >= 0 {
		t.Error("the log was not away")
	}

	// What no waiting mends ends it, so that somebody hears of it.
	log.corrupt.Store(true)
	w.organizationToken("evidence:write")
	if err := <-ended; !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("over a corrupt log Run ends with %v", err)
	}
}
