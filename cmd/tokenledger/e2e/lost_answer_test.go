// An answer that is lost on the way to the command line.

package e2e_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// lossy is a way to the service on which an answer gets lost, each time that lose is set.
func lossy(t *testing.T, s *service) (address string, lose *atomic.Bool) {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	lose = new(atomic.Bool)
	proxy := httputil.NewSingleHostReverseProxy(to)
	way := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !lose.CompareAndSwap(true, false) {
			proxy.ServeHTTP(w, r)
			return
		}
		proxy.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(way.Close)
	return way.URL, lose
}

// A masked value is never taken for the secret; a rotation gives another value instead.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, "TOKENLEDGER_ALLOW_PRIVATE_TARGETS=127.0.0.0/8")
	way, lose := lossy(t, s)
	env := append(s.env, "TOKENLEDGER_SERVER="+way, "TOKENLEDGER_TOKEN_FILE="+s.TokenFile)
	file := filepath.Join(openDir(t), "value")

	lose.Store(true)
	run(t, env, "token", "create", "--name", "lost", "--scopes", "read", "--write-to", file).exits(t, 1, "lost on the way")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file is there without a value: %v", err)
	}
	list := run(t, env, "token", "list", "--output", "csv")
	list.exits(t, 0)
	if n := strings.Count(list.Stdout.String(), ",lost,"); n != 1 {
		t.Fatalf("%d tokens\n%s", n, list.Output())
	}
	id, _, _ := strings.Cut(strings.Split(list.Stdout.String(), "\n")[1], ",")

	lose.Store(true)
	run(t, env, "token", "rotate", id, "--write-to", file).exits(t, 0)
	value, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	check, err := http.NewRequest(http.MethodGet, s.URL+"/auth/check?scope=control:read", nil)
	if err != nil {
		t.Fatal(err)
	}
	check.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(value)))
	response, err := http.DefaultClient.Do(check)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the value that was written is answered with %s", response.Status)
	}

	lose.Store(true)
	run(t, env, "webhook", "add", "http://127.0.0.1:9/hook").exits(t, 1, "lost on the way")
	lose.Store(true)
	run(t, env, "member", "invite", "eve@example.com", "--role", "auditor").exits(t, 1, "lost on the way")
	run(t, env, "webhook", "dead", "01985d2e-0000-7000-8000-00000000000a").exits(t, 1, "there is no webhook")
}
