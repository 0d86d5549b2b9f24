// What is told of every request to the public interface: how long it took, the span
// that it is, and a line of the log where the level asks for it.

package httpd

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
)

// Routes are what requests are told apart by, in metrics and traces: never their
// paths, which a client chooses.
func Routes() []string {
	return []string{
		"/query", "/oauth2/introspect", "/oauth2/revoke", "/auth/check", "/envoy/", "/k8s/tokenreview", "/credentials/revoke",
		"/v1/audit/pack", "/v1/", "/scim/v2/", "/checkpoint", "/tile/", "/livez", "/readyz", "/graphiql", otherRoute,
	}
}

const otherRoute = "/" // the console, and what there is not

// observed passes requests on and tells of them.
type observed struct {
	next     http.Handler
	exact    map[string]string // path → route
	prefixes []string          // routes that are prefixes, the longer ones first
	tracer   trace.Tracer      // nil: no spans
	requests *telemetry.Requests
	logger   *slog.Logger
}

func observe(next http.Handler, tracer trace.Tracer, requests *telemetry.Requests, logger *slog.Logger) http.Handler {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	o := &observed{next: next, exact: map[string]string{}, tracer: tracer, requests: requests, logger: logger}
	for _, route := range Routes() {
		o.exact[route] = route
		if route != otherRoute && strings.HasSuffix(route, "/") {
			o.prefixes = append(o.prefixes, route)
		}
	}
	return o
}

func (o *observed) route(path string) string {
	if route, ok := o.exact[path]; ok {
		return route
	}
	for _, prefix := range o.prefixes {
		if strings.HasPrefix(path, prefix) {
			return prefix
		}
	}
	return otherRoute
}

// methods are those that a span names; a client may send any text.
var methods = map[string]string{
	http.MethodGet: "GET", http.MethodPost: "POST", http.MethodPut: "PUT", http.MethodPatch: "PATCH",
	http.MethodDelete: "DELETE", http.MethodHead: "HEAD", http.MethodOptions: "OPTIONS",
}

// ServeHTTP implements [http.Handler]. Without a tracer, and without a trace that the
// client is in, it allocates nothing.
func (o *observed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun, route := time.Now(), o.route(r.URL.Path)
	answer := answers.Get().(*answered)
	answer.ResponseWriter, answer.status = w, 0
	defer func() {
		answer.ResponseWriter = nil
		answers.Put(answer)
	}()
	var span trace.Span
	if o.tracer != nil || len(r.Header["Traceparent"]) > 0 {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		if o.tracer != nil {
			method := methods[r.Method]
			ctx, span = o.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer),
				trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route)))
			defer span.End()
		}
		r = r.WithContext(ctx)
	}
	o.next.ServeHTTP(answer, r)
	o.tell(answer, r, route, span, time.Since(begun))
}

func (o *observed) tell(answer *answered, r *http.Request, route string, span trace.Span, took time.Duration) {
	status := answer.status
	if status == 0 {
		status = http.StatusOK
	}
	header := answer.Header()
	if kind := header["Content-Type"]; o.requests != nil && (len(kind) == 0 || kind[0] != "text/event-stream") {
		o.requests.Took(route, status, took)
	}
	if span != nil {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	}
	if o.logger.Enabled(r.Context(), slog.LevelDebug) {
		o.logger.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("method", methods[r.Method]), slog.String("route", route),
			slog.Int("status", status), slog.Duration("took", took), slog.String("request_id", header.Get("X-Request-Id")))
	}
}

// answered notes the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

var answers = sync.Pool{New: func() any { return new(answered) }}

// WriteHeader implements [http.ResponseWriter]. The first final status counts.
func (a *answered) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] flush and set deadlines.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }
