// Traces: an append is a part of its caller's, a commit of all whose events it makes
// durable, and readers in this process learn which trace an event belongs to.

package eventstore

import (
	"context"
	"errors"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/events"
)

// The attributes of spans that tell of events. None holds what a caller wrote.
const (
	attrPosition = attribute.Key("ledger.position") // of the last event
	attrEvents   = attribute.Key("ledger.events")
	attrRequests = attribute.Key("ledger.requests")
	attrReplayed = attribute.Key("ledger.replayed")
)

// appendTraced is Append, in a span of its own.
func (l *Log) appendTraced(ctx context.Context, r events.Request) (events.Receipt, error) {
	ctx, span := l.config.Tracer.Start(ctx, "append")
	defer span.End()
	p, err := l.prepare(r)
	if err == nil {
		p.trace = span.SpanContext()
	}
	receipt, err := l.await(ctx, p, err)
	if err != nil {
		Failed(span, ErrorType(err))
		return receipt, err
	}
	span.SetAttributes(
		attrPosition.Int64(int64(receipt.Last())), attrEvents.Int(len(receipt.Placed)), attrReplayed.Bool(receipt.Replayed))
	if p.commit.IsValid() {
		span.AddLink(trace.Link{SpanContext: p.commit})
	}
	return receipt, nil
}

// traceCommit begins the span of a block, as a part of the first traced request's
// append; finishCommit links it with those of all. It is nil where none is traced.
func (a *appender) traceCommit(ctx context.Context, requests []*pending) (context.Context, trace.Span) {
	if a.config.Tracer == nil {
		return ctx, nil
	}
	for _, p := range requests {
		if p.trace.IsSampled() {
			return a.config.Tracer.Start(trace.ContextWithSpanContext(ctx, p.trace), "commit")
		}
	}
	return ctx, nil
}

// finishCommit ends the span of a block whose requests are decided. Those that joined
// it late may be traced though none was that it began with; they have no commit's span.
func (a *appender) finishCommit(span trace.Span, requests []*pending, err error) {
	if span == nil {
		return
	}
	defer span.End()
	placed, last := placedBy(requests, err)
	for i, p := range requests {
		p.commit = span.SpanContext()
		if i > 0 && p.trace.IsSampled() {
			span.AddLink(trace.Link{SpanContext: p.trace})
		}
	}
	span.SetAttributes(attrRequests.Int(len(requests)), attrEvents.Int(placed), attrPosition.Int64(int64(last)))
	if err != nil {
		Failed(span, ErrorType(err))
	}
}

// traced is whose trace some events of a block belong to.
type traced struct {
	first, last events.Position
	parent      string // W3C traceparent
}

// tracesOf names the sampled traces of what was placed, in the block's order.
func tracesOf(requests []*pending) (all []traced) {
	for _, p := range requests {
		if n := len(p.receipt.Placed); n > 0 && p.err == nil && p.earlier == nil && p.trace.IsSampled() {
			all = append(all, traced{p.receipt.Placed[0].Position, p.receipt.Placed[n-1].Position, Traceparent(p.trace)})
		}
	}
	return all
}

// markTraces tells the events of a block whose trace they belong to.
func (b *Block) markTraces(recorded []events.Recorded) {
	for _, t := range b.traces {
		for at := t.first; at <= t.last; at++ {
			recorded[at-b.First].Traceparent = t.parent
		}
	}
}

// Traceparent is a span as the header of W3C Trace Context names it.
func Traceparent(s trace.SpanContext) string {
	return "00-" + s.TraceID().String() + "-" + s.SpanID().String() + "-" + s.TraceFlags().String()
}

// TraceOf is the span that appended an event, if this process did that not long ago
// and the span was sampled; else one that is not valid.
func TraceOf(r events.Recorded) trace.SpanContext {
	if r.Traceparent == "" {
		return trace.SpanContext{}
	}
	carrier := propagation.MapCarrier{"traceparent": r.Traceparent}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// Failed says in a span what kind of failure ended it. The text of an error is never
// put there: it may quote what a caller sent.
func Failed(span trace.Span, kind string) {
	span.SetStatus(codes.Error, kind)
	span.SetAttributes(attribute.String("error.type", kind))
}

// ErrorType is what kind of failure an error of the log is, for metrics and traces:
// one word of a short list.
func ErrorType(err error) string {
	for _, kind := range errorTypes {
		if errors.Is(err, kind.err) {
			return kind.name
		}
	}
	return otherError
}

// ErrorTypes are all that ErrorType answers.
func ErrorTypes() []string {
	names := []string{otherError}
	for _, kind := range errorTypes {
		names = append(names, kind.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

const otherError = "failed"

var errorTypes = []struct {
	err  error
	name string
}{
	{events.ErrBusy, "busy"},
	{ErrCorrupt, "corrupt"},
	{events.ErrUnavailable, "unavailable"},
	{events.ErrConflict, "conflict"},
	{events.ErrGateClosed, "closed"},
	{events.ErrTooLate, "late"},
	{events.ErrKeyReused, "reused"},
	{events.ErrInvalid, "invalid"},
	{context.Canceled, "abandoned"},
	{context.DeadlineExceeded, "abandoned"},
}
