// Traces: publishing an event is a part of the trace in which it was appended, and the
// message's header names that part.

package jetstream

import (
	"context"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// published is the spans of the events in flight, in order. Only traced ones have one.
type published []publishing

type publishing struct {
	at   events.Position
	span trace.Span
}

// begin starts the span of an event whose append was traced, and puts it into the
// header for whoever gets the message. The header of any other event is what the
// request came with, if it had one.
func (all *published) begin(tracer trace.Tracer, r events.Recorded, header nats.Header) {
	if tracer == nil || r.Traceparent == "" {
		return
	}
	parent := eventstore.TraceOf(r)
	if !parent.IsValid() {
		return
	}
	_, span := tracer.Start(trace.ContextWithSpanContext(context.Background(), parent), "publish",
		trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(
			attribute.String("messaging.system", "nats"), attribute.String("messaging.operation.type", "send"),
			attribute.String("ledger.event", string(r.Event.Type())), attribute.Int64("ledger.position", int64(r.Position))))
	header[events.HeaderTrace] = []string{eventstore.Traceparent(span.SpanContext())}
	*all = append(*all, publishing{r.Position, span})
}

// landed ends the spans of what the stream is known to hold.
func (all *published) landed(at events.Position) {
	n := 0
	for ; n < len(*all) && (*all)[n].at <= at; n++ {
		(*all)[n].span.End()
	}
	*all = (*all)[n:]
}

// end ends what is left with the kind of failure: the next attempt publishes again.
func (all *published) end(kind string) {
	for _, p := range *all {
		eventstore.Failed(p.span, kind)
		p.span.End()
	}
	*all = nil
}
