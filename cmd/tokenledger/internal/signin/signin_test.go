// What a browser is given, and what is taken from it. Signing in itself is proven
// against a real provider in docs/signintest.

package signin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// everybody may come in.
type everybody struct{ asked []verifier.PersonQuery }

func (e *everybody) Person(_ context.Context, q verifier.PersonQuery) (verifier.Subject, verifier.Code, error) {
	e.asked = append(e.asked, q)
	return verifier.Subject{User: q.User}, "", nil
}

func (*everybody) Authenticate(context.Context, verifier.Query) (verifier.Subject, verifier.Code, error) {
	return verifier.Subject{}, verifier.Unknown, nil
}
func (*everybody) Wait(context.Context, events.Position) error { return nil }

func newService(t *testing.T, public string, now func() time.Time) (*Service, *everybody) {
	t.Helper()
	e := &everybody{}
	s, err := New(Config{PublicURL: public, Lifetime: time.Hour, Verifier: e, Ring: keyring.Generate(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s, e
}

// cookie is the session that the service would give.
func cookie(t *testing.T, c cookies, value any, until, now time.Time) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := c.set(w, value, until, now); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

func TestCookies(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for public, want := range map[string]http.Cookie{
		"https://ledger.example.com": {Name: "__Host-tokenledger", Secure: true},
		"http://127.0.0.1:8080":      {Name: "tokenledger"},
	} {
		s, _ := newService(t, public, nil)
		got := cookie(t, s.sessions, session{User: uuid.New()}, now.Add(time.Hour), now)
		if got.Name != want.Name || got.Secure != want.Secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode ||
			got.Path != "/" || got.Domain != "" || got.MaxAge != 3600 {
			t.Errorf("%s: %+v", public, got)
		}
	}
}

func TestSessionsEndByTheClock(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, asked := newService(t, "https://ledger.example.com", func() time.Time { return now })
	in := session{User: uuid.New(), At: 7, Began: now, Ends: now.Add(time.Hour)}
	r := httptest.NewRequest(http.MethodGet, "/query", nil)
	r.AddCookie(cookie(t, s.sessions, in, in.Ends, now))
	now = in.Ends.Add(-time.Nanosecond)
	p, found, err := s.Recognize(httptest.NewRecorder(), r, "", uuid.Nil)
	if err != nil || !found || p.User != in.User || !p.Until.Equal(in.Ends) {
		t.Errorf("before the end: %+v, %v, %v", p, found, err)
	}
	if q := asked.asked[0]; q.Session != in.At || q.User != in.User {
		t.Errorf("the verifier was asked for %+v", q)
	}
	now = in.Ends
	w := httptest.NewRecorder()
	if p, found, err = s.Recognize(w, r, "", uuid.Nil); err == nil || !found {
		t.Errorf("at the end: %+v, %v, %v", p, found, err)
	}
	if gone := w.Result().Cookies(); len(gone) != 1 || gone[0].MaxAge >= 0 {
		t.Errorf("the cookie stays: %v", gone)
	}
}

// TestWhatIsNoSession: what does not open is as if it were not there, so that
// what needs no session goes on.
func TestWhatIsNoSession(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, _ := newService(t, "https://ledger.example.com", nil)
	other, _ := newService(t, "https://ledger.example.com", nil)
	in := session{User: uuid.New(), Ends: now.Add(time.Hour)}
	login := cookie(t, s.logins, in, in.Ends, now)
	login.Name = s.sessions.name // sealed for another purpose
	for name, c := range map[string]*http.Cookie{
		"another installation's": cookie(t, other.sessions, in, in.Ends, now),
		"another cookie's":       login,
		"empty":                  {Name: s.sessions.name},
		"nonsense":               {Name: s.sessions.name, Value: "AAAA"},
		"no base64":              {Name: s.sessions.name, Value: "%%%"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/query", nil)
		r.AddCookie(c)
		if p, found, err := s.Recognize(httptest.NewRecorder(), r, "", uuid.Nil); found || err != nil {
			t.Errorf("%s: %+v, %v, %v", name, p, found, err)
		}
	}
}

func TestFlowsEnd(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, _ := newService(t, "https://ledger.example.com", nil)
	f := newFlow(now, "/")
	if f.State == f.Nonce || len(f.Verifier) < 43 {
		t.Errorf("a flow of %+v", f)
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/login/callback?state="+url.QueryEscape(f.State), nil)
	r.AddCookie(cookie(t, s.logins, f, f.Until, now))
	if _, err := s.logins.resume(r, f.Until.Add(-time.Nanosecond)); err != nil {
		t.Errorf("in time: %v", err)
	}
	if _, err := s.logins.resume(r, f.Until); err == nil {
		t.Error("a flow goes on after its end")
	}
}

// FuzzLocal: wherever somebody is sent after signing in, it is on this host.
func FuzzLocal(f *testing.F) {
	for _, seed := range []string{"/", "/graphiql?a=b#c", "//evil.example", `/\evil.example`, "https://evil.example", "/%2fevil", "javascript:a", "/\t/evil.example", ""} {
		f.Add(seed)
	}
	base := &url.URL{Scheme: "https", Host: "ledger.example.com", Path: "/v1/login/callback"}
	f.Fuzz(func(t *testing.T, path string) {
		got := local(path)
		if got == "" {
			return
		}
		// As browsers read it: a backslash is a slash, and tabs and line ends are nothing.
		u, err := base.Parse(strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(got))
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme {
			t.Errorf("%q leads to %v, %v", path, u, err)
		}
	})
}
