// Traces go to a real receiver, by the protocol that the standard variables name, and
// nowhere where none names one.

package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// received is what a receiver got: the names of spans, and of the services they are of.
type received chan [2]string

func (r received) take(q *collector.ExportTraceServiceRequest) {
	for _, resource := range q.ResourceSpans {
		service := ""
		for _, a := range resource.Resource.Attributes {
			if a.Key == "service.name" {
				service = a.Value.GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				r <- [2]string{span.Name, service}
			}
		}
	}
}

func (r received) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	var sent collector.ExportTraceServiceRequest
	if err = errors.Join(err, proto.Unmarshal(body, &sent)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.take(&sent)
}

type grpcReceiver struct {
	collector.UnimplementedTraceServiceServer
	received
}

func (g grpcReceiver) Export(_ context.Context, q *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	g.take(q)
	return &collector.ExportTraceServiceResponse{}, nil
}

func TestTracesAreSentByEitherProtocol(t *testing.T) { // sets variables, so not parallel
	got := make(received, 10)
	web := httptest.NewServer(got)
	t.Cleanup(web.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rpc := grpc.NewServer()
	collector.RegisterTraceServiceServer(rpc, grpcReceiver{received: got})
	go func() { _ = rpc.Serve(l) }()
	t.Cleanup(rpc.Stop)
	for protocol, endpoint := range map[string]string{"http/protobuf": web.URL, "grpc": "http://" + l.Addr().String()} {
		t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
		t.Setenv("OTEL_SERVICE_NAME", "by "+protocol)
		tracing, err := StartTracing(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil || tracing == nil {
			t.Fatalf("%q: %v, %v", protocol, tracing, err)
		}
		_, end := tracing.Span()(t.Context(), "told by "+protocol)
		end("conflict")
		tracing.Close()
		select {
		case s := <-got:
			if s != [2]string{"told by " + protocol, "by " + protocol} {
				t.Errorf("%q: got %q", protocol, s)
			}
		default:
			t.Errorf("%q: nothing was sent", protocol)
		}
	}
}

func TestTracesAreOffUnlessAnEndpointIsNamed(t *testing.T) { // sets variables, so not parallel
	for name, env := range map[string][2]string{
		"no endpoint":         {"OTEL_SERVICE_NAME", "x"},
		"disabled altogether": {"OTEL_SDK_DISABLED", "true"},
		"no exporter":         {"OTEL_TRACES_EXPORTER", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "no endpoint" {
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			}
			t.Setenv(env[0], env[1])
			tracing, err := StartTracing(t.Context(), slog.New(slog.DiscardHandler))
			if err != nil || tracing != nil {
				t.Fatal(tracing, err)
			}
			if tracing.Tracer() != nil || tracing.Queries() != nil || tracing.Span() != nil {
				t.Error("no traces are something")
			}
			tracing.Close()
			// What the parts do then allocates nothing.
			span := tracing.Span()
			if n := testing.AllocsPerRun(100, func() { _, end := span.Begin(t.Context(), "x"); end("") }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon")
	if _, err := StartTracing(t.Context(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a protocol that there is not is taken")
	}
}
