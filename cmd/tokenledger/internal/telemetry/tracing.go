// Traces: what the standard OTEL_* variables say, and the spans of the service's parts.

package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/eventstore"
)

// Tracing makes spans and sends them away. A nil one makes none, at no cost.
type Tracing struct {
	provider *sdktrace.TracerProvider
	logger   *slog.Logger
}

// scope names the spans of this program.
const scope = "github.com/tokenledger/tokenledger"

// StartTracing reads the OTEL_* variables: there are traces if one of them names an
// OTLP endpoint, and none of them forbids it. It gives nil where there are none.
func StartTracing(ctx context.Context, logger *slog.Logger) (*Tracing, error) {
	if !tracingWanted() {
		return nil, nil
	}
	exporter, err := newExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces (OTEL_EXPORTER_OTLP_*): %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "tokenledger"), attribute.String("service.version", version())),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("traces (OTEL_RESOURCE_ATTRIBUTES): %w", err), exporter.Shutdown(ctx))
	}
	// The library has one handler of errors for the whole program, which tells when
	// spans cannot be sent.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.WarnContext(context.WithoutCancel(ctx), "traces cannot be sent", "error", err)
	}))
	return &Tracing{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about)), logger}, nil
}

func tracingWanted() bool {
	endpoint := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") + os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
	return endpoint != "" && !strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") &&
		!strings.EqualFold(os.Getenv("OTEL_TRACES_EXPORTER"), "none")
}

// newExporter is of the protocol that is asked for; everything else the exporters read
// from the environment by themselves.
func newExporter(ctx context.Context) (*otlptrace.Exporter, error) {
	protocol := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	if protocol == "" {
		protocol = os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	switch protocol {
	case "", "http/protobuf":
		return otlptracehttp.New(ctx)
	case "grpc":
		return otlptracegrpc.New(ctx)
	}
	return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL %q: want http/protobuf or grpc", protocol)
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// Tracer makes spans; nil where there are no traces.
func (t *Tracing) Tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer(scope)
}

// Queries follows what the database is asked within a span, without the parameters;
// nil where there are no traces.
func (t *Tracing) Queries() pgx.QueryTracer {
	if t == nil {
		return nil
	}
	follows := otelpgx.NewTracer(otelpgx.WithTracerProvider(t.provider), otelpgx.WithDisableConnectionDetailsInAttributes())
	return struct { // no spans of taking a connection from a pool, or of preparing
		pgx.QueryTracer
		pgx.BatchTracer
	}{follows, follows}
}

// Span is how the packages that know nothing of OpenTelemetry begin a part of a trace;
// nil where there are no traces.
func (t *Tracing) Span() aggregate.Span {
	if t == nil {
		return nil
	}
	tracer := t.Tracer()
	return func(ctx context.Context, name string) (context.Context, func(string)) {
		ctx, span := tracer.Start(ctx, name)
		return ctx, func(failure string) {
			if failure != "" {
				eventstore.Failed(span, failure)
			}
			span.End()
		}
	}
}

// flushLimit bounds how long the last spans may take to be sent.
const flushLimit = 5 * time.Second

// Close sends what is left. What cannot be sent is lost, as before: a receiver that is
// away is no failure of the service.
func (t *Tracing) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.logger.WarnContext(ctx, "the last traces cannot be sent", "error", err)
	}
}
