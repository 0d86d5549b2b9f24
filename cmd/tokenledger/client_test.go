// Answers that the commands ask for again, and where they send a token.

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestReadsThatAreStaleAreAskedAgain(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int32{`{ me { id } }`: 3, `mutation { createAPIToken { apiToken { id } } }`: 1} {
		var asked atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) < 3 {
				_, _ = io.WriteString(w, `{"errors":[{"message":"not yet","extensions":{"code":"STALE_READ"}}]}`)
				return
			}
			_, _ = io.WriteString(w, `{"data":{}}`)
		}))
		c := &client{server: server.URL, http: server.Client()}
		err := c.do(t.Context(), query, nil, &struct{}{})
		server.Close()
		if n := asked.Load(); n != want || (err == nil) != (want == 3) {
			t.Errorf("%s: asked %d times, %v", query, n, err)
		}
	}
}

// The token that the first start makes is for that service: it goes to no other machine unless it is named.
func TestTheEmbeddedTokenStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	admin := filepath.Join(data, "admin.token")
	if err := os.WriteFile(admin, []byte(unknownValue), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ server, named, want string }{
		{"", "", admin},
		{"http://127.0.0.1:9", "", admin},
		{"http://[::1]:9", "", admin},
		{"https://localhost", "", admin},
		{"https://ledger.example.com", "", ""},
		{"https://127.0.0.1.example.com", "", ""},
		{"https://192.0.2.1", "", ""},
		{"https://ledger.example.com", "/other", "/other"},
		{"https://ledger.example.com", admin, admin},
	} {
		a := app{stdio: stdio{environ: []string{
			"HOME=" + data, "TOKENLEDGER_DATA=" + data, "TOKENLEDGER_SERVER=" + c.server, "TOKENLEDGER_TOKEN_FILE=" + c.named,
		}}, flags: quietRoot().PersistentFlags()}
		got, err := a.target()
		if err != nil || got.tokenFile != c.want {
			t.Errorf("%s, %q named: sends %q, want %q, %v", c.server, c.named, got.tokenFile, c.want, err)
		}
		if _, err := a.client(); c.want == "" && (err == nil || !strings.Contains(err.Error(), "tokenledger login --server "+c.server)) {
			t.Errorf("%s: %v", c.server, err)
		}
	}
}

// A server that sends a request on would have the token sent to wherever it says.
func TestATokenIsNotSentOn(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusPermanentRedirect))
	defer server.Close()
	c, err := target{server: server.URL}.client(unknownValue)
	if err != nil {
		t.Fatal(err)
	}
	err = c.do(t.Context(), `{ me { id } }`, nil, &struct{}{})
	if asked.Load() != 0 || err == nil || !strings.Contains(err.Error(), elsewhere.URL) {
		t.Errorf("sent on %d times: %v", asked.Load(), err)
	}
}
