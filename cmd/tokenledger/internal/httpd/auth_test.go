// Where a request came from, and what is believed of it.

package httpd

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct{ name, remote, forwarded, want string }{
		{"direct", "192.0.2.1:5", "", "192.0.2.1"},
		{"a stranger's word is not taken", "192.0.2.1:5", "198.51.100.7", "192.0.2.1"},
		{"a proxy's word is", "10.1.1.1:5", "198.51.100.7", "198.51.100.7"},
		{"through two proxies", "10.1.1.1:5", "198.51.100.7, 10.2.2.2", "198.51.100.7"},
		{"what the client put in front is not", "10.1.1.1:5", "203.0.113.9, 198.51.100.7", "198.51.100.7"},
		{"nonsense ends the chain", "10.1.1.1:5", "198.51.100.7, nonsense", "10.1.1.1"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
		{"IPv6", "[2001:db8::1]:5", "", "2001:db8::1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := clientAddress(r, proxies); got.String() != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "bEaReR  tola_x ")
	if v, ok := bearer(r); !ok || v != "tola_x" {
		t.Errorf("bearer: got %q, %v", v, ok)
	}
	r.Header.Set("Authorization", "Basic eDp5")
	if _, ok := bearer(r); ok {
		t.Error("Basic was taken for Bearer")
	}
	r.Header.Set("X-Request-ID", "good-id-1")
	if got := requestID(r); got != "good-id-1" {
		t.Errorf("request id: got %q", got)
	}
	r.Header.Set("X-Request-ID", "bad id\n")
	if got := requestID(r); strings.ContainsAny(got, " \n") || len(got) != 36 {
		t.Errorf("request id: got %q", got)
	}
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if traceParent(r) == "" {
		t.Error("a good traceparent was dropped")
	}
	r.Header.Set("Traceparent", strings.Repeat("x", 55))
	if traceParent(r) != "" {
		t.Error("a bad traceparent was kept")
	}
	r.Header.Set("User-Agent", strings.Repeat("é", 400))
	if got := agent(r); len(got) > maxAgent || strings.Contains(got, "\uFFFD") {
		t.Errorf("agent: %d bytes, %q", len(got), got)
	}
}
