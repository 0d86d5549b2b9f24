// What the browser keeps between the beginning and the end of a flow, sealed.

package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// flowLimit is how long somebody may take at the provider.
const flowLimit = 10 * time.Minute

// flow is one code flow under way. The cookie ties it to the browser that began
// it; that it ends once is the log's to see to.
type flow struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	Until    time.Time `json:"until"`
	Return   string    `json:"return,omitempty"` // where to go afterwards
	Stamp    *stamp    `json:"stamp,omitempty"`

	Invitation string `json:"invitation,omitempty"` // the secret of one that the sign-in accepts
}

// stamp says what token a flow of single sign-on authorizes, and for whom.
type stamp struct {
	Provider     events.Provider  `json:"provider"`
	Organization uuid.UUID        `json:"organization"`
	Token        uuid.UUID        `json:"token"`
	Kind         events.TokenKind `json:"kind"`
	User         uuid.UUID        `json:"user"` // whose account has to come back
}

func newFlow(now time.Time, back string) flow {
	return flow{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		Until: now.Add(flowLimit), Return: local(back),
	}
}

// local is a path on this host, or else empty: nobody is sent elsewhere.
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || u.Opaque != "" || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return ""
	}
	return path
}

// cookies writes and reads sealed cookies of one name.
type cookies struct {
	name   string
	sealer *keyring.Sealer
	secure bool
}

// newCookies derives the key of one kind of cookie. Without TLS, which only a
// loopback address may do, a browser takes no __Host- cookie.
func newCookies(ring *keyring.Ring, name string, secure bool) (cookies, error) {
	sealer, err := ring.Sealer("cookie " + name)
	if secure {
		name = "__Host-" + name
	}
	return cookies{name, sealer, secure}, err
}

func (c cookies) set(w http.ResponseWriter, value any, until, now time.Time) error {
	plain, err := json.Marshal(value)
	if err != nil {
		return err
	}
	cookie := c.empty()
	cookie.Value = base64.RawURLEncoding.EncodeToString(c.sealer.Seal(plain))
	cookie.MaxAge = max(1, int(until.Sub(now).Seconds()))
	http.SetCookie(w, cookie)
	return nil
}

func (c cookies) clear(w http.ResponseWriter) {
	cookie := c.empty()
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
}

func (c cookies) empty() *http.Cookie {
	return &http.Cookie{Name: c.name, Path: "/", Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// read opens the cookie into value; ok is false where there is none, or none that opens.
func (c cookies) read(r *http.Request, value any) (ok bool) {
	cookie, err := r.Cookie(c.name)
	if err != nil {
		return false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return false
	}
	plain, err := c.sealer.Open(sealed)
	return err == nil && json.Unmarshal(plain, value) == nil
}

// resume gives the flow that this callback ends.
func (c cookies) resume(r *http.Request, now time.Time) (flow, error) {
	var f flow
	state := r.URL.Query().Get("state")
	switch ok := c.read(r, &f); {
	case !ok:
		return f, refuse(codeBadUserInput, "state", "This sign-in did not begin in this browser; begin it again.")
	case subtle.ConstantTimeCompare([]byte(state), []byte(f.State)) != 1:
		return f, refuse(codeBadUserInput, "state", "This answer belongs to another sign-in; begin it again.")
	case !now.Before(f.Until):
		return f, refuse(codeBadUserInput, "state", "This sign-in took longer than %d minutes; begin it again.", int(flowLimit.Minutes()))
	}
	return f, nil
}
