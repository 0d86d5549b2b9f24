// Passing over: runs of uses that change nothing in a read model cost it no transaction.

package projections

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// Unused is a [Projection] in which uses of tokens, refusals and sources change
// nothing. It is spared runs that hold nothing else.
type Unused interface {
	Projection
	Unused()
}

// passFor is how long a projection passes over runs before its checkpoint follows.
// Whoever starts anew reads so much again, and sees that it is nothing.
const passFor = time.Second

// passOver moves a generation over a run without a transaction, if that may be.
func passOver(p Projection, g *generation, run []events.Recorded) bool {
	last := run[len(run)-1].Position
	if _, unused := p.(Unused); !unused || last-g.stored > maxRun || time.Since(g.storedAt) >= passFor || !onlyUses(run) {
		return false
	}
	g.position = last
	return true
}

func onlyUses(run []events.Recorded) bool {
	return !slices.ContainsFunc(run, func(rec events.Recorded) bool { return !IsUse(rec.Event) })
}

// IsUse reports whether an event tells of a use, a refusal or a source, which change nothing in an [Unused] model.
func IsUse(e events.Event) bool {
	switch e.(type) {
	case events.TokenUsed, events.TokenUseRefused, events.TokenSourceSeen:
		return true
	}
	return false
}

// due is when the checkpoint is to follow; nil where it has.
func (g *generation) due() <-chan time.Time {
	if g.position == g.stored {
		return nil
	}
	return time.After(time.Until(g.storedAt.Add(passFor)))
}

// keepPlace stores how far a generation is when the service ends: who audits a ledger
// that stands still would find the model behind the log for good.
func (r *Runner) keepPlace(ctx context.Context, p Projection, g *generation) {
	if ctx.Err() == nil || g.position == g.stored {
		return
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), passFor)
	defer cancel()
	if err := r.apply(last, p, g, nil); err != nil && !errors.Is(err, errMoved) {
		r.logger.WarnContext(ctx, "how far a projection was is not stored", "projection", p.Name(), "error", err)
	}
}
