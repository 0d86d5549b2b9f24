// Traces and meters of the log: one commit for many callers, and what its events remember.

package eventstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

// TestACommitIsAPartOfEveryTraceItServes: of the first by descent, of the others by links
// both ways, and each event leads to the append that brought it.
func TestACommitIsAPartOfEveryTraceItServes(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	seen := tracetest.NewSpanRecorder()
	log := opened(t, eventstore.Config{URL: url, Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(seen)).Tracer("test")})
	var creates []events.Request
	for range 3 {
		creates = append(creates, eventstoretest.NewToken(uuid.New()).Create())
	}
	wait := queueInOrder(t, log, creates...)
	start(t, log)
	for _, a := range wait() {
		if a.err != nil {
			t.Fatal(a.err)
		}
	}
	appends, commits := map[string]sdktrace.ReadOnlySpan{}, []sdktrace.ReadOnlySpan{}
	await(t, "all spans end", func() bool { return len(seen.Ended()) == 4 })
	for _, s := range seen.Ended() {
		if s.Name() == "commit" {
			commits = append(commits, s)
		} else {
			appends[eventstore.Traceparent(s.SpanContext())] = s
		}
	}
	if len(commits) != 1 || len(appends) != 3 {
		t.Fatalf("%d commits, %d appends", len(commits), len(appends))
	}
	commit, joined := commits[0], map[trace.SpanID]bool{}
	joined[commit.Parent().SpanID()] = true
	for _, l := range commit.Links() {
		joined[l.SpanContext.SpanID()] = true
	}
	for _, r := range readAll(t, log, 0) {
		of, ok := appends[r.Traceparent]
		if !ok || !joined[of.SpanContext().SpanID()] {
			t.Errorf("position %d was appended by %q, which the commit does not know", r.Position, r.Traceparent)
			continue
		}
		if links := of.Links(); len(links) != 1 || links[0].SpanContext.SpanID() != commit.SpanContext().SpanID() {
			t.Errorf("the append of position %d is linked with %v", r.Position, links)
		}
		if back := eventstore.TraceOf(r); back.SpanID() != of.SpanContext().SpanID() || back.TraceID() != of.SpanContext().TraceID() || !back.IsSampled() {
			t.Errorf("position %d leads to %v", r.Position, back)
		}
		if bytes.Contains(r.Leaf, []byte(r.Traceparent)) {
			t.Error("the trace stands in the leaf")
		}
		delete(appends, r.Traceparent)
	}
	for _, r := range readAll(t, opened(t, eventstore.Config{URL: url}), 0) {
		if r.Traceparent != "" || eventstore.TraceOf(r).IsValid() {
			t.Errorf("another reader of the log knows the trace %q", r.Traceparent)
		}
	}
}

// TestSpansSayNothingThatCallersWrote: an error's text may quote a caller, so spans have
// its kind alone.
func TestSpansSayNothingThatCallersWrote(t *testing.T) {
	t.Parallel()
	seen := tracetest.NewSpanRecorder()
	log := eventstoretest.Start(t, eventstore.Config{
		URL: eventstoretest.Postgres(t), Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(seen)).Tracer("test"),
	})
	k := eventstoretest.NewToken(uuid.New())
	mustAppend(t, log, k.Create())
	if _, err := log.Append(t.Context(), k.Create()); !errors.Is(err, events.ErrConflict) {
		t.Fatal(err)
	}
	const written = "kanarienvogel"
	bad := k.Use()
	bad.Batches[0].Stream = written
	if _, err := log.Append(t.Context(), bad); !errors.Is(err, events.ErrInvalid) {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, s := range seen.Ended() {
		if said := fmt.Sprint(s.Name(), s.Attributes(), s.Events(), s.Links(), s.Status()); strings.Contains(said, written) {
			t.Errorf("a span says %s", said)
		}
		if s.Name() != "append" {
			continue
		}
		if d := s.Status().Description; d != "" {
			kinds[d] = true
		}
	}
	if len(kinds) != 2 || !kinds["conflict"] || !kinds["invalid"] {
		t.Errorf("the spans failed with %v", kinds)
	}
}

// heard is a meter that remembers.
type heard struct {
	mu                       sync.Mutex // guards all below
	results                  map[string]int
	blocks, requests, events int
}

func (h *heard) Appended(took time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kind := ""
	if err != nil {
		kind = eventstore.ErrorType(err)
	}
	if took > 0 {
		h.results[kind]++
	}
}

func (h *heard) Committed(requests, events int, took time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil && took > 0 {
		h.blocks++
	}
	h.requests += requests
	h.events += events
}

func TestMetersCountWhatBecomesOfAppends(t *testing.T) {
	t.Parallel()
	h := &heard{results: map[string]int{}}
	log := opened(t, eventstore.Config{URL: eventstoretest.Postgres(t), Meter: h})
	k, other := eventstoretest.NewToken(uuid.New()), eventstoretest.NewToken(uuid.New())
	wait := queueInOrder(t, log, k.Create(), other.Create(), k.Create())
	if q := log.Queue(); q.Requests != 3 || q.Bytes <= 0 {
		t.Errorf("waiting: %+v", q)
	}
	start(t, log)
	wait()
	if q := log.Queue(); q != (eventstore.Queue{}) {
		t.Errorf("waiting when all is answered: %+v", q)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.results[""] != 2 || h.results["conflict"] != 1 || h.blocks != 1 || h.requests != 3 || h.events != int(log.Known()) || h.events == 0 {
		t.Errorf("heard: %+v, the log ends at %d", h, log.Known())
	}
}
