// What a tenant's URL can reach, and what it cannot.

package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	for _, a := range []string{
		"127.0.0.1", "127.255.0.9", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "0.0.0.0", "0.1.2.3", "::", "100.64.0.1", "255.255.255.255",
		"224.0.0.1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
		"64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:1::1", "198.18.0.1", "fec0::1", "192.0.2.7",
	} {
		if err := (Guard{}).check(netip.MustParseAddr(a), false); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v, want %v", a, err, ErrRefused)
		}
	}
	for _, a := range []string{"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"} {
		if err := (Guard{}).check(netip.MustParseAddr(a), false); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		if err := (Guard{}).check(netip.MustParseAddr(a), true); !errors.Is(err, ErrScheme) {
			t.Errorf("%s by plain http: got %v, want %v", a, err, ErrScheme)
		}
	}
	g := Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	if err := g.check(netip.MustParseAddr("::ffff:10.1.2.3"), true); err != nil {
		t.Errorf("an allowed network: %v", err)
	}
	if err := g.check(netip.MustParseAddr("10.2.0.1"), false); !errors.Is(err, ErrRefused) {
		t.Errorf("a network beside the allowed one: %v", err)
	}
}

var loopback = Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, url string
		guard     Guard
		want      error
	}{
		{"no scheme", "example.com", Guard{}, ErrScheme},
		{"another scheme", "gopher://8.8.8.8/", Guard{}, ErrScheme},
		{"a file", "file:///etc/passwd", Guard{}, ErrScheme},
		{"a password", "https://u:p@8.8.8.8/", Guard{}, ErrScheme},
		{"a fragment", "https://8.8.8.8/#a", Guard{}, ErrScheme},
		{"plain http to the world", "http://8.8.8.8/", Guard{}, ErrScheme},
		{"the world", "https://8.8.8.8/", Guard{}, nil},
		{"loopback", "https://127.0.0.1/", Guard{}, ErrRefused},
		{"loopback in brackets", "https://[::ffff:127.0.0.1]/", Guard{}, ErrRefused},
		{"loopback by name", "https://localhost/", Guard{}, ErrRefused},
		{"cloud metadata", "http://169.254.169.254/latest/meta-data", Guard{}, ErrRefused},
		{"allowed, plain", "http://127.0.0.1:1/", loopback, nil},
	} {
		if err := c.guard.Check(t.Context(), c.url); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// TestCheckedWhenDialled skips Check, as a name does that changes its meaning after it.
func TestCheckedWhenDialled(t *testing.T) {
	t.Parallel()
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	byName := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	for _, target := range []string{server.URL, byName} {
		resp, err := Guard{}.Client(time.Minute).Get(target)
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, ErrRefused) || reached {
			t.Errorf("%s: got %v, reached: %v", target, err, reached)
		}
	}
	if err := get(t.Context(), loopback, server.URL); err != nil || !reached {
		t.Errorf("an allowed target: %v, reached: %v", err, reached)
	}
}

// TestNamesInsideAreNotTold: a name that is known inside is answered as one that is not.
func TestNamesInsideAreNotTold(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"https://localhost/", "https://nothing.invalid/"} {
		if err := (Guard{}).Check(t.Context(), target); err == nil || err.Error() != ErrRefused.Error() {
			t.Errorf("%s: checked: %v", target, err)
		}
		if err := get(t.Context(), Guard{}, target); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: called: %v", target, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect off the host was followed") }))
	defer elsewhere.Close()
	mux := http.NewServeMux()
	mux.Handle("/off", http.RedirectHandler(elsewhere.URL, http.StatusFound))
	mux.Handle("/near", http.RedirectHandler("/end", http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.HandleFunc("/end", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	defer server.Close()
	for path, want := range map[string]error{"/off": ErrRedirect, "/loop": ErrRedirect, "/near": nil} {
		if err := get(t.Context(), loopback, server.URL+path); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
}

func TestLongAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.URL.Query().Get("n"))))
	}))
	defer server.Close()
	g := loopback
	g.MaxResponse = 8
	for n, want := range map[string]error{"": nil, "1": nil, "12345678": nil, "123456789": ErrTooLong} {
		if err := get(t.Context(), g, server.URL+"?n="+url.QueryEscape(n)); !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, want %v", len(n), err, want)
		}
	}
}

func TestNoProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:9")
	c := Guard{}.Client(time.Second)
	if c.Transport.(*transport).secure.Proxy != nil || c.Jar != nil {
		t.Error("a proxy would dial what the guard never sees")
	}
}

func get(ctx context.Context, g Guard, target string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	client := g.Client(time.Minute)
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}
