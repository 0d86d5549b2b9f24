// What the middleware answers, and what it lets through.

package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/graphql/client"
)

func TestMiddleware(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		credentials []string
		decision    string // of the ledger; empty: it is not asked
		status      int
		challenge   string
		expires     string
	}{
		"allowed":             {[]string{"bearer  x "}, `{"allowed":true,"code":"ALLOWED","expiresAt":"2030-01-02T03:04:05.5Z"}`, 200, "", "2030-01-02T03:04:05Z"},
		"allowed for ever":    {[]string{"Bearer x"}, `{"allowed":true,"code":"ALLOWED","expiresAt":null}`, 200, "", "never"},
		"no good":             {[]string{"Bearer x"}, `{"allowed":false,"code":"TOKEN_INVALID"}`, 401, `Bearer error="invalid_token"`, ""},
		"tried too often":     {[]string{"Bearer x"}, `{"allowed":false,"code":"RATE_LIMITED"}`, 401, `Bearer error="invalid_token"`, ""},
		"a code of tomorrow":  {[]string{"Bearer x"}, `{"allowed":false,"code":"MOON_PHASE"}`, 401, `Bearer error="invalid_token"`, ""},
		"not this":            {[]string{"Bearer x"}, `{"allowed":false,"code":"SCOPE_INSUFFICIENT"}`, 403, `Bearer error="insufficient_scope", scope="evidence:write"`, ""},
		"single sign-on":      {[]string{"Bearer x"}, `{"allowed":false,"code":"SSO_REQUIRED"}`, 403, `Bearer error="insufficient_scope", scope="evidence:write"`, ""},
		"no credential":       {nil, "", 401, "Bearer", ""},
		"two credentials":     {[]string{"Bearer x", "Bearer y"}, "", 401, "Bearer", ""},
		"another credential":  {[]string{"Basic x"}, "", 401, "Bearer", ""},
		"half a credential":   {[]string{"Bearer"}, "", 401, "Bearer", ""},
		"the ledger is away":  {[]string{"Bearer x"}, "-", 503, "", ""},
		"what is not allowed": {[]string{"Bearer x"}, `{"code":"ALLOWED"}`, 401, `Bearer error="invalid_token"`, ""},
	} {
		l := newLedger(t)
		l.answer = func(w http.ResponseWriter, _ []map[string]string) {
			if c.decision == "-" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = fmt.Fprintf(w, `{"data":{"verifyTokens":[%s]}}`, c.decision)
		}
		reached := false
		h := l.client().Require("evidence:write")(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			d, ok := client.DecisionOf(r.Context())
			reached = ok && d.Allowed
		}))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/files/7?key=secret", nil)
		r.Header["Authorization"] = c.credentials
		r.Header.Set("User-Agent", "ci/1\x01")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("WWW-Authenticate") != c.challenge || w.Header().Get("Token-Expires") != c.expires || reached != (c.status == 200) {
			t.Errorf("%s: %d %v %s, handler reached: %v", name, w.Code, w.Header(), w.Body, reached)
		}
		if w.Code != 200 && (w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), `"error":`)) {
			t.Errorf("%s: %v %s", name, w.Header(), w.Body)
		}
		if asked := len(l.sizes()) > 0; asked != (c.decision != "") {
			t.Errorf("%s: the ledger was asked: %v", name, asked)
		}
		if c.decision != "" {
			in := l.calls[0][0]
			if in["token"] != "x" || in["scope"] != "evidence:write" || in["resource"] != "PUT /files/7" || in["sourceIP"] != "192.0.2.1" || in["userAgent"] != "ci/1" {
				t.Errorf("%s: asked %v", name, in)
			}
		}
	}
	if _, ok := client.DecisionOf(t.Context()); ok {
		t.Error("a decision without the middleware")
	}
}

// What describe says is not overwritten.
func TestMiddlewareTakesTheDescription(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	h := l.client().Middleware(func(r *http.Request) client.Use {
		return client.Use{
			Token: r.Header.Get("X-Key"), Action: "createEvidence", Resource: "evidence/1", SourceIP: "198.51.100.7", UserAgent: "gateway", RequestID: "r-1",
		}
	})(http.NotFoundHandler())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("X-Key", "of-a-header")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	want := map[string]string{"token": "of-a-header", "action": "createEvidence", "resource": "evidence/1", "sourceIP": "198.51.100.7", "userAgent": "gateway", "requestID": "r-1"}
	if got := l.calls[0][0]; w.Code != 404 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%d, asked %v", w.Code, got)
	}
}
