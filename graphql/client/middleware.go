// The middleware: what a request's token may not do, no handler sees.

package client

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"
)

type decisionKey struct{}

// DecisionOf gives the decision that the middleware let a request through with.
func DecisionOf(ctx context.Context) (Decision, bool) {
	d, ok := ctx.Value(decisionKey{}).(Decision)
	return d, ok
}

// Require lets requests through whose token has the scopes, separated by spaces.
// The method and the path are what the ledger records as the use's resource.
func (c *Client) Require(scope string) func(http.Handler) http.Handler {
	return c.Middleware(func(r *http.Request) Use {
		return Use{Scope: scope, Resource: cut(r.Method+" "+r.URL.Path, 1024)}
	})
}

// Middleware lets requests through whose token may be used as describe says. It
// fills in what describe leaves out: the bearer token, the address that the
// request came from, the program, and the request's id from X-Request-ID.
//
// A request without a good token is answered with 401 and one whose token may not
// do this with 403, as RFC 6750 has it; 503 means that the ledger could not be
// asked. What is let through is answered with Token-Expires.
func (c *Client) Middleware(describe func(*http.Request) Use) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u := complete(describe(r), r)
			if u.Token == "" {
				refuse(w, http.StatusUnauthorized, "", "", "This needs a token: send Authorization: Bearer.")
				return
			}
			d, err := c.Verify(r.Context(), u)
			switch {
			case r.Context().Err() != nil: // nobody waits for an answer
				return
			case err != nil:
				w.Header().Set("Retry-After", "1")
				refuse(w, http.StatusServiceUnavailable, "temporarily_unavailable", "", "Tokens cannot be verified at present; try again in a moment.")
				return
			case d.Forbidden():
				refuse(w, http.StatusForbidden, "insufficient_scope", u.Scope, "The token may not do this.")
				return
			case !d.Allowed:
				refuse(w, http.StatusUnauthorized, "invalid_token", "", "The token is not valid.")
				return
			}
			w.Header().Set("Token-Expires", expires(d.ExpiresAt))
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), decisionKey{}, d)))
		})
	}
}

func complete(u Use, r *http.Request) Use {
	if u.Token == "" {
		u.Token = bearer(r)
	}
	if u.SourceIP == "" {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			u.SourceIP = host
		}
	}
	if u.UserAgent == "" {
		u.UserAgent = cut(printable(r.UserAgent()), 256)
	}
	if u.RequestID == "" {
		u.RequestID = cut(printable(r.Header.Get("X-Request-ID")), 128)
	}
	u.Resource = printable(u.Resource)
	return u
}

// bearer reads the one credential of RFC 6750, section 2.1. Two of them are none.
func bearer(r *http.Request) string {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return ""
	}
	scheme, value, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(value)
}

// printable is a text that a client chose, without what the ledger does not take.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, ""))
}

func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}

func expires(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func refuse(w http.ResponseWriter, status int, code, scope, message string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		h.Set("WWW-Authenticate", challenge(code, scope))
	}
	if code == "" {
		code = "invalid_request"
	}
	w.WriteHeader(status)
	body, _ := json.Marshal(map[string]string{"error": code, "error_description": message})
	_, _ = w.Write(append(body, '\n'))
}

func challenge(code, scope string) string {
	if code == "" {
		return "Bearer"
	}
	c := `Bearer error="` + code + `"`
	if scope != "" && !strings.ContainsAny(scope, `"\`) {
		c += `, scope="` + scope + `"`
	}
	return c
}
