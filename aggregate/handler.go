// The handler: from an order to events in the log and an answer made of them.

package aggregate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// Log is what a Handler needs of the log.
type Log interface {
	// ReadStream gives the decisions of a stream that come after a version.
	ReadStream(ctx context.Context, id events.StreamID, after events.Version) iter.Seq2[events.Recorded, error]
	// Append records a request, all of it or nothing.
	Append(ctx context.Context, r events.Request) (events.Receipt, error)
	// Head is the position of the last event.
	Head(ctx context.Context) (events.Position, error)
	// Replayed looks up what a key led to, if it was used before.
	Replayed(ctx context.Context, k events.Key) (r events.Receipt, found bool, err error)
}

// Handler runs orders. It is safe for concurrent use.
type Handler struct {
	Log  Log
	Now  func() time.Time // nil: time.Now
	Span Span
}

// Span begins a part of a trace and gives what ends it, with the kind of failure: one
// word of a short list, never a text that a caller wrote; "" is none. A nil Span traces
// nothing.
type Span func(ctx context.Context, name string) (context.Context, func(failure string))

// Begin is the span's beginning, or nothing.
func (s Span) Begin(ctx context.Context, name string) (context.Context, func(failure string)) {
	if s == nil {
		return ctx, untraced
	}
	return s(ctx, name)
}

func untraced(string) {}

// kindOf is what kind of failure an error of deciding is.
func kindOf(err error) string {
	if err == nil {
		return ""
	}
	if refused, ok := errors.AsType[*Refusal](err); ok {
		return string(refused.Code)
	}
	return "failed"
}

// Order is something to be decided and recorded. Decide may run more than once,
// each time on a fresh Decision: it must set what it answers anew and have no
// other effect.
type Order struct {
	Once   events.Key // zero: no replay protection
	Meta   events.Meta
	Decide func(ctx context.Context, d *Decision) error
}

// Outcome is what an order led to. History has each stream that was loaded,
// from its first decision to the last one of this order, so that an answer is
// folded from decided events and never waits for a projection. On a replay it
// has the streams that the order changed, as they were right after it. Events
// of this order carry their place and hash, but not their leaf.
type Outcome struct {
	Receipt  events.Receipt // zero where nothing changed
	History  map[events.StreamID][]events.Recorded
	Warnings []Warning
}

// attempts bounds how often an order is decided. A conflict means that another
// order has succeeded meanwhile, so that this many in a row are contention
// which trying harder would only prolong.
const attempts = 12

// Handle decides and records an order; where the state that it was decided on
// has changed meanwhile, it is decided again. The error is a [Refusal], or one
// of reading the log.
func (h *Handler) Handle(ctx context.Context, o Order) (Outcome, error) {
	if o.Once.Set() {
		receipt, found, err := h.Log.Replayed(ctx, o.Once)
		if err != nil {
			return Outcome{}, fromLog(fmt.Errorf("look up the idempotency key: %w", err))
		}
		if found {
			receipt.Replayed = true
			return h.recall(ctx, receipt)
		}
	}
	var err error
	for range attempts {
		var out Outcome
		if out, err = h.attempt(ctx, o); err == nil {
			return out, nil
		}
		// A deadline that has passed is seen by the next attempt, which refuses what hung on it.
		if !errors.Is(err, events.ErrConflict) && !errors.Is(err, events.ErrTooLate) {
			break
		}
	}
	return Outcome{}, fromLog(err)
}

// rehearse decides an order and records nothing.
func (h *Handler) rehearse(ctx context.Context, o Order) error {
	_, err := h.decide(ctx, o)
	return fromLog(err)
}

func (h *Handler) decide(ctx context.Context, o Order) (*Decision, error) {
	ctx, end := h.Span.Begin(ctx, "decide")
	d := &Decision{log: h.Log, now: h.now(), meta: o.Meta, streams: map[events.StreamID]*loaded{}}
	err := o.Decide(ctx, d)
	end(kindOf(err))
	return d, err
}

func (h *Handler) attempt(ctx context.Context, o Order) (Outcome, error) {
	d, err := h.decide(ctx, o)
	if err != nil {
		return Outcome{}, err
	}
	if len(d.batches) == 0 {
		return d.outcome(events.Receipt{})
	}
	receipt, err := h.Log.Append(ctx, d.request(o.Once))
	if err != nil {
		return Outcome{}, fmt.Errorf("append: %w", err)
	}
	if receipt.Replayed { // another request with the same key came first
		return h.recall(ctx, receipt)
	}
	return d.outcome(receipt)
}

// recall makes the outcome of an order that was recorded before.
func (h *Handler) recall(ctx context.Context, r events.Receipt) (Outcome, error) {
	out := Outcome{Receipt: r, History: map[events.StreamID][]events.Recorded{}}
	for _, p := range r.Placed {
		if err := h.recallStream(ctx, out, p.Stream); err != nil {
			return Outcome{}, err
		}
	}
	return out, nil
}

// recallStream adds a stream to a replayed outcome, as it was at the time.
func (h *Handler) recallStream(ctx context.Context, out Outcome, id events.StreamID) error {
	if _, done := out.History[id]; done {
		return nil
	}
	var history []events.Recorded
	for rec, err := range h.Log.ReadStream(ctx, id, 0) {
		if err != nil {
			return fromLog(fmt.Errorf("read %s: %w", id, err))
		}
		if rec.Position > out.Receipt.Last() {
			break
		}
		history = append(history, rec)
	}
	out.History[id] = history
	return nil
}

func (h *Handler) now() time.Time {
	if h.Now == nil {
		return micro(time.Now())
	}
	return micro(h.Now())
}
