// Package telemetry is what the service says of itself: logs in which no token
// value can stand, and metrics.
package telemetry

import (
	"context"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// NewLogger writes records to w as text or JSON. Whatever a record holds, token
// values in it are masked on the way out: the redactor sees the finished line,
// so no attribute, error or formatting can slip past it.
func NewLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	out := redactor{w}
	if format == "json" {
		return slog.New(traced{slog.NewJSONHandler(out, options)})
	}
	return slog.New(traced{slog.NewTextHandler(out, options)})
}

// traced adds the trace that a record was made in, if it was in one.
type traced struct{ slog.Handler }

func (t traced) Handle(ctx context.Context, r slog.Record) error {
	if s := trace.SpanContextFromContext(ctx); s.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", s.TraceID().String()), slog.String("span_id", s.SpanID().String()))
	}
	return t.Handler.Handle(ctx, r)
}

func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(attrs)} }

func (t traced) WithGroup(name string) slog.Handler { return traced{t.Handler.WithGroup(name)} }

// redactor masks token values in each line. slog hands over whole lines.
type redactor struct{ w io.Writer }

func (r redactor) Write(line []byte) (int, error) {
	if _, err := r.w.Write(secret.Redact(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// NewRegistry is an empty registry but for what Go and the process tell.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Gauge registers a value that is read when it is asked for.
func Gauge(r prometheus.Registerer, name, help string, labels prometheus.Labels, read func() float64) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: name, Help: help, ConstLabels: labels,
	}, read))
}
