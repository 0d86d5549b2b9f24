// What every proxy must do, whatever its make.

package ledgertest

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Serve runs a handler until the test ends.
func Serve(t testing.TB, h http.Handler) (address string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// FreeAddress is one that nobody listens on at this moment. Its port is below those that the kernel gives to
// connections and to who listens on any port, so that none of them takes it before it is used.
func FreeAddress(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(22_000)))
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal(err)
	return ""
}

// Config is the documented file with other addresses in it, each of which must stand there, in a directory of its own.
func Config(t testing.TB, name string, addresses map[string]string) (path string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for documented, here := range addresses {
		if !strings.Contains(text, documented) {
			t.Fatalf("%s does not name %s", name, documented)
		}
		text = strings.ReplaceAll(text, documented, here)
	}
	dir, err := os.MkdirTemp("", "proxy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path = filepath.Join(dir, filepath.Base(name))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// get asks through the proxy with a token, or without one.
func get(t testing.TB, url, token string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url+"/evidence/7?q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	request.Header.Set("X-Token-ID", "forged")
	request.Header.Set("User-Agent", "curl/8 of a test")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// CheckProxy demands of a proxy at url, which guards an [Application] with the
// scope evidence:write, all that a user of the ledger would expect.
func CheckProxy(t *testing.T, l *Ledger, url string) {
	t.Helper()
	Await(t, "the proxy answers", func() bool {
		response, err := http.Get(url)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusUnauthorized
	})
	good, narrow := l.CreateToken("proxy", "evidence:write"), l.CreateToken("narrow", "control:read")

	response, body := get(t, url, good.Value)
	var seen http.Header
	if err := json.Unmarshal([]byte(body), &seen); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("a good token: %s %s", response.Status, body)
	}
	if got := seen.Get("X-Token-ID"); got != good.ID {
		t.Errorf("the application learns of token %q, not of %s", got, good.ID)
	}
	if got := seen.Get("X-Token-Scopes"); got != "evidence:write" {
		t.Errorf("the application learns of the scopes %q", got)
	}
	if seen.Get("Authorization") != "" {
		t.Error("the value reaches the application")
	}
	Await(t, "the use stands in the trail", func() bool { return len(l.Events(good, "token.used")) == 1 })

	for name, c := range map[string]struct {
		token  string
		status int
		header string
	}{
		"no token":       {"", http.StatusUnauthorized, "Bearer"},
		"no such token":  {"tola_" + strings.Repeat("0", 64), http.StatusUnauthorized, "invalid_token"},
		"too few scopes": {narrow.Value, http.StatusForbidden, "insufficient_scope"},
	} {
		response, body := get(t, url, c.token)
		if response.StatusCode != c.status || !strings.Contains(response.Header.Get("WWW-Authenticate"), c.header) {
			t.Errorf("%s: %s, WWW-Authenticate %q, %s", name, response.Status, response.Header.Get("WWW-Authenticate"), body)
		}
		if c.token != "" && strings.Contains(body, c.token) {
			t.Errorf("%s: the answer shows the value", name)
		}
	}

	l.Revoke(good, "leaked")
	if response, body := get(t, url, good.Value); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("after its revocation: %s %s", response.Status, body)
	}
	if used := l.Events(good, "token.used"); len(used) != 1 {
		t.Errorf("%d uses in the log", len(used))
	}
}
