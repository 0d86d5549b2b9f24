// Traces: what happens to one mutation is one trace, as a real OTLP receiver gets it,
// a subscriber's message is in it, and no secret is.

package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	natsjs "github.com/nats-io/nats.go/jetstream"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/tokenledger/tokenledger/events"
)

// receiver takes spans as OTLP over HTTP has them.
type receiver struct {
	*httptest.Server

	mu    sync.Mutex // guards all below
	raw   []byte     // every body, to search
	spans map[string]*tracepb.Span
	fault error
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{spans: map[string]*tracepb.Span{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil || q.URL.Path != "/v1/traces" {
			r.fault = err
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.raw = append(r.raw, body...)
		for _, resource := range sent.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					r.spans[hex.EncodeToString(span.SpanId)] = span
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(r.Close)
	return r
}

// ancestry names the spans of a trace from one up to the first.
func (r *receiver) ancestry(s *tracepb.Span) (names []string) {
	for ; s != nil; s = r.spans[hex.EncodeToString(s.ParentSpanId)] {
		names = append(names, s.Name)
	}
	return names
}

// find gives a span by name that stands below others of a trace, named from the nearest
// on. What is done for several callers at once stands below the first of them, and is
// linked with the others: either will do.
func (r *receiver) find(trace, name string, below ...string) *tracepb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.Name != name {
			continue
		}
		causes := [][]byte{s.ParentSpanId}
		for _, link := range s.Links {
			causes = append(causes, link.SpanId)
		}
		for _, id := range causes {
			cause := r.spans[hex.EncodeToString(id)]
			names := r.ancestry(cause)
			if cause != nil && hex.EncodeToString(cause.TraceId) == trace && slices.Equal(names[:min(len(names), len(below))], below) {
				return s
			}
		}
	}
	return nil
}

// root gives the span of a trace that the client's is right above.
func (r *receiver) root(trace string) *tracepb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if hex.EncodeToString(s.TraceId) == trace && hex.EncodeToString(s.ParentSpanId) == clientSpan {
			return s
		}
	}
	return nil
}

func (r *receiver) names(trace string) (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if hex.EncodeToString(s.TraceId) == trace {
			names = append(names, strings.Join(r.ancestry(s), " < "))
		}
	}
	slices.Sort(names)
	return names
}

const (
	clientTrace = "0af7651916cd43dd8448eb211c80319c"
	checkTrace  = "1bf7651916cd43dd8448eb211c80319c"
	clientSpan  = "b7ad6b7169203331"
)

func TestAMutationIsOneTrace(t *testing.T) {
	t.Parallel()
	r := startReceiver(t)
	s := start(t, "TOKENLEDGER_NATS_LISTEN=127.0.0.1:0", "TOKENLEDGER_LOG_FORMAT=json", "TOKENLEDGER_LOG_LEVEL=debug",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+r.URL, "OTEL_BSP_SCHEDULE_DELAY=100")
	const mail, address = "kanarienvogel@example.com", "203.0.113.77"
	s.ask(t, `mutation($m: String!) { createUser(input: {email: $m, role: ADMIN}) { user { id } } }`, map[string]any{"m": mail})
	made := s.ask(t, `mutation($in: CreateAPITokenInput!) { createAPIToken(input: $in) { apiToken { id token position } } }`,
		map[string]any{"in": map[string]any{"name": "traced", "scopes": []string{"evidence:write"}}},
		"Traceparent", "00-"+clientTrace+"-"+clientSpan+"-01")
	value := made.text(t, "createAPIToken.apiToken.token")
	position := made.number(t, "createAPIToken.apiToken.position")
	if status := s.check(t, value, address); status != http.StatusOK {
		t.Fatalf("the check of a good token answers %d", status)
	}

	defer func() {
		if t.Failed() {
			t.Logf("spans of the mutation and of the check:\n%s\n\n%s", strings.Join(r.names(clientTrace), "\n"), strings.Join(r.names(checkTrace), "\n"))
		}
	}()
	graphql := []string{"graphql mutation createAPIToken", "POST /query"}
	appended := append([]string{"append"}, graphql...)
	for _, want := range []struct {
		trace, name string
		below       []string
	}{
		{clientTrace, "graphql mutation createAPIToken", []string{"POST /query"}},
		{clientTrace, "decide", graphql},
		{clientTrace, "append", graphql},
		{clientTrace, "commit", appended},
		{clientTrace, "publish", appended},
		{clientTrace, "project tokens", appended},
		{clientTrace, "project trails", appended},
		{checkTrace, "append", []string{"verify", "GET /auth/check"}},
		{checkTrace, "commit", []string{"append", "verify", "GET /auth/check"}},
		{checkTrace, "publish", []string{"append", "verify", "GET /auth/check"}},
		{checkTrace, "project usage", []string{"append", "verify", "GET /auth/check"}},
	} {
		await(t, "the span "+want.name+" below "+strings.Join(want.below, " < "), func() bool {
			return r.find(want.trace, want.name, want.below...) != nil
		})
	}
	if root := r.root(clientTrace); root == nil || root.Name != "POST /query" {
		t.Errorf("the span below the client's is %v", root)
	}

	header := s.header(t, position)
	if parts := strings.Split(header, "-"); len(parts) != 4 || parts[1] != clientTrace || parts[3] != "01" {
		t.Errorf("a subscriber's message has the traceparent %q", header)
	} else {
		await(t, "the span that the message names", func() bool { s := r.span(parts[2]); return s != nil && s.Name == "publish" })
	}
	mac := s.mac(t, made.text(t, "createAPIToken.apiToken.id"))
	await(t, "the request's line in the log", func() bool { return s.logs(clientTrace, "request") })
	s.stop(t)
	r.holdsNone(t, map[string][]byte{
		"the token's secret": []byte(value[secretStart : secretStart+12]), "the administrator's secret": []byte(s.Token[secretStart : secretStart+12]),
		"an e-mail address": []byte("kanarienvogel"), "a network address": []byte(address),
		"a MAC": mac, "a MAC in hexadecimal": []byte(hex.EncodeToString(mac)),
	})
}

func (r *receiver) span(id string) *tracepb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spans[id]
}

// holdsNone searches all that was ever sent.
func (r *receiver) holdsNone(t *testing.T, secrets map[string][]byte) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault != nil {
		t.Errorf("the receiver got what is no OTLP: %v", r.fault)
	}
	if !bytes.Contains(r.raw, []byte("graphql mutation createAPIToken")) {
		t.Fatal("nothing was received, so nothing can be searched")
	}
	for what, secret := range secrets {
		if at := bytes.Index(r.raw, secret); at >= 0 {
			t.Errorf("the spans have %s, behind …%q", what, r.raw[max(0, at-200):at])
		}
	}
}

// check asks as a proxy does, for a client at an address.
func (s *service) check(t *testing.T, value, address string) int {
	t.Helper()
	q, err := http.NewRequest(http.MethodGet, s.URL+"/auth/check?"+url.Values{"scope": {"evidence:write"}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+value)
	q.Header.Set("X-Forwarded-For", address)
	q.Header.Set("Traceparent", "00-"+checkTrace+"-"+clientSpan+"-01")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// mac is what the ledger keeps of a token's secret.
func (s *service) mac(t *testing.T, token string) (mac []byte) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), s.database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	if err := db.QueryRow(t.Context(), `SELECT mac FROM tokenledger.credentials WHERE token = $1::uuid`, token).Scan(&mac); err != nil {
		t.Fatal(err)
	}
	if len(mac) != 32 {
		t.Fatalf("a MAC of %d bytes", len(mac))
	}
	return mac
}

// header is the traceparent of the message that carries an event.
func (s *service) header(t *testing.T, position int64) string {
	t.Helper()
	stream := openStream(t, s.NATS, filepath.Join(s.data, "nats", "reader.creds"), "TOKENLEDGER_"+origin(t, s.database(t)))
	var m *natsjs.RawStreamMsg
	await(t, "the event is published", func() (there bool) {
		var err error
		m, err = stream.GetMsg(t.Context(), uint64(position))
		return err == nil
	})
	return m.Header.Get(events.HeaderTrace)
}

// logs reports whether a line of the service's log is of a trace.
func (s *service) logs(trace, message string) bool {
	lines := bufio.NewScanner(strings.NewReader(s.Stderr.String()))
	for lines.Scan() {
		var line struct {
			Message string `json:"msg"`
			Trace   string `json:"trace_id"`
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Trace == trace && line.Message == message {
			return true
		}
	}
	return false
}
