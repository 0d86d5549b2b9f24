// Requests are told apart by routes that the program knows, and watching them costs
// nothing that is not asked for.

package httpd

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
)

func TestRequestsAreCountedByRouteAndStatus(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	h := observe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/query" && r.Header.Get("Accept") == "text/event-stream":
			w.Header().Set("Content-Type", "text/event-stream")
		case strings.HasPrefix(r.URL.Path, "/envoy/"):
			w.WriteHeader(http.StatusForbidden)
			w.WriteHeader(http.StatusOK) // too late
		case r.URL.Path == "/auth/check":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = io.WriteString(w, "ok")
		}
	}), nil, telemetry.NewRequests(registry, Routes()...), nil)
	for path, accept := range map[string]string{
		"/query": "", "/query?": "text/event-stream", "/envoy/any/path": "", "/auth/check": "", "/nothing/here": "", "/v1/sso/abc": "",
	} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept", accept)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, m := range families[0].Metric {
		if n := m.GetHistogram().GetSampleCount(); n > 0 {
			got[label(m, "route")+" "+label(m, "status")] = n
		}
	}
	want := map[string]uint64{"/query 2xx": 1, "/envoy/ 4xx": 1, "/auth/check 5xx": 1, "/ 2xx": 1, "/v1/ 2xx": 1}
	if len(got) != len(want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	for series, n := range want {
		if got[series] != n {
			t.Errorf("%s: %d, want %d", series, got[series], n)
		}
	}
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestARequestIsAPartOfItsClientsTrace(t *testing.T) {
	t.Parallel()
	seen := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(seen)).Tracer("test")
	var out bytes.Buffer
	logger := telemetry.NewLogger(&out, "json", slog.LevelDebug)
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !trace.SpanContextFromContext(r.Context()).IsValid() {
			t.Error("the handler does not know the trace")
		}
		w.WriteHeader(http.StatusBadGateway)
	})
	r := httptest.NewRequest("KANARIENVOGEL", "/query?kanarienvogel=1", nil)
	r.Header.Set("Traceparent", parent)
	observe(next, tracer, nil, logger).ServeHTTP(httptest.NewRecorder(), r)
	observe(next, nil, nil, logger).ServeHTTP(httptest.NewRecorder(), r)
	if n := strings.Count(out.String(), `"trace_id":"0af7651916cd43dd8448eb211c80319c"`); n != 2 {
		t.Errorf("%d of 2 lines have the trace, which is there with traces and without:\n%s", n, out.String())
	}
	ended := seen.Ended()
	if len(ended) != 1 || ended[0].Parent().SpanID().String() != "b7ad6b7169203331" || ended[0].Status().Code.String() != "Error" {
		t.Fatalf("spans: %v", ended)
	}
	for _, a := range ended[0].Attributes() {
		if strings.Contains(strings.ToLower(a.Value.String()), "kanarienvogel") {
			t.Errorf("the span has what the client wrote in %s", a.Key)
		}
	}
}

// TestWatchingCostsNothing: a request without a trace allocates nothing more than it
// would by itself, however it is measured.
func TestWatchingCostsNothing(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	h := observe(next, nil, telemetry.NewRequests(prometheus.NewRegistry(), Routes()...), nil)
	r := httptest.NewRequest(http.MethodGet, "/auth/check", nil)
	w := &quiet{header: http.Header{"Content-Type": {"application/json"}}}
	h.ServeHTTP(w, r)
	if n := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); n >= 1 && !raceDetector {
		t.Errorf("%v allocations", n)
	}
}

// quiet is a response that nobody reads.
type quiet struct{ header http.Header }

func (q *quiet) Header() http.Header         { return q.header }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }
func (q *quiet) WriteHeader(int)             {}

func BenchmarkWatching(b *testing.B) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	h := observe(next, nil, telemetry.NewRequests(prometheus.NewRegistry(), Routes()...), nil)
	r := httptest.NewRequest(http.MethodGet, "/auth/check", nil)
	w := &quiet{header: http.Header{"Content-Type": {"application/json"}}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}
