// When no decision can be made or recorded, nobody is let in, and nobody is told that his token is bad.

package verifyhttp_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/verifyhttp"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// away is a verifier that knows the callers and cannot record a use.
type away struct {
	*verifier.Verifier
	callers bool
}

var errAway = errors.New("postgres://user:password@database is away")

func (a away) Verify(context.Context, verifier.Query) (verifier.Decision, error) {
	return verifier.Decision{}, errors.Join(errAway, events.ErrUnavailable)
}

func (a away) Authenticated(ctx context.Context, q verifier.Query) (verifier.Decision, error) {
	if a.callers {
		return a.Verifier.Authenticated(ctx, q)
	}
	return a.Verify(ctx, q)
}

func (a away) Whose(ctx context.Context, q verifier.Query) (verifier.Subject, verifier.Code, bool, error) {
	return verifier.Subject{}, "", false, errAway
}

func TestOutage(t *testing.T) {
	t.Parallel()
	for _, callers := range []bool{true, false} {
		w := newWorld(t, func(c *verifyhttp.Config) { c.Verifier = away{c.Verifier.(*verifier.Verifier), callers} })
		key := w.token("key", "read")
		asker, form := bearer(w.gateway), url.Values{"token": {key.value}}
		for what, a := range map[string]answer{
			"introspect":  w.form(verifyhttp.PathIntrospect, form, asker...),
			"revoke":      w.form(verifyhttp.PathRevoke, form),
			"check":       w.ask(http.MethodGet, verifyhttp.PathCheck, "", bearer(key.value)...),
			"envoy":       w.ask(http.MethodGet, verifyhttp.PrefixEnvoy, "", bearer(key.value)...),
			"report":      w.ask(http.MethodPost, verifyhttp.PathReport, credentials(t, key.value)),
			"tokenreview": w.ask(http.MethodPost, verifyhttp.PathTokenReview, `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"x"}}`, asker...),
		} {
			if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || strings.Contains(a.body, "password") ||
				a.header.Get("X-Token-ID")+a.header.Get("Token-Expires")+a.header.Get("WWW-Authenticate") != "" {
				t.Errorf("%s: %d %v %s", what, a.status, a.header, a.body)
			}
		}
		if !strings.Contains(w.logged.String(), "is away") {
			t.Error("the log does not tell why")
		}
	}
}
