// Signing in: who comes in, as whom, for how long, and what does not get in.

package signintest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const me = `{ me { id email } }`

// TestSigningIn tells the story of one installation; its parts share the service.
func TestSigningIn(t *testing.T) {
	w := newWorld(t)
	w.browser().get(w.url + "/v1/login").refused("UNAVAILABLE") // the provider is away, and the service runs
	w.provider.open(w.url)
	w.await("the provider is asked again", func() bool {
		return w.browser().get(w.url+"/v1/login").status == http.StatusSeeOther
	})
	w.part("a person", aPerson)
	w.part("who is not let in", notLetIn)
	w.part("flows", flows)
	w.part("requests of other sites", crossSite)
	w.part("sessions end", sessionsEnd)
	w.part("tools", tools)
	w.part("forged tokens", forged)
	w.part("keys rotate", keysRotate)
}

func aPerson(t *testing.T, w *world) {
	id := w.user("ada", "ADMIN")
	b := w.browser()
	if a := b.signIn("ada"); a.status != http.StatusSeeOther || a.location != w.url+"/" {
		t.Fatalf("the callback: %d to %q %s", a.status, a.location, a.raw)
	}
	cookies := b.client.Jar.Cookies(must(url.Parse(w.url)))
	if !slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Name == "tokenledger" }) {
		t.Errorf("no session cookie: %v", cookies)
	}
	if got := b.ask(me, nil).text("me.id"); got != id {
		t.Errorf("signed in as %s, want %s", got, id)
	}
	b.ask(`mutation { createAPIToken(input: {name: "by a person", scopes: ["token:read"]}) { apiToken { id } } }`, nil)
	if got := w.events(id); !slices.Equal(got, []string{"user.created", "user.identity_linked", "user.signed_in"}) {
		t.Errorf("in the person's trail: %v", got)
	}
	if w.browser().signIn("ada"); !slices.Equal(w.events(id)[3:], []string{"user.signed_in"}) {
		t.Errorf("after the second sign-in: %v", w.events(id))
	}
	w.browser().query(me, nil).refused("UNAUTHENTICATED")
}

func notLetIn(t *testing.T, w *world) {
	w.provider.person("stranger", "stranger@example.com", true)
	w.user("unverified", "MEMBER")
	w.provider.person("unverified", "unverified@example.com", false)
	first := w.user("first", "MEMBER")
	w.browser().signIn("first")
	w.provider.person("later", "first@example.com", true) // the address has another holder now
	before := w.events("")
	for _, subject := range []string{"stranger", "unverified", "later"} {
		b := w.browser()
		a := b.signIn(subject)
		a.refused("FORBIDDEN")
		if !strings.Contains(a.raw, "administrator") {
			t.Errorf("%s is not told whom to ask: %s", subject, a.raw)
		}
		b.query(me, nil).refused("UNAUTHENTICATED")
	}
	if after := w.events(""); len(after) != len(before) {
		t.Errorf("recorded: %v", after[len(before):])
	}
	if got := w.events(first); !slices.Contains(got, "user.signed_in") {
		t.Errorf("the holder: %v", got)
	}
}

func flows(t *testing.T, w *world) {
	w.user("flo", "MEMBER")
	before := w.events("")
	for name, play := range map[string]struct {
		code string
		do   func(b caller, begun string) answer
	}{
		"another state": {"BAD_USER_INPUT", func(b caller, begun string) answer {
			return b.get(change(b.atProvider(begun, "flo"), "state", "other"))
		}},
		"no state": {"BAD_USER_INPUT", func(b caller, begun string) answer {
			return b.get(change(b.atProvider(begun, "flo"), "state", ""))
		}},
		"another browser": {"BAD_USER_INPUT", func(b caller, begun string) answer {
			return w.browser().get(b.atProvider(begun, "flo"))
		}},
		"another nonce": {"FORBIDDEN", func(b caller, begun string) answer {
			return b.get(b.atProvider(change(begun, "nonce", "other"), "flo"))
		}},
		"another PKCE verifier": {"FORBIDDEN", func(b caller, begun string) answer {
			return b.get(b.atProvider(change(begun, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), "flo"))
		}},
		"another code": {"FORBIDDEN", func(b caller, begun string) answer {
			return b.get(change(b.atProvider(begun, "flo"), "code", "other"))
		}},
		"another issuer's answer": {"BAD_USER_INPUT", func(b caller, begun string) answer {
			return b.get(change(b.atProvider(begun, "flo"), "iss", "https://other.example.com"))
		}},
		"an error of the provider": {"FORBIDDEN", func(b caller, begun string) answer {
			return b.get(change(b.atProvider(begun, "flo"), "error", "access_denied"))
		}},
		"an altered cookie": {"BAD_USER_INPUT", func(b caller, begun string) answer {
			back := b.atProvider(begun, "flo")
			b.client.Jar.SetCookies(must(url.Parse(w.url)), []*http.Cookie{{Name: "tokenledger-login", Value: "AAAA", Path: "/"}})
			return b.get(back)
		}},
	} {
		b := w.browser()
		a := play.do(b, b.get(w.url+"/v1/login").location)
		if a.code() != play.code {
			t.Errorf("%s: got %s, want %s", name, a.raw, play.code)
		}
		b.query(me, nil).refused("UNAUTHENTICATED")
	}
	if after := w.events(""); len(after) != len(before) {
		t.Errorf("recorded: %v", after[len(before):])
	}
	replayed(t, w)
	b := w.browser()
	for given, want := range map[string]string{
		"/graphiql?x=1": "/graphiql?x=1", "https://evil.example": "/", "//evil.example": "/", `/\evil.example`: "/", "javascript:1": "/",
	} {
		begun := b.get(w.url + "/v1/login?return=" + url.QueryEscape(given))
		if got := b.get(b.atProvider(begun.location, "flo")).location; got != w.url+want {
			t.Errorf("return to %q led to %q", given, got)
		}
	}
}

// replayed finishes one flow twice, with two codes that the provider both takes.
func replayed(t *testing.T, w *world) {
	b := w.browser()
	begun := b.get(w.url + "/v1/login").location
	cookies := b.client.Jar.Cookies(must(url.Parse(w.url)))
	if a := b.get(b.atProvider(begun, "flo")); a.status != http.StatusSeeOther {
		t.Fatalf("the first time: %d %s", a.status, a.raw)
	}
	before := w.events("")
	again := w.browser()
	again.client.Jar.SetCookies(must(url.Parse(w.url)), cookies)
	again.get(again.atProvider(begun, "flo")).refused("BAD_USER_INPUT")
	again.query(me, nil).refused("UNAUTHENTICATED")
	if after := w.events(""); len(after) != len(before) {
		t.Errorf("recorded by a replay: %v", after[len(before):])
	}
}

func crossSite(t *testing.T, w *world) {
	w.user("cross", "MEMBER")
	b := w.browser()
	b.signIn("cross")
	for name, c := range map[string]struct {
		caller
		code string
	}{
		"another site":                    {b.with("Sec-Fetch-Site", "cross-site"), "FORBIDDEN"},
		"a sibling site":                  {b.with("Sec-Fetch-Site", "same-site"), "FORBIDDEN"},
		"another origin":                  {b.with("Sec-Fetch-Site", "").with("Origin", "https://evil.example"), "FORBIDDEN"},
		"an opaque origin":                {b.with("Sec-Fetch-Site", "").with("Origin", "null"), "FORBIDDEN"},
		"a form without any word of it":   {b.with("Sec-Fetch-Site", ""), "FORBIDDEN"},
		"another site with the header":    {b.with("Sec-Fetch-Site", "cross-site").with("X-Tokenledger-CSRF", "1"), "FORBIDDEN"},
		"this origin":                     {b.with("Sec-Fetch-Site", "").with("Origin", w.url), ""},
		"a program with the header":       {b.with("Sec-Fetch-Site", "").with("X-Tokenledger-CSRF", "1"), ""},
		"this site":                       {b, ""},
		"another site, but with a bearer": {b.with("Sec-Fetch-Site", "cross-site").with("Authorization", "Bearer "+w.admin), ""},
	} {
		if got := c.query(me, nil).code(); got != c.code {
			t.Errorf("%s: got %q, want %q", name, got, c.code)
		}
	}
	b.with("Sec-Fetch-Site", "cross-site").post(w.url+"/v1/logout", nil).refused("FORBIDDEN")
	if a := b.get(w.url + "/query?query=" + url.QueryEscape(me)); a.code() != "" {
		t.Errorf("a read by GET: %s", a.raw)
	}
	mutation := `mutation { createPersonalAccessToken(input: {name: "x"}) { personalAccessToken { id } } }`
	if a := b.get(w.url + "/query?query=" + url.QueryEscape(mutation)); a.status == http.StatusOK && a.code() == "" {
		t.Errorf("GET changed something: %s", a.raw)
	}
}

func sessionsEnd(t *testing.T, w *world) {
	id := w.user("leaver", "MEMBER")
	one, two := w.browser(), w.browser()
	one.signIn("leaver")
	two.signIn("leaver")
	stolen := w.browser()
	stolen.client.Jar.SetCookies(must(url.Parse(w.url)), one.client.Jar.Cookies(must(url.Parse(w.url))))
	if a := one.post(w.url+"/v1/logout", nil); a.status != http.StatusNoContent {
		t.Fatalf("logout: %d %s", a.status, a.raw)
	}
	for _, b := range []caller{one, two, stolen} {
		b.query(me, nil).refused("UNAUTHENTICATED")
	}
	one.signIn("leaver")
	if got := one.ask(me, nil).text("me.id"); got != id {
		t.Errorf("after signing in again: %s", got)
	}
	w.restart() // sessions are kept by browsers alone
	one.ask(me, nil)
	w.token(w.admin).ask(`mutation($id: ID!) { deactivateUser(id: $id, reason: "left") { user { id } } }`, vars{"id": id})
	w.await("the session of a deactivated user ends", func() bool { return one.query(me, nil).code() == "UNAUTHENTICATED" })
	w.browser().signIn("leaver").refused("FORBIDDEN")
	w.token(w.admin).ask(`mutation($id: ID!) { reactivateUser(id: $id) { user { id } } }`, vars{"id": id})
	two.signIn("leaver")
	two.ask(me, nil)
	stolen.query(me, nil).refused("UNAUTHENTICATED") // nothing comes back to life
}

func tools(t *testing.T, w *world) {
	id := w.user("tool", "MEMBER")
	c := w.token(w.provider.token(t, "tool", with("email", "tool@example.com"), with("email_verified", true)))
	for range 3 {
		if got := c.ask(me, nil).text("me.id"); got != id {
			t.Errorf("the tool is %s, want %s", got, id)
		}
	}
	want := []string{"user.created", "user.identity_linked", "user.signed_in"}
	if got := w.events(id); !slices.Equal(got, want) {
		t.Errorf("three requests of a tool: %v", got)
	}
	w.restart()
	c.ask(me, nil) // the token says nothing of an address that would be needed now
	if got := w.events(id); !slices.Equal(got, want) {
		t.Errorf("after a restart within the hour: %v", got)
	}
	c.in(w.org).ask(`{ personalAccessTokens { totalCount } }`, nil)
	c.in("00000000-0000-4000-8000-000000000000").query(`{ personalAccessTokens { totalCount } }`, nil).refused("NOT_FOUND")
	w.token(w.admin).ask(`mutation($id: ID!) { deactivateUser(id: $id, reason: "left") { user { id } } }`, vars{"id": id})
	w.await("the tool of a deactivated user is refused", func() bool { return c.query(me, nil).code() == "UNAUTHENTICATED" })
}

func with(name string, value any) func(map[string]any) {
	return func(c map[string]any) { c[name] = value }
}

func forged(t *testing.T, w *world) {
	w.user("mallory", "ADMIN")
	w.browser().signIn("mallory")
	k, other := w.provider.current(), newKey(t)
	w.token(w.provider.token(t, "mallory")).ask(me, nil)
	public, err := x509.MarshalPKIXPublicKey(&k.private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	asText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	valid := w.provider.claims("mallory")
	unsigned := func(header string) string {
		_, rest, _ := strings.Cut(w.provider.token(t, "mallory"), ".")
		payload, _, _ := strings.Cut(rest, ".")
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + payload + "."
	}
	before := w.events("")
	for name, value := range map[string]string{
		"another audience":       w.provider.token(t, "mallory", with("aud", "https://other.example.com")),
		"the sign-in's own":      w.provider.token(t, "mallory", with("aud", signInClient)),
		"no audience":            w.provider.token(t, "mallory", with("aud", []string{})),
		"expired":                w.provider.token(t, "mallory", with("exp", time.Now().Add(-time.Minute).Unix())),
		"no end":                 w.provider.token(t, "mallory", func(c map[string]any) { delete(c, "exp") }),
		"not yet":                w.provider.token(t, "mallory", with("nbf", time.Now().Add(time.Hour).Unix())),
		"another issuer":         w.provider.token(t, "mallory", with("iss", "https://other.example.com")),
		"nobody":                 w.provider.token(t, ""),
		"another key":            sign(t, jose.RS256, other.private, other.id, valid),
		"another key, its name":  sign(t, jose.RS256, other.private, k.id, valid),
		"HMAC by the public key": sign(t, jose.HS256, asText, k.id, valid),
		"no signature":           unsigned(`{"alg":"none","typ":"JWT"}`),
		"a signature of nothing": unsigned(`{"alg":"RS256","kid":"` + k.id + `"}`),
		"two dots":               "ey..",
	} {
		a := w.token(value).query(me, nil)
		if a.code() != "UNAUTHENTICATED" || a.status != http.StatusUnauthorized {
			t.Errorf("%s: got %d %s", name, a.status, a.raw)
		}
	}
	if after := w.events(""); len(after) != len(before) {
		t.Errorf("recorded: %v", after[len(before):])
	}
	w.provider.person("unknown", "unknown@example.com", true)
	w.token(w.provider.token(t, "unknown")).query(me, nil).refused("FORBIDDEN")
}

func keysRotate(t *testing.T, w *world) {
	w.user("rota", "MEMBER")
	w.browser().signIn("rota")
	w.token(w.provider.token(t, "rota")).ask(me, nil)
	former := w.provider.rotate(t)
	w.token(w.provider.token(t, "rota")).ask(me, nil) // the new key is asked for
	w.token(sign(t, jose.RS256, former.private, former.id, w.provider.claims("rota"))).query(me, nil).refused("UNAUTHENTICATED")
	w.browser().signIn("rota")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// change gives a URL with another value of one parameter; empty takes it away.
func change(raw, name, value string) string {
	u := must(url.Parse(raw))
	q := u.Query()
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String()
}
