// Package verifyhttp answers what resource servers, proxies and clusters already
// speak: RFC 7662 and 7009, auth_request and forwardAuth, Envoy's ext_authz over
// HTTP, Kubernetes' TokenReview, and the report of leaked values. All of them ask
// the one decision function of the verifier.
package verifyhttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Verifier decides about tokens.
type Verifier interface {
	// Verify decides and records a use.
	Verify(ctx context.Context, q verifier.Query) (verifier.Decision, error)
	// Authenticated decides about a caller, and records that once an hour.
	Authenticated(ctx context.Context, q verifier.Query) (verifier.Decision, error)
	// Whose tells whose value it is, whatever else is wrong with the token.
	Whose(ctx context.Context, q verifier.Query) (s verifier.Subject, code verifier.Code, ok bool, err error)
}

// Config says what the interfaces work with. Logger is nil for none.
type Config struct {
	Verifier  Verifier
	MayVerify func(verifier.Subject) bool // whether a caller may ask about tokens of his organization
	Revoke    func(ctx context.Context, s verifier.Subject, requestID string) error
	Proxies   []netip.Prefix // whose word about the original request is taken
	Issuer    string
	Limits    *failures.Limits
	Refusals  *httpd.Refusals  // spaces those for want of room; nil: nothing does
	Now       func() time.Time // nil: time.Now
	Logger    *slog.Logger
}

// Handler answers all of the interfaces.
type Handler struct {
	Config
	reports *failures.Buckets[netip.Addr]
	routes  map[string]http.HandlerFunc
}

// The paths. Everything below the prefix is asked by Envoy.
const (
	PathIntrospect  = "/oauth2/introspect"
	PathRevoke      = "/oauth2/revoke"
	PathCheck       = "/auth/check"
	PrefixEnvoy     = "/envoy/"
	PathTokenReview = "/k8s/tokenreview"
	PathReport      = "/credentials/revoke"
)

// New makes the handler.
func New(c Config) *Handler {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{Config: c, reports: failures.NewBuckets[netip.Addr](reportEvery, reportBurst, c.Now)}
	h.routes = map[string]http.HandlerFunc{
		PathIntrospect: h.introspect, PathRevoke: h.revoke, PathCheck: h.check,
		PathTokenReview: h.tokenReview, PathReport: h.report,
	}
	return h
}

// Serves reports whether a path is one of these interfaces.
func (h *Handler) Serves(path string) bool {
	return h.routes[path] != nil || strings.HasPrefix(path, PrefixEnvoy)
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Cache-Control"] = noStore
	if route := h.routes[r.URL.Path]; route != nil {
		route(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, PrefixEnvoy) {
		h.envoy(w, r)
		return
	}
	http.NotFound(w, r)
}

// origin is where the request itself came from; the answer carries its id.
func (h *Handler) origin(w http.ResponseWriter, r *http.Request) httpd.Origin {
	o := httpd.OriginOf(r, h.Proxies)
	w.Header()["X-Request-Id"] = []string{o.RequestID}
	return o
}

// unavailable answers where no decision could be made or recorded.
func (h *Handler) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, events.ErrBusy) { // of which there are many, and a metric
		h.Refusals.Hold(r.Context())
	} else if r.Context().Err() == nil {
		h.Logger.WarnContext(r.Context(), "a token could not be verified", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Retry-After", "1")
	fail(w, http.StatusServiceUnavailable, "temporarily_unavailable", "Tokens cannot be verified at present; try again in a moment.")
}
