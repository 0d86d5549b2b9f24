// Whose request it is: the session of a browser, or a token of the provider.

package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// session is what the cookie says. Nothing of it is kept here: it ends by its
// own time, or when the log says that its user signed out or was deactivated
// after the sign-in that began it.
type session struct {
	User  uuid.UUID       `json:"user"`
	At    events.Position `json:"at"` // of the sign-in
	Began time.Time       `json:"began"`
	Ends  time.Time       `json:"ends"`
}

// Person is a signed-in person who makes a request.
type Person struct {
	verifier.Subject
	Until time.Time // the session, or the token, ends then
}

// Recognize tells which person makes a request; found is false where the request
// carries neither a session nor a token of the provider. bearer is the value of
// its Authorization header, if it has one. The error is an [aggregate.Refusal]
// for whoever asks, or means that nothing can be said at present.
func (s *Service) Recognize(w http.ResponseWriter, r *http.Request, bearer string, organization uuid.UUID) (p Person, found bool, err error) {
	if bearer != "" {
		if !s.takes(bearer) {
			return p, false, nil
		}
		p, err = s.byBearer(r.Context(), bearer, organization)
		return p, true, err
	}
	var in session
	if !s.sessions.read(r, &in) {
		return p, false, nil
	}
	p, err = s.bySession(r, in, organization)
	var refused *aggregate.Refusal
	if errors.As(err, &refused) && refused.Code == aggregate.CodeUnauthenticated {
		s.sessions.clear(w)
	}
	return p, true, err
}

func (s *Service) bySession(r *http.Request, in session, organization uuid.UUID) (Person, error) {
	if !s.now().Before(in.Ends) {
		return Person{}, errSessionOver
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !s.sameOrigin(r) {
		return Person{}, refuse(codeForbidden, "", "A session is taken from this site's own pages only; "+
			"a program sends the header %s with it, or a token in its place.", CSRFHeader)
	}
	return s.person(r.Context(), verifier.PersonQuery{User: in.User, Session: in.At, Organization: organization}, in.Ends)
}

var errSessionOver = refuse(codeUnauthenticated, "", "Your session is over; sign in again at /v1/login.")

func (s *Service) person(ctx context.Context, q verifier.PersonQuery, until time.Time) (Person, error) {
	subject, code, err := s.verifier.Person(ctx, q)
	switch {
	case err != nil:
		return Person{}, err
	case code == verifier.SignedOut:
		return Person{}, errSessionOver
	case code == verifier.UserDeactivated:
		return Person{}, refuse(codeUnauthenticated, "", "Your user has been deactivated.")
	}
	// Whoever is no member of the organization that is asked for is told so where
	// it matters, as with tokens.
	return Person{subject, until}, nil
}

// CSRFHeader is what a program sends with a session's cookie. No page of another
// site can send it, since this one allows none to.
const CSRFHeader = "X-Tokenledger-CSRF"

// sameOrigin reports whether a request with a cookie comes from a page of this
// site, or from no page at all.
func (s *Service) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		return origin == s.origin
	}
	return r.Header.Get(CSRFHeader) != ""
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

// takes reports whether a bearer value is for the provider to vouch for.
func (s *Service) takes(bearer string) bool {
	return s.provider != nil && len(s.audiences) > 0 && strings.HasPrefix(bearer, "ey") && strings.Count(bearer, ".") == 2
}

// byBearer is for tools that hold a token which the provider made for this service.
func (s *Service) byBearer(ctx context.Context, raw string, organization uuid.UUID) (Person, error) {
	token, err := s.provider.verify(ctx, raw, s.audiences)
	if err != nil {
		return Person{}, s.told(ctx, "a bearer token", err, codeUnauthenticated, "This token is not valid.")
	}
	a, err := vouched(token)
	if err != nil {
		return Person{}, s.told(ctx, "a bearer token", err, codeUnauthenticated, "This token is not valid.")
	}
	user, err := s.userOf(ctx, a)
	if err != nil {
		return Person{}, err
	}
	return s.person(ctx, verifier.PersonQuery{User: user, Organization: organization}, a.Until)
}

// userOf finds whose account it is. A tool sends its token with each request;
// that its person came in is recorded once an hour.
func (s *Service) userOf(ctx context.Context, a account) (uuid.UUID, error) {
	user, linked, err := s.views.UserByIdentity(ctx, a.Issuer, a.Subject)
	if err != nil {
		return user, err
	}
	now := s.now()
	if linked && !s.noted.due(user, now) {
		return user, nil
	}
	hour := strconv.FormatInt(now.Unix()/int64(time.Hour/time.Second), 10)
	made, err := s.directory.SignIn(ctx, aggregate.Call{}, aggregate.SignIn{
		Identity: a.Identity, Email: a.Email, Once: strings.Join([]string{"bearer", a.Issuer, a.Subject, hour}, "\x00"),
	})
	if err != nil {
		return user, err
	}
	s.noted.note(made.ID, now)
	return made.ID, nil
}

// noted remembers when tools' sign-ins were last recorded. Of several processes
// each has its own memory; the log holds at most one for each hour of the clock.
type noted struct {
	mu sync.Mutex // guards at
	at map[uuid.UUID]time.Time
}

const (
	notedEvery = time.Hour
	maxNoted   = 100_000
)

func (n *noted) due(user uuid.UUID, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	last, ok := n.at[user]
	return !ok || now.Sub(last) >= notedEvery
}

func (n *noted) note(user uuid.UUID, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.at == nil || len(n.at) >= maxNoted {
		n.at = map[uuid.UUID]time.Time{}
	}
	n.at[user] = now
}
