// Who calls: the bearer token of a request and where it came from.

package httpd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Verifier tells whose value a bearer token is.
type Verifier interface {
	Authenticate(ctx context.Context, q verifier.Query) (verifier.Subject, verifier.Code, error)
	Verify(ctx context.Context, q verifier.Query) (verifier.Decision, error)
	Position() events.Position
}

// Authenticator lets requests with a good token through, and those without one
// where they only read the schema.
type Authenticator struct {
	Verifier     Verifier
	People       People                 // nil: nobody signs in
	Proxies      []netip.Prefix         // whose word about the client is taken
	PublicSchema bool                   // the schema may be read without credentials
	SchemaOnly   func(body []byte) bool // whether a GraphQL request asks for nothing else
	WithCaller   func(context.Context, Call) context.Context
	Limits       *failures.Limits // of failed attempts; nil: none
	Version      []string         // of the program, for [VersionHeader]
	Rooms        Rooms            // the zero one has room for everybody
}

// VersionHeader tells the program's version to whoever has authenticated, and to nobody else.
const VersionHeader = "Ledger-Version"

// Call is one authenticated request.
type Call struct {
	Subject        verifier.Subject
	Query          verifier.Query // what the use is recorded from
	IdempotencyKey string
	Seen           events.Position // of the header X-Ledger-Position: reads are to include it
	AsOf           events.Position // the subject is known as of this position, or later
	Until          time.Time       // the clock ends a person's session then; zero: no session
}

// maxQuery bounds what is read of nobody's request to see whether it asks for the
// schema alone, which takes a few thousand bytes.
const maxQuery = 64 << 10

// Wrap authenticates every request to next.
func (a *Authenticator) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := requestID(r)
		w.Header().Set("X-Request-ID", id)
		w.Header().Set("Cache-Control", "no-store")
		if Encoded(r.Header) {
			writeError(w, http.StatusUnsupportedMediaType, "BAD_USER_INPUT", NotDecoded)
			return
		}
		value, given := bearer(r)
		if a.person(w, r, next, value, id) {
			return
		}
		if !given {
			if a.PublicSchema && a.anyone(w, r, next) {
				return
			}
			unauthenticated(w, `Bearer realm="tokenledger"`, "This needs a token: send Authorization: Bearer tola_… or tolp_…, or sign in at /v1/login.")
			return
		}
		organization, err := organizationOf(r)
		if err != nil {
			writeError(w, http.StatusBadRequest, "BAD_USER_INPUT", err.Error())
			return
		}
		q := verifier.Query{
			Value: value, Organization: organization, Address: clientAddress(r, a.Proxies),
			Agent: agent(r), RequestID: id, Trace: traceParent(r), Via: "graphql",
		}
		a.serve(w, r, next, q)
	})
}

func (a *Authenticator) serve(w http.ResponseWriter, r *http.Request, next http.Handler, q verifier.Query) {
	asOf := a.Verifier.Position() // before the decision, so that nothing falls between
	subject, code, err := a.Verifier.Authenticate(r.Context(), q)
	switch {
	case err != nil:
		unavailable(w)
		return
	case code.Status() == http.StatusUnauthorized && code != verifier.OtherOrganization && code != verifier.NotGranted && code != verifier.NotMember:
		// Asked again so that the refusal is recorded, with all that it takes.
		if _, err := a.Verifier.Verify(r.Context(), q); err != nil && !errors.Is(err, events.ErrUnavailable) {
			unavailable(w)
			return
		}
		if wait := a.Limits.Failed(q.Address, q.Value); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			writeError(w, http.StatusTooManyRequests, "RATE_LIMITED", "Too many attempts failed; wait a moment.")
			return
		}
		unauthenticated(w, `Bearer realm="tokenledger", error="invalid_token"`, "This token is not valid.")
		return
	}
	w.Header()["Token-Expires"] = []string{expires(subject.EndsAt)}
	a.pass(w, r, next, Call{Subject: subject, Query: q, AsOf: asOf})
}

// expires is the value of Token-Expires, by which every answer tells a program
// in time that its token will end.
func expires(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.UTC().Format(time.RFC3339)
}

// pass hands a request on, with who makes it, if there is room for one more of his.
func (a *Authenticator) pass(w http.ResponseWriter, r *http.Request, next http.Handler, call Call) {
	w.Header()[VersionHeader] = a.Version
	w, leave, ok := a.Rooms.Enter(payer(call.Subject), w, r)
	if !ok {
		a.Rooms.Busy(w, r)
		return
	}
	defer leave()
	call.IdempotencyKey = r.Header.Get("Idempotency-Key")
	if seen, err := strconv.ParseInt(r.Header.Get("X-Ledger-Position"), 10, 64); err == nil && seen > 0 {
		call.Seen = events.Position(seen)
	}
	next.ServeHTTP(w, r.WithContext(a.WithCaller(r.Context(), call)))
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	writeError(w, http.StatusServiceUnavailable, "UNAVAILABLE", "Tokens cannot be verified at present; try again in a moment.")
}

// anyone serves a request without credentials that asks for the schema alone.
func (a *Authenticator) anyone(w http.ResponseWriter, r *http.Request, next http.Handler) (done bool) {
	source := failures.Network(clientAddress(r, a.Proxies))
	if !a.Rooms.Anyone.Enter(source) {
		a.Rooms.Busy(w, r)
		return true
	}
	defer a.Rooms.Anyone.Leave(source)
	if !a.schemaOnly(r) {
		return false
	}
	next.ServeHTTP(w, r)
	return true
}

func (a *Authenticator) schemaOnly(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxQuery))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	return err == nil && a.SchemaOnly(body)
}

func unauthenticated(w http.ResponseWriter, challenge, message string) {
	w.Header().Set("WWW-Authenticate", challenge)
	writeError(w, http.StatusUnauthorized, "UNAUTHENTICATED", message)
}

// bearer reads the credential of RFC 6750, section 2.1.
func bearer(r *http.Request) (string, bool) {
	scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(value), true
}

var errOrganization = errors.New("X-Organization-ID is not a UUID; it names the organization that this request is for")

func organizationOf(r *http.Request) (uuid.UUID, error) {
	text := r.Header.Get("X-Organization-ID")
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, errOrganization
	}
	return id, nil
}

// requestID is the caller's, if it is harmless and no token's value, else a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) >= 8 && len(id) <= 128 && strings.Trim(id, harmless) == "" && secret.RedactString(id) == id {
		return id
	}
	return uuid.Must(uuid.NewV7()).String()
}

const harmless = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.:/+="

// traceParent takes a W3C traceparent of version 00 over as it is.
func traceParent(r *http.Request) string {
	t := r.Header.Get("Traceparent")
	if len(t) == 55 && strings.HasPrefix(t, "00-") && strings.Trim(t, "0123456789abcdef-") == "" {
		return t
	}
	return ""
}

const maxAgent = 256

func agent(r *http.Request) string {
	a := secret.RedactString(strings.ToValidUTF8(r.UserAgent(), "\uFFFD"))
	if len(a) > maxAgent {
		a = strings.ToValidUTF8(a[:maxAgent], "")
	}
	return a
}

// clientAddress is the peer's, or what trusted proxies say of it: the last
// address in X-Forwarded-For that none of them owns.
func clientAddress(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address := peer.Addr().Unmap()
	if len(r.Header["X-Forwarded-For"]) == 0 {
		return address
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(address, proxies); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = hop.Unmap()
	}
	return address
}

func trusted(a netip.Addr, proxies []netip.Prefix) bool {
	for _, p := range proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
