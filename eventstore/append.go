// Append, on the caller's side: a request is checked and encoded as far as can be
// before it queues, so that little is left to do under the log's lock.

package eventstore

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/events"
)

// The largest request. One that is larger than a usual block is a block alone.
const (
	maxRequestEvents = 10_000
	maxRequestBytes  = 8 << 20
	maxRequestGuards = 20_000
	maxPersonal      = 4 << 10 // one value
	maxKey           = 255     // caller and key, each
)

// Append adds the request's events to the log, all or none, and returns when they
// are durable. The error wraps [events.ErrInvalid], [events.ErrConflict],
// [events.ErrGateClosed], [events.ErrTooLate], [events.ErrKeyReused],
// [events.ErrBusy] or [events.ErrUnavailable]; after each of them nothing of the
// request stands in the log, but for ErrUnavailable when the database was lost in
// the middle of a COMMIT and did not come back.
//
// A request whose Key was used before with the same hash answers the receipt of
// then, whatever its guards say. The events of one request stand side by side, in
// its order.
//
// When ctx ends first, Append returns its error at once. A request that still
// queued is then withdrawn; one that stands in a block may yet be committed.
func (l *Log) Append(ctx context.Context, r events.Request) (receipt events.Receipt, err error) {
	if l.config.Meter != nil {
		defer func(begun time.Time) { l.config.Meter.Appended(time.Since(begun), err) }(time.Now())
	}
	if l.config.Tracer != nil {
		return l.appendTraced(ctx, r)
	}
	p, err := l.prepare(r)
	return l.await(ctx, p, err)
}

// await queues a request that was prepared, and waits for its answer.
func (l *Log) await(ctx context.Context, p *pending, err error) (events.Receipt, error) {
	if err != nil {
		return events.Receipt{}, fmt.Errorf("append: %w", err)
	}
	if err := l.queue.push(p); err != nil {
		return events.Receipt{}, fmt.Errorf("append: %w", err)
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		if l.queue.withdraw(p) {
			return events.Receipt{}, fmt.Errorf("append: withdrawn: %w", ctx.Err())
		}
		return events.Receipt{}, fmt.Errorf("append: not awaited, it may yet be recorded: %w", ctx.Err())
	}
	switch {
	case p.err != nil:
		return events.Receipt{}, fmt.Errorf("append: %w", p.err)
	case p.earlier != nil:
		return l.receiptOf(ctx, *p.earlier)
	}
	return p.receipt, nil
}

// pending is a request on its way into a block.
type pending struct {
	trail   events.TrailID // the lane it waits in
	request events.Request
	guards  []guard
	drafts  []draft
	size    int  // bytes, an upper bound
	alone   bool // no other request stands in its block

	trace trace.SpanContext // of the caller's append; not valid where nothing is traced

	since            time.Time // when it was asked for
	taken, withdrawn bool      // guarded by the queue

	// The answer, set before done is closed.
	receipt events.Receipt
	commit  trace.SpanContext // of its block
	earlier *answered         // the request was answered before
	err     error
	done    chan struct{}
}

// guard is an expectation with its stream's key.
type guard struct {
	events.Guard
	key streamKey
}

// draft is an encoded event with what it does to its stream.
type draft struct {
	events.Draft
	key      streamKey // decisions only
	gate     events.Gate
	gated    bool
	erased   events.SubjectID   // whose key goes
	subjects []events.SubjectID // of its personal values
}

// prepare checks and encodes a request, once it has a place: what is refused for want
// of one has cost next to nothing.
func (l *Log) prepare(r events.Request) (p *pending, err error) {
	p = &pending{request: r, size: 256, since: time.Now(), done: make(chan struct{})}
	if len(r.Batches) > 0 {
		p.trail = r.Batches[0].Trail
	}
	if !l.queue.room.Enter(p.trail) {
		return nil, events.ErrBusy
	}
	defer func(trail events.TrailID) {
		if err != nil {
			l.queue.room.Leave(trail)
		}
	}(p.trail)
	if err := checkKey(r.Once); err != nil {
		return nil, err
	}
	if n := len(r.Guards) + len(r.Quiet); n > maxRequestGuards {
		return nil, fmt.Errorf("%d guards: %w", n, events.ErrInvalid)
	}
	p.guards = make([]guard, len(r.Guards))
	for i, g := range r.Guards {
		if err := checkStream(g.Stream); err != nil {
			return nil, err
		}
		p.guards[i] = guard{g, l.tail.hash.key(g.Stream)}
		p.size += len(g.Stream)
	}
	for _, b := range r.Batches {
		if err := l.draftBatch(p, b); err != nil {
			return nil, err
		}
	}
	if err := l.checkCredentials(p); err != nil {
		return nil, err
	}
	if err := checkErase(p); err != nil {
		return nil, err
	}
	p.receipt.Placed = make([]events.Placed, len(p.drafts))
	return p, nil
}

// draftBatch encodes the events of one batch.
func (l *Log) draftBatch(p *pending, b events.Batch) error {
	if len(b.Events) == 0 {
		return fmt.Errorf("a batch for %s without events: %w", b.Stream, events.ErrInvalid)
	}
	if len(p.drafts)+len(b.Events) > maxRequestEvents {
		return fmt.Errorf("more than %d events: %w", maxRequestEvents, events.ErrInvalid)
	}
	key := l.tail.hash.key(b.Stream)
	for _, e := range b.Events {
		d := draft{key: key}
		var err error
		if d.Draft, err = events.NewDraft(b.Stream, b.Trail, b.Meta, e); err != nil {
			return err
		}
		if !d.Observation {
			d.gate, d.gated = events.GateAfter(e)
			d.erased = events.ErasedBy(b.Stream, e)
		}
		if d.Event() != nil {
			if err := l.checkPersonals(p, &d); err != nil {
				return fmt.Errorf("%s: %w", d.Type, err)
			}
		}
		p.drafts = append(p.drafts, d)
		if p.size += d.Size(); p.size > maxRequestBytes {
			return fmt.Errorf("more than %d bytes: %w", maxRequestBytes, events.ErrInvalid)
		}
	}
	return nil
}

// checkPersonals collects whose personal values the event has.
func (l *Log) checkPersonals(p *pending, d *draft) error {
	for name, v := range events.Personals(d.Event()) {
		switch {
		case v.Commitment != events.Commitment{}:
			return fmt.Errorf("%s was recorded before: %w", name, events.ErrInvalid)
		case len(v.Value) > maxPersonal:
			return fmt.Errorf("%s is longer than %d bytes: %w", name, maxPersonal, events.ErrInvalid)
		case !utf8.ValidString(v.Value):
			return fmt.Errorf("%s is not UTF-8: %w", name, events.ErrInvalid)
		case l.subjects.ring == nil:
			return fmt.Errorf("%s: the log was opened without keys: %w", name, events.ErrInvalid)
		}
		if err := checkStream(v.Subject); err != nil {
			return fmt.Errorf("the subject of %s: %w", name, err)
		}
		d.subjects = append(d.subjects, v.Subject)
		p.size += len(v.Value) + len(v.Subject)
	}
	return nil
}

// checkCredentials sees that each comes with the beginning of its token: the lock
// then keeps a token from having two.
func (l *Log) checkCredentials(p *pending) error {
	if len(p.request.Credentials) == 0 {
		return nil
	}
	decided := map[events.StreamID]bool{}
	for _, d := range p.drafts {
		decided[d.Stream] = decided[d.Stream] || !d.Observation
	}
	for _, c := range p.request.Credentials {
		stream := events.TokenStream(c.Token)
		if !decided[stream] {
			return fmt.Errorf("a credential without the event that introduces token %s: %w", c.Token, events.ErrInvalid)
		}
		decided[stream] = false // a second one for this token is refused
		p.guards = append(p.guards, guard{events.NoStream(stream), l.tail.hash.key(stream)})
		p.size += 64
	}
	return nil
}

// checkErase gives a request that destroys keys a block of its own: no other value is
// sealed or left beside it.
func checkErase(p *pending) error {
	values := false
	for i := range p.drafts {
		p.alone = p.alone || p.drafts[i].erased != ""
		values = values || len(p.drafts[i].subjects) > 0
	}
	if p.alone && values {
		return fmt.Errorf("an erasure with personal values: %w", events.ErrInvalid)
	}
	return nil
}

func checkKey(k events.Key) error {
	if !k.Set() {
		return nil
	}
	for _, s := range []string{k.Caller, k.Key} {
		if s == "" || len(s) > maxKey || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return fmt.Errorf("an idempotency key is a caller and a text, each of 1 to %d bytes: %w", maxKey, events.ErrInvalid)
		}
	}
	return nil
}

// checkStream admits only names of this ledger.
func checkStream(s events.StreamID) error {
	if _, _, err := s.IDs(); err != nil {
		return fmt.Errorf("%w: %w", events.ErrInvalid, err)
	}
	switch s.Kind() {
	case events.KindToken, events.KindGrant, events.KindOrganization, events.KindUser,
		events.KindMembership, events.KindInvitation, events.KindReview, events.KindInstallation:
		return nil
	}
	return fmt.Errorf("stream %q: %w", s, events.ErrInvalid)
}
