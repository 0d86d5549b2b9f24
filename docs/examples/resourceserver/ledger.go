// What the ledger is asked, and how its refusals reach whoever called.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tokenledger/tokenledger/graphql/client"
)

// ledger decides on every operation.
type ledger struct{ client *client.Client }

// caller is what the request says of itself.
type caller struct{ token, source, agent, requestID, once string }

type callerKey struct{}

// withCaller reads the credential. It decides nothing: that is done for each operation.
func withCaller(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := bearer(r.Header.Get("Authorization"))
		if !ok {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"errors":[{"message":"A token of the ledger is needed: Authorization: Bearer tola_…","extensions":{"code":"UNAUTHENTICATED"}}]}` + "\n"))
			return
		}
		source, _, _ := strings.Cut(r.RemoteAddr, "%") // a zone is none of the ledger's business
		if i := strings.LastIndexByte(source, ':'); i > 0 {
			source = strings.Trim(source[:i], "[]")
		}
		c := caller{
			token: token, source: source, agent: r.UserAgent(), requestID: r.Header.Get("X-Request-ID"), once: r.Header.Get("Idempotency-Key"),
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

func bearer(header string) (string, bool) {
	scheme, token, ok := strings.Cut(header, " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// allow asks whether the caller may do this, and gives the token's id. By then the use stands in the ledger.
func (l ledger) allow(ctx context.Context, action, resource string) (token string, err error) {
	c, _ := ctx.Value(callerKey{}).(caller)
	d, err := l.client.Verify(ctx, client.Use{
		Token: c.token, Action: action, Resource: resource, SourceIP: c.source, UserAgent: c.agent, RequestID: c.requestID,
	})
	switch {
	case errors.Is(err, client.ErrUnavailable):
		return "", coded("UNAVAILABLE", "", "The ledger cannot be asked at present, so nothing is allowed.")
	case err != nil:
		return "", fmt.Errorf("ask the ledger about %s: %w", action, err)
	case d.Allowed:
		return d.TokenID, nil
	case d.Forbidden():
		return "", coded("FORBIDDEN", "", fmt.Sprintf("This token may not do %s: %s.", action, d.Code))
	}
	return "", coded("UNAUTHENTICATED", "", "The token is no good.")
}

func coded(code, field, message string) error {
	extensions := map[string]any{"code": code}
	if field != "" {
		extensions["field"] = field
	}
	return &gqlerror.Error{Message: message, Extensions: extensions}
}

func badInput(field, message string) error { return coded("BAD_USER_INPUT", field, message) }

func notFound(message string) error { return coded("NOT_FOUND", "id", message) }
