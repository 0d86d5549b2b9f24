// What follows the service at work: its metrics and its traces. They are made before
// anything else, so that every part can be given what it tells them by.

package service

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/eventstore"
)

// observers are given to the parts. The zero value follows nothing.
type observers struct {
	registry *prometheus.Registry
	requests *telemetry.Requests
	tracing  *telemetry.Tracing

	meter   eventstore.Meter
	tracer  trace.Tracer
	queries pgx.QueryTracer
	span    aggregate.Span
}

func newObservers(ctx context.Context, logger *slog.Logger) (o observers, err error) {
	if o.tracing, err = telemetry.StartTracing(ctx, logger); err != nil {
		return o, err
	}
	o.registry = telemetry.NewRegistry()
	o.requests = telemetry.NewRequests(o.registry, httpd.Routes()...)
	o.meter = telemetry.NewAppends(o.registry)
	o.tracer, o.queries, o.span = o.tracing.Tracer(), o.tracing.Queries(), o.tracing.Span()
	return o, nil
}
