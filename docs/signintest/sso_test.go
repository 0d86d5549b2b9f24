// Single sign-on of organizations: who authorizes what, how long it lasts, and what is refused without it.

package signintest

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	setProvider = `mutation($in: UpdateOrganizationSSOProviderInput!) { updateOrganizationSSOProvider(input: $in) { organization { ssoProvider { issuer } } } }`
	setPolicy   = `mutation($in: UpdateOrganizationPolicyInput!) { updateOrganizationPolicy(input: $in) { organization { policy { ssoRequired } } } }`
	newPersonal = `mutation($in: CreatePersonalAccessTokenInput!) { createPersonalAccessToken(input: $in) { personalAccessToken { id token } } }`
	newToken    = `mutation { createAPIToken(input: {name: "ci", scopes: ["token:read", "organization:read"]}) { apiToken { id token } } }`
	list        = `{ organizations { totalCount } }`
)

// TestSingleSignOn tells the story of one installation, whose own provider is
// its organization's, too.
func TestSingleSignOn(t *testing.T) {
	w := newWorld(t)
	w.provider.open(w.url)
	w.provider.person("boss", "admin@example.com", true)
	w.user("worker", "MEMBER")
	w.part("the provider", theProvider)
	w.part("a personal token", aPersonalToken)
	w.part("another provider", anotherProvider)
	w.part("an organization token", anOrganizationToken)
	w.part("flows", ssoFlows)
	w.part("enforcement", enforcement)
	w.part("stamps age", stampsAge)
	w.part("a client secret", aClientSecret)
	w.part("attempts", attempts) // last: it leaves none for the others
}

// boss is a browser in which the owner is signed in.
func (w *world) boss() caller {
	w.t.Helper()
	b := w.browser()
	if a := b.signIn("boss"); a.status != http.StatusSeeOther {
		w.t.Fatalf("the boss: %d %s", a.status, a.raw)
	}
	return b.in(w.org)
}

// personal makes a personal token of who is signed in.
func (c caller) personal(organizations ...string) (id, value string) {
	c.w.t.Helper()
	a := c.ask(newPersonal, vars{"in": vars{"name": "laptop", "organizationIDs": organizations}})
	return a.text("createPersonalAccessToken.personalAccessToken.id"), a.text("createPersonalAccessToken.personalAccessToken.token")
}

// authorize begins a flow for a token.
func (c caller) authorize(token, organization string) answer {
	c.w.t.Helper()
	return c.post(c.w.url+"/v1/sso/token/authorize", url.Values{"token": {token}, "organization": {organization}})
}

// signOn goes through the whole flow as this account.
func (c caller) signOn(token, organization, subject string) answer {
	c.w.t.Helper()
	begun := c.authorize(token, organization)
	if begun.status != http.StatusSeeOther {
		return begun
	}
	return c.get(c.atProvider(begun.location, subject))
}

// stamped is signOn where it has to succeed.
func (c caller) stamped(token, subject string) {
	c.w.t.Helper()
	if a := c.signOn(token, c.w.org, subject); a.status != http.StatusOK {
		c.w.t.Fatalf("%s authorizes %s: %d %s", subject, token, a.status, a.raw)
	}
}

func theProvider(t *testing.T, w *world) {
	b := w.boss()
	provider := vars{"issuer": w.provider.server.URL, "clientID": ssoClient}
	for name, issuer := range map[string]string{
		"link-local": "http://169.254.169.254/", "private": "https://10.0.0.1/", "loopback, IPv6": "https://[::1]/",
		"a name that is not there": "https://nowhere.invalid/", "plain http to the world": "http://192.88.99.1/",
	} {
		a := b.query(setProvider, vars{"in": vars{"issuer": issuer, "clientID": "x"}})
		if a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	w.token(w.admin).query(setProvider, vars{"in": provider}).refused("FORBIDDEN") // people can sign in, so tokens do not do this
	m := w.browser()
	m.signIn("worker")
	m.query(setProvider, vars{"in": provider}).refused("FORBIDDEN")
	id, _ := b.personal(w.org)
	b.authorize(id, w.org).refused("CONFLICT") // there is no provider yet
	b.ask(setProvider, vars{"in": provider})
	by := b.query(`mutation($id: ID!) { authorizeTokenSSO(id: $id) { receipt { position } } }`, vars{"id": id})
	if by.refused("FORBIDDEN"); !strings.Contains(by.raw, w.provider.server.URL) {
		t.Errorf("it is not said why: %s", by.raw)
	}
}

func aPersonalToken(t *testing.T, w *world) {
	m := w.browser()
	m.signIn("worker")
	id, value := m.personal(w.org)
	other, _ := w.boss().personal(w.org)
	m.authorize(other, w.org).refused("FORBIDDEN")     // another's
	w.boss().authorize(id, w.org).refused("FORBIDDEN") // also for an owner of the organization
	w.browser().authorize(id, w.org).refused("UNAUTHENTICATED")
	w.browser().authorize(value+"x", w.org).refused("UNAUTHENTICATED")
	m.with("Sec-Fetch-Site", "cross-site").authorize(id, w.org).refused("FORBIDDEN")
	m.signOn(id, w.org, "boss").refused("FORBIDDEN") // another account came back
	before := w.events("")
	for name, c := range map[string]struct {
		caller
		token string
	}{
		"by the session, by id":     {m, id},
		"by the token itself":       {w.token(value), id},
		"by its value alone":        {w.browser(), value},
		"by the provider's own JWT": {w.token(w.provider.token(t, "worker")), id},
	} {
		a := c.signOn(c.token, w.org, "worker")
		if a.status != http.StatusOK || a.text("token") != id || a.text("organization") != w.org {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if after := w.events("")[len(before):]; count(after, "grant.sso_authorized") != 4 {
		t.Errorf("recorded: %v", after)
	}
}

// anotherProvider is one that nobody has an account at yet, as an organization's
// often is: there the verified address has to be the owner's, and stays no link.
func anotherProvider(t *testing.T, w *world) {
	p := newProvider(t)
	defer p.server.Close()
	p.open(w.url)
	p.person("unverified", "worker@example.com", false)
	p.person("verified", "Worker@Example.com", true)
	p.person("worker", "somebody@example.com", true) // the same subject, but another issuer's
	b, m := w.boss(), w.browser()
	m.signIn("worker")
	id, _ := m.personal(w.org)
	b.ask(setProvider, vars{"in": vars{"issuer": p.server.URL, "clientID": ssoClient}})
	before := w.events("")
	m.signOn(id, w.org, "unverified").refused("FORBIDDEN")
	m.signOn(id, w.org, "worker").refused("FORBIDDEN")
	m.stamped(id, "verified")
	if after := w.events("")[len(before):]; !slices.Equal(after, []string{"grant.sso_authorized"}) {
		t.Errorf("recorded: %v", after)
	}
	started := m.authorize(id, w.org).location
	b.ask(setProvider, vars{"in": vars{"issuer": w.provider.server.URL, "clientID": ssoClient}})
	m.get(m.atProvider(started, "verified")).refused("CONFLICT") // the provider is another meanwhile
	back := m.authorize(id, w.org).location
	m.get(change(m.atProvider(back, "worker"), "iss", p.server.URL)).refused("BAD_USER_INPUT")
}

func count(list []string, what string) (n int) {
	for _, s := range list {
		if s == what {
			n++
		}
	}
	return n
}

func anOrganizationToken(t *testing.T, w *world) {
	b := w.boss()
	a := b.ask(newToken, nil)
	id, value := a.text("createAPIToken.apiToken.id"), a.text("createAPIToken.apiToken.token")
	m := w.browser()
	m.signIn("worker")
	m.authorize(id, w.org).refused("FORBIDDEN")
	w.token(value).authorize(id, w.org).refused("FORBIDDEN")
	w.browser().authorize(value, w.org).refused("FORBIDDEN")
	b.signOn(id, w.org, "worker").refused("FORBIDDEN")
	b.stamped(id, "boss")
	if got := w.events(w.org); got[len(got)-1] != "token.sso_authorized" {
		t.Errorf("the last event is %s", got[len(got)-1])
	}
	b.authorize(id, "00000000-0000-4000-8000-000000000000").refused("NOT_FOUND")
	b.authorize("00000000-0000-4000-8000-000000000000", w.org).refused("NOT_FOUND")
	b.authorize("nonsense", w.org).refused("BAD_USER_INPUT")
	b.authorize(id, "nonsense").refused("BAD_USER_INPUT")
}

func ssoFlows(t *testing.T, w *world) {
	m := w.browser()
	m.signIn("worker")
	id, _ := m.personal(w.org)
	before := w.events(w.org)
	begin := func() (caller, string) {
		b := w.browser()
		b.client.Jar.SetCookies(must(url.Parse(w.url)), m.client.Jar.Cookies(must(url.Parse(w.url))))
		return b, b.authorize(id, w.org).location
	}
	for name, play := range map[string]struct {
		code string
		do   func() answer
	}{
		"another state": {"BAD_USER_INPUT", func() answer {
			b, begun := begin()
			return b.get(change(b.atProvider(begun, "worker"), "state", "other"))
		}},
		"another browser": {"BAD_USER_INPUT", func() answer {
			b, begun := begin()
			return w.browser().get(b.atProvider(begun, "worker"))
		}},
		"another nonce": {"FORBIDDEN", func() answer {
			b, begun := begin()
			return b.get(b.atProvider(change(begun, "nonce", "other"), "worker"))
		}},
		"a sign-in's answer": {"BAD_USER_INPUT", func() answer {
			b, _ := begin()
			signing := b.get(w.url + "/v1/login").location
			back := must(url.Parse(b.atProvider(signing, "worker")))
			return b.get(w.url + "/v1/sso/token/callback?" + back.RawQuery)
		}},
	} {
		if a := play.do(); a.code() != play.code {
			t.Errorf("%s: got %d %s, want %s", name, a.status, a.raw, play.code)
		}
	}
	if after := w.events(w.org); len(after) != len(before) {
		t.Errorf("recorded: %v", after[len(before):])
	}
	// The same flow twice, with two good codes, and a restart between them.
	b, begun := begin()
	cookies := b.client.Jar.Cookies(must(url.Parse(w.url)))
	if a := b.get(b.atProvider(begun, "worker")); a.status != http.StatusOK {
		t.Fatalf("the first time: %d %s", a.status, a.raw)
	}
	w.restart()
	before = w.events(w.org)
	again := w.browser()
	again.client.Jar.SetCookies(must(url.Parse(w.url)), cookies)
	again.get(again.atProvider(begun, "worker")).refused("BAD_USER_INPUT")
	if after := w.events(w.org); len(after) != len(before) {
		t.Errorf("recorded by a replay: %v", after[len(before):])
	}
	// A program is told the URL.
	told := m.do(http.MethodPost, w.url+"/v1/sso/token/authorize", "application/json",
		strings.NewReader(`{"token": "`+id+`", "organization": "`+w.org+`", "return": "/graphiql"}`))
	if a := m.get(m.atProvider(told.text("url"), "worker")); a.status != http.StatusSeeOther || a.location != w.url+"/graphiql" {
		t.Errorf("by JSON, and back: %d %s %s", a.status, a.location, a.raw)
	}
}

func enforcement(t *testing.T, w *world) {
	b := w.boss()
	m := w.browser()
	m.signIn("worker")
	id, value := m.personal(w.org)
	stamped, stampedValue := m.personal(w.org)
	m.stamped(stamped, "worker")
	a := b.ask(newToken, nil)
	robot, robotValue := a.text("createAPIToken.apiToken.id"), a.text("createAPIToken.apiToken.token")
	w.token(value).ask(list, nil)
	w.token(robotValue).ask(list, nil)
	b.ask(setPolicy, vars{"in": vars{"ssoRequired": true}})
	w.token(value).query(list, nil).refused("SSO_REQUIRED")
	w.token(robotValue).query(list, nil).refused("SSO_REQUIRED")
	w.token(stampedValue).ask(list, nil)
	b.ask(list, nil) // a person needs no stamp
	m.stamped(id, "worker")
	b.stamped(robot, "boss")
	w.token(value).ask(list, nil)
	w.token(robotValue).ask(list, nil)
	b.ask(`mutation($id: ID!) { withdrawTokenSSO(id: $id) { receipt { position } } }`, vars{"id": id})
	w.token(value).query(list, nil).refused("SSO_REQUIRED")
	b.ask(setPolicy, vars{"in": vars{"ssoRequired": false}})
	w.token(value).allowed(list)

	// One organization that a token is not stamped for does not block another.
	second := w.token(w.admin).ask(`mutation { createOrganization(input: {name: "second", ownerEmail: "admin@example.com"}) { organization { id } } }`, nil).
		text("createOrganization.organization.id")
	w.await("the boss reaches the second organization", func() bool {
		return b.in(second).query(list, nil).code() == ""
	})
	_, both := b.personal(w.org, second)
	b.in(second).ask(setPolicy, vars{"in": vars{"ssoRequired": true}})
	w.token(both).in(second).query(list, nil).refused("SSO_REQUIRED")
	w.token(both).in(w.org).ask(list, nil)
}

func stampsAge(t *testing.T, w *world) {
	b := w.boss()
	m := w.browser()
	m.signIn("worker")
	id, value := m.personal(w.org)
	a := b.ask(newToken, nil)
	robot, robotValue := a.text("createAPIToken.apiToken.id"), a.text("createAPIToken.apiToken.token")
	b.stamped(robot, "boss")
	m.stamped(id, "worker")
	b.ask(setPolicy, vars{"in": vars{"ssoRequired": true, "ssoMaxAge": 5}})
	w.await("the stamp of a personal token ages away", func() bool { return w.token(value).query(list, nil).code() == "SSO_REQUIRED" })
	w.token(robotValue).ask(list, nil) // an organization token is stamped once
	m.stamped(id, "worker")
	if got := w.events(w.org); count(got, "grant.sso_authorized") < 2 {
		t.Errorf("a new stamp: %v", got)
	}
	b.ask(setPolicy, vars{"in": vars{"organizationSSOMaxAge": 1}})
	w.await("that of an organization token, where a policy says so", func() bool {
		return w.token(robotValue).query(list, nil).code() == "SSO_REQUIRED"
	})
	b.stamped(robot, "boss")
	b.ask(setPolicy, vars{"in": vars{"organizationSSOMaxAge": 0}})
	w.token(robotValue).allowed(list)
	b.ask(setPolicy, vars{"in": vars{"ssoRequired": false, "ssoMaxAge": 0}})
}

// aClientSecret is for an organization whose client at the provider has one.
func aClientSecret(t *testing.T, w *world) {
	b := w.boss()
	id, _ := b.personal(w.org)
	b.ask(setProvider, vars{"in": vars{"issuer": w.provider.server.URL, "clientID": ssoSecretClient}})
	b.signOn(id, w.org, "boss").refused("FORBIDDEN") // the provider wants a secret
	dir := filepath.Join(w.data, "sso")
	file := filepath.Join(dir, w.org)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, issuer := range []string{"https://another.example.com", w.provider.server.URL} {
		if err := os.WriteFile(file, []byte(issuer+"\n"+signInSecret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if issuer == w.provider.server.URL {
			b.stamped(id, "boss")
		} else {
			b.authorize(id, w.org).refused("CONFLICT")
		}
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	b.authorize(id, w.org).refused("UNAVAILABLE") // a secret that others can read
	if strings.Contains(w.output.String(), signInSecret) || slices.ContainsFunc(w.leaves(), func(l string) bool { return strings.Contains(l, signInSecret) }) {
		t.Error("the secret is told")
	}
}

// attempts with what is no token any more are refused for a while when there were
// too many.
func attempts(t *testing.T, w *world) {
	m := w.browser()
	m.signIn("worker")
	id, value := m.personal(w.org)
	m.ask(`mutation($id: ID!) { deletePersonalAccessToken(id: $id) { deletedID } }`, vars{"id": id})
	w.await("the limit", func() bool {
		a := w.browser().authorize(value, w.org)
		if a.code() == "UNAUTHENTICATED" {
			return false
		}
		if a.refused("RATE_LIMITED"); a.status != http.StatusTooManyRequests {
			t.Errorf("it is answered with %d", a.status)
		}
		return true
	})
}
