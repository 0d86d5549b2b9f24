// Package signin is how people come in: through an OpenID provider, with a
// session for browsers and the provider's own tokens for tools; and how tokens
// are authorized through an organization's single sign-on.
package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outbound"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Config says who vouches for people and what the service works with. Without an
// Issuer nobody can sign in, and tokens are all there is.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string   // empty: a public client
	Audiences    []string // of the provider's tokens that tools may send; none: none are taken
	PublicURL    string   // where browsers reach this service
	Lifetime     time.Duration
	SSO          SSO

	Directory *aggregate.Directory
	Views     Views
	Verifier  Verifier
	Ring      *keyring.Ring
	Now       func() time.Time // nil: time.Now
	Logger    *slog.Logger
}

// Views is what is asked of the read models.
type Views interface {
	UserByIdentity(ctx context.Context, issuer, subject string) (user uuid.UUID, found bool, err error)
	IdentityAt(ctx context.Context, user uuid.UUID, issuer string) (subject string, found bool, err error)
	UsersByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]projections.UserRow, error)
	TokenByFingerprint(ctx context.Context, fingerprint string) (row projections.TokenRow, found bool, err error)
}

// Verifier tells how people and their tokens stand.
type Verifier interface {
	Authenticate(ctx context.Context, q verifier.Query) (verifier.Subject, verifier.Code, error)
	Person(ctx context.Context, q verifier.PersonQuery) (verifier.Subject, verifier.Code, error)
	Wait(ctx context.Context, p events.Position) error
}

// Service lets people in.
type Service struct {
	provider  *provider // nil: nobody can sign in
	client    client
	audiences []string
	origin    string
	lifetime  time.Duration

	sessions cookies
	logins   cookies
	stamps   cookies
	noted    noted

	sso       SSO
	reachable bool // browsers have a URL to come back to
	guarded   *http.Client
	mu        sync.Mutex // guards providers
	providers map[string]*provider

	directory *aggregate.Directory
	views     Views
	verifier  Verifier
	now       func() time.Time
	logger    *slog.Logger
}

// everywhere is for the installation's own provider, which its operator chose.
var everywhere = outbound.Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}

// New makes the service. No provider is asked yet.
func New(c Config) (*Service, error) {
	public, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("the public URL (TOKENLEDGER_PUBLIC_URL): %w", err)
	}
	s := &Service{
		audiences: c.Audiences, origin: originOf(public), lifetime: c.Lifetime,
		sso: c.SSO, reachable: public.Host != "", guarded: c.SSO.Guard.Client(providerLimit), providers: map[string]*provider{},
		directory: c.Directory, views: c.Views, verifier: c.Verifier, now: c.Now, logger: c.Logger,
	}
	if s.now == nil {
		s.now = time.Now
	}
	secure := public.Scheme == "https"
	if s.sessions, err = newCookies(c.Ring, "tokenledger", secure); err != nil {
		return nil, err
	}
	if s.logins, err = newCookies(c.Ring, "tokenledger-login", secure); err != nil {
		return nil, err
	}
	if s.stamps, err = newCookies(c.Ring, "tokenledger-sso", secure); err != nil {
		return nil, err
	}
	if c.Issuer != "" {
		s.provider = newProvider(c.Issuer, everywhere.Client(providerLimit))
		s.client = client{s.provider, c.ClientID, c.ClientSecret, s.origin + "/v1/login/callback"}
	}
	return s, nil
}

// Handler answers below /v1/.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/login", s.answer(s.login))
	mux.HandleFunc("GET /v1/login/callback", s.answer(s.callback))
	mux.HandleFunc("GET /v1/invitation", s.answer(s.invitation))
	mux.HandleFunc("POST /v1/invitation", s.answer(s.accept))
	mux.HandleFunc("POST /v1/logout", s.answer(s.logout))
	mux.HandleFunc("POST /v1/sso/token/authorize", s.answer(s.authorize))
	mux.HandleFunc("GET /v1/sso/token/callback", s.answer(s.authorized))
	return mux
}

// answer runs a handler; what it refuses is told, and what fails is logged.
func (s *Service) answer(do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := uuid.Must(uuid.NewV7()).String()
		w.Header().Set("X-Request-ID", id)
		w.Header().Set("Cache-Control", "no-store")
		err := do(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
		var refused *aggregate.Refusal
		switch {
		case err == nil:
		case errors.As(err, &refused):
			writeError(w, refused)
		default:
			s.logger.WarnContext(r.Context(), "a request about signing in failed", "path", r.URL.Path, "request", id, "error", err)
			writeError(w, refuse(aggregate.CodeUnavailable, "", "This cannot be done at present; try again in a moment."))
		}
	}
}

type requestIDKey struct{}

func call(ctx context.Context) aggregate.Call {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return aggregate.Call{Correlation: id}
}

// login sends the browser to the provider.
func (s *Service) login(w http.ResponseWriter, r *http.Request) error {
	if s.provider == nil {
		return errNoProvider
	}
	return s.begin(w, r, newFlow(s.now(), r.URL.Query().Get("return")))
}

var errNoProvider = refuse(aggregate.CodeNotFound, "", "People cannot sign in here: no identity provider is configured (TOKENLEDGER_OIDC_ISSUER).")

// callback takes the provider's answer and begins a session.
func (s *Service) callback(w http.ResponseWriter, r *http.Request) error {
	if s.provider == nil {
		return errNoProvider
	}
	f, err := s.logins.resume(r, s.now())
	if err != nil {
		return err
	}
	s.logins.clear(w)
	a, err := s.returned(r, s.client, f)
	if err != nil {
		return err
	}
	made, err := s.directory.SignIn(r.Context(), call(r.Context()), aggregate.SignIn{Identity: a.Identity, Email: a.Email, Once: f.State, Invitation: f.Invitation})
	if err != nil {
		return err
	}
	if made.Receipt.Replayed {
		return errReplayed
	}
	began := made.Receipt.RecordedAt
	in := session{User: made.ID, At: made.Receipt.Last(), Began: began, Ends: began.Add(s.lifetime)}
	if err := s.verifier.Wait(r.Context(), in.At); err != nil {
		return err
	}
	if f.Invitation != "" {
		// Somebody new looks for himself next. Where the read model takes longer
		// than it should, he is there a moment later.
		_ = s.directory.Index.Wait(r.Context(), in.At)
	}
	if err := s.sessions.set(w, in, in.Ends, s.now()); err != nil {
		return err
	}
	if f.Return == "" {
		f.Return = "/"
	}
	http.Redirect(w, r, f.Return, http.StatusSeeOther)
	return nil
}

var errReplayed = refuse(codeBadUserInput, "state", "This sign-in has been finished before; begin another.")

// returned reads the provider's answer in the callback of a flow.
func (s *Service) returned(r *http.Request, c client, f flow) (account, error) {
	q := r.URL.Query()
	if said := q.Get("error"); said != "" {
		return account{}, refuse(codeForbidden, "", "The identity provider did not sign you in.")
	}
	// RFC 9207: an answer that says whose it is must be of the provider that was asked.
	if iss := q.Get("iss"); iss != "" && iss != c.issuer {
		return account{}, refuse(codeBadUserInput, "iss", "This answer is another provider's; begin again.")
	}
	a, err := c.finish(r.Context(), f, q.Get("code"))
	if err != nil {
		return a, s.told(r.Context(), "a sign-in", err, codeForbidden, "The identity provider did not vouch for you; begin again.")
	}
	return a, nil
}

// told logs why a provider's word was not taken, and tells the person as much as
// helps: no more than the code and message, unless it is the provider that is away.
func (s *Service) told(ctx context.Context, what string, err error, code aggregate.Code, message string) error {
	if refused := outOfReach(err); refused != nil {
		s.logger.InfoContext(ctx, "a provider is out of reach", "for", what, "error", err)
		return refused
	}
	if errors.Is(err, errAway) || errors.Is(err, context.DeadlineExceeded) {
		if !errors.Is(err, errKnownAway) {
			s.logger.WarnContext(ctx, "the identity provider does not answer", "for", what, "error", err)
		}
		return refuse(aggregate.CodeUnavailable, "", "The identity provider does not answer; try again in a moment.")
	}
	s.logger.InfoContext(ctx, "the identity provider did not vouch", "for", what, "error", err)
	return refuse(code, "", "%s", message)
}

// logout ends every session of the person.
func (s *Service) logout(w http.ResponseWriter, r *http.Request) error {
	var in session
	if !s.sessions.read(r, &in) {
		return refuse(codeUnauthenticated, "", "There is no session to end.")
	}
	p, err := s.bySession(r, in, uuid.Nil)
	var refused *aggregate.Refusal
	if errors.As(err, &refused) && refused.Code == codeUnauthenticated {
		s.sessions.clear(w)
	}
	if err != nil {
		return err
	}
	by := call(r.Context())
	by.Principal = p.Principal()
	made, err := s.directory.SignOut(r.Context(), by)
	if err != nil {
		return err
	}
	s.sessions.clear(w)
	if err := s.verifier.Wait(r.Context(), made.Receipt.Last()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

const (
	codeBadUserInput    = aggregate.CodeBadUserInput
	codeForbidden       = aggregate.CodeForbidden
	codeUnauthenticated = aggregate.CodeUnauthenticated

	codeRateLimited aggregate.Code = "RATE_LIMITED"
)

func refuse(code aggregate.Code, field, format string, args ...any) *aggregate.Refusal {
	return &aggregate.Refusal{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Status is the HTTP status of a refusal.
func Status(r *aggregate.Refusal) int {
	switch r.Code {
	case aggregate.CodeUnauthenticated:
		return http.StatusUnauthorized
	case aggregate.CodeForbidden, aggregate.CodeSSORequired:
		return http.StatusForbidden
	case aggregate.CodeNotFound:
		return http.StatusNotFound
	case aggregate.CodeConflict:
		return http.StatusConflict
	case aggregate.CodeUnavailable:
		return http.StatusServiceUnavailable
	case codeRateLimited:
		return http.StatusTooManyRequests
	}
	return http.StatusBadRequest
}

// writeError answers in the shape of a GraphQL error, as all of the service does.
func writeError(w http.ResponseWriter, r *aggregate.Refusal) {
	extensions := map[string]any{"code": r.Code}
	if r.Field != "" {
		extensions["field"] = r.Field
	}
	if r.Code == aggregate.CodeUnauthenticated {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tokenledger"`)
	}
	writeJSON(w, Status(r), map[string]any{"errors": []any{map[string]any{"message": r.Message, "extensions": extensions}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
