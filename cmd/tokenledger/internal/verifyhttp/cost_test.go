// What the HTTP side of a verification costs, apart from the decision and net/http.

package verifyhttp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/verifyhttp"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// decided answers every question alike.
type decided struct{ verifier.Decision }

func (d decided) Verify(context.Context, verifier.Query) (verifier.Decision, error) {
	return d.Decision, nil
}

func (d decided) Authenticated(context.Context, verifier.Query) (verifier.Decision, error) {
	return d.Decision, nil
}

func (d decided) Whose(context.Context, verifier.Query) (verifier.Subject, verifier.Code, bool, error) {
	return d.Subject, "", true, nil
}

// sink is a response that nobody reads.
type sink struct {
	header http.Header
	wrote  int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { s.wrote += len(b); return len(b), nil }
func (s *sink) WriteHeader(int)             {}

func hot(path, form string) (h *verifyhttp.Handler, ask func()) {
	d := decided{verifier.Decision{Allowed: true, Until: time.Now().Add(time.Hour), Position: 1, Subject: verifier.Subject{
		Token: newID(), Kind: events.OrganizationKind, Organization: newID(), Scopes: []string{"evidence:write"}, CreatedAt: time.Now(),
	}}}
	h = verifyhttp.New(verifyhttp.Config{
		Verifier: d, MayVerify: func(verifier.Subject) bool { return true }, Issuer: issuer,
		Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	})
	r := httptest.NewRequest(http.MethodPost, path, nil)
	r.Header = http.Header{
		"Authorization": {"Bearer tola_x"}, "Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {"bench/1"},
		"X-Original-Uri": {"/evidence/42"}, "X-Original-Method": {"PUT"}, "X-Forwarded-For": {"198.51.100.7"}, "X-Request-Id": {uuid.NewString()},
	}
	body := strings.NewReader(form)
	r.Body = io.NopCloser(body)
	w := &sink{header: http.Header{}}
	return h, func() {
		body.Reset(form)
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

const hotForm = "token=tola_x&action=createEvidence&resource=evidence%2F42&source_ip=192.0.2.7"

// TestHotEndpointsAllocateLittle: what is left is the texts that are recorded and the values of headers.
func TestHotEndpointsAllocateLittle(t *testing.T) {
	for name, c := range map[string]struct {
		path, form string
		most       float64
	}{
		"introspect": {verifyhttp.PathIntrospect, hotForm, 8},
		"auth-check": {verifyhttp.PathCheck, "", 10},
	} {
		_, ask := hot(c.path, c.form)
		if n := testing.AllocsPerRun(200, ask); n > c.most && !raceDetector {
			t.Errorf("%s: %v allocations, at most %v are known", name, n, c.most)
		}
	}
}

func BenchmarkIntrospect(b *testing.B) { benchmarkHot(b, verifyhttp.PathIntrospect, hotForm) }
func BenchmarkAuthCheck(b *testing.B) {
	benchmarkHot(b, verifyhttp.PathCheck+"?scope=evidence:write", "")
}

func benchmarkHot(b *testing.B, path, form string) {
	_, ask := hot(path, form)
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}
