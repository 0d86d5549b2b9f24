// Traces: a run that a projection applies is a part of the trace of its first traced
// event, and linked with those of the others.

package projections

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// maxLinks bounds how many other traces a run names: it may be of 50,000 events.
const maxLinks = 64

// traceRun begins the span of a run, and gives what ends it. It begins none where no
// event of the run was traced by this process.
func (r *Runner) traceRun(ctx context.Context, name string, run []events.Recorded) (context.Context, func(error)) {
	if r.tracer == nil {
		return ctx, func(error) {}
	}
	var parent trace.SpanContext
	var links []trace.Link
	for i, rec := range run {
		if rec.Traceparent == "" || i > 0 && run[i-1].Traceparent == rec.Traceparent {
			continue
		}
		switch of := eventstore.TraceOf(rec); {
		case !parent.IsValid():
			parent = of
		case len(links) < maxLinks:
			links = append(links, trace.Link{SpanContext: of})
		}
	}
	if !parent.IsValid() {
		return ctx, func(error) {}
	}
	ctx, span := r.tracer.Start(trace.ContextWithSpanContext(ctx, parent), "project "+name,
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links...), trace.WithAttributes(
			attribute.String("ledger.projection", name), attribute.Int("ledger.events", len(run)),
			attribute.Int64("ledger.position", int64(run[len(run)-1].Position))))
	return ctx, func(err error) {
		if err != nil {
			eventstore.Failed(span, "failed")
		}
		span.End()
	}
}
