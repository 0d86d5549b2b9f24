// What proxies ask: only 200, 401 and 403 for a decision, and nobody believed about the original request who is not listed.

package verifyhttp_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/verifyhttp"
	"github.com/tokenledger/tokenledger/events"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, owner := w.organization()
	w.append(events.MembershipStream(other, w.user), events.OrganizationTrail(other),
		events.MembershipStarted{Organization: other, User: w.user, Role: events.RoleOwner})
	key, mine, both := w.token("key", "evidence:write"), w.personal(w.user, []string{"evidence:read"}, w.org), w.personal(w.user, nil, w.org, other)
	theirs := w.personal(owner, nil, other)
	revoked := w.token("revoked", "read")
	w.append(events.TokenStream(revoked.id), events.OrganizationTrail(w.org), events.TokenRevoked{})
	org := w.org.String()
	const good, insufficient, invalid = "", `Bearer error="insufficient_scope"`, `Bearer error="invalid_token", realm="tokenledger"`
	for name, c := range map[string]struct {
		query     string
		headers   []string
		status    int
		subject   string
		challenge string
	}{
		"a good token":                 {"", bearer(key.value), 200, key.id.String(), good},
		"with the scope":               {"?scope=evidence:write", bearer(key.value), 200, key.id.String(), good},
		"with all the scopes":          {"?scope=evidence:write+evidence:read", bearer(key.value), 200, key.id.String(), good},
		"a person's":                   {"?scope=evidence:read", bearer(mine.value), 200, w.user.String(), good},
		"an action":                    {"?action=createEvidence&resource=evidence/1", bearer(key.value), 200, key.id.String(), good},
		"its organization":             {"?organization=" + org, bearer(key.value), 200, key.id.String(), good},
		"without the scope":            {"?scope=control:read", bearer(key.value), 403, "", `Bearer error="insufficient_scope", scope="control:read", realm="tokenledger"`},
		"without one of the scopes":    {"?scope=evidence:read&scope=control:read", bearer(key.value), 403, "", `scope="evidence:read control:read"`},
		"without the action's scope":   {"?action=createRisk", bearer(key.value), 403, "", `scope="risk:write"`},
		"an unknown action":            {"?action=fly", bearer(key.value), 403, "", insufficient},
		"quotes in the scope":          {`?scope=a"b\c`, bearer(key.value), 403, "", `scope="abc"`},
		"an empty scope":               {"?scope=", bearer(key.value), 403, "", `error="invalid_request"`},
		"a query that is none":         {"?scope=%zz", bearer(key.value), 403, "", `error="invalid_request"`},
		"no token":                     {"", nil, 401, "", `Bearer realm="tokenledger"`},
		"basic is not for the subject": {"", []string{"Authorization", "Basic eDp5"}, 401, "", `Bearer realm="tokenledger"`},
		"two tokens":                   {"", append(bearer(key.value), bearer(mine.value)...), 401, "", `Bearer realm="tokenledger"`},
		"nonsense":                     {"", bearer("x"), 401, "", invalid},
		"unknown":                      {"", bearer(unknown(t)), 401, "", invalid},
		"another secret":               {"", bearer(wrongSecret(t, key)), 401, "", invalid},
		"revoked":                      {"", bearer(revoked.value), 401, "", invalid},
		"another organization's":       {"?organization=" + org, bearer(theirs.value), 401, "", invalid},
		"named by the client":          {"?scope=read", append(bearer(both.value), "X-Organization-ID", org), 200, w.user.String(), good},
		"which organization?":          {"?scope=read", bearer(both.value), 403, "", insufficient},
		"the client names another":     {"?organization=" + org, append(bearer(both.value), "X-Organization-ID", other.String()), 403, "", `error="invalid_request"`},
		"no organization's id":         {"", append(bearer(both.value), "X-Organization-ID", "acme"), 403, "", `error="invalid_request"`},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead} {
			a := w.ask(method, verifyhttp.PathCheck+c.query, "", c.headers...)
			if a.status != c.status || a.header.Get("X-Token-Subject") != c.subject {
				t.Errorf("%s: %s: %d %s %v", name, method, a.status, a.body, a.header)
			}
			if got := a.header.Get("WWW-Authenticate"); !strings.Contains(got, c.challenge) || (got == "") != (c.status == 200) {
				t.Errorf("%s: WWW-Authenticate is %q, want %q", name, got, c.challenge)
			}
			if c.status == 200 && (a.header.Get("X-Token-ID") == "" || a.header.Get("X-Token-Organization") != org ||
				a.header.Get("X-Token-Scopes") == "" || a.header.Get("Token-Expires") != "never" || a.body != "") {
				t.Errorf("%s: %s %v", name, a.body, a.header)
			}
		}
	}
}

// TestCheckWithoutOrganization: a personal token that no single organization is meant by says who it is, and no more.
func TestCheckWithoutOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, owner := w.organization()
	w.append(events.MembershipStream(w.org, owner), events.OrganizationTrail(w.org),
		events.MembershipStarted{Organization: w.org, User: owner, Role: events.RoleOwner})
	both := w.personal(owner, nil, w.org, other)
	a := w.ask(http.MethodGet, verifyhttp.PathCheck, "", bearer(both.value)...)
	if a.status != 200 || a.header.Get("X-Token-Organization") != "" || a.header.Get("X-Token-Scopes") != "" || a.header.Get("X-Token-Subject") != owner.String() {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
}

func TestOriginalRequest(t *testing.T) {
	t.Parallel()
	listed, strange := newWorld(t), newWorld(t, func(c *verifyhttp.Config) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	for name, c := range map[string]struct {
		path, method, query string
		headers             []string
		action, resource    string // as recorded if the proxy is listed
		unlisted            string // the resource otherwise
		source              string
	}{
		"nginx":                       {verifyhttp.PathCheck, "GET", "", []string{"X-Original-URI", "/files/a%2Fb%0A?key=secret", "X-Original-Method", "PUT", "X-Forwarded-For", "198.51.100.7"}, "PUT", "/files/a%2Fb%0A", "", "198.51.100.7"},
		"ingress-nginx":               {verifyhttp.PathCheck, "GET", "", []string{"X-Original-URL", "https://app.example/files/b?x", "X-Original-Method", "GET", "X-Forwarded-For", "198.51.100.7"}, "GET", "/files/b", "", "198.51.100.7"},
		"traefik and caddy":           {verifyhttp.PathCheck, "GET", "", []string{"X-Forwarded-Uri", "/files/c?x", "X-Forwarded-Method", "POST", "X-Forwarded-For", "198.51.100.7"}, "POST", "/files/c", "", "198.51.100.7"},
		"what the configuration says": {verifyhttp.PathCheck, "GET", "?action=createEvidence&resource=evidence/9", []string{"X-Original-URI", "/files/d"}, "createEvidence", "evidence/9", "evidence/9", "127.0.0.1"},
		"no text at all":              {verifyhttp.PathCheck, "GET", "", []string{"X-Original-URI", "/\xff%zz" + strings.Repeat("x", 2000) + "?y", "X-Original-Method", strings.Repeat("M", 200)}, strings.Repeat("M", 128), "", "", "127.0.0.1"},
		"envoy":                       {verifyhttp.PrefixEnvoy + "files/e", "DELETE", "?scope=", []string{"X-Forwarded-For", "198.51.100.7"}, "DELETE", "/files/e", "/files/e", "198.51.100.7"},
		"envoy, unclean":              {verifyhttp.PrefixEnvoy + "/../f//g", "PATCH", "", nil, "PATCH", "//../f//g", "//../f//g", "127.0.0.1"},
		"envoy's root":                {verifyhttp.PrefixEnvoy, "GET", "", nil, "GET", "/", "/", "127.0.0.1"},
	} {
		for _, w := range []*world{listed, strange} {
			key := w.token("key", "evidence:write")
			a := w.ask(c.method, c.path+c.query, "", append(bearer(key.value), c.headers...)...)
			if a.status != 200 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
				continue
			}
			uses, _ := recorded[events.TokenUsed](w)
			u := uses[len(uses)-1]
			sources, _ := recorded[events.TokenSourceSeen](w)
			source := sources[len(sources)-1].Address.Value
			if w == strange && (u.Resource != c.unlisted || source != "127.0.0.1") {
				t.Errorf("%s: a stranger was believed: %+v from %s", name, u, source)
			}
			if w == listed && (u.Action != c.action || c.resource != "" && u.Resource != c.resource || source != c.source || len(u.Resource) > 1024) {
				t.Errorf("%s: %+v from %s", name, u, source)
			}
		}
	}
}

// TestEnvoy: what is needed is said by headers; a client's own can only add to it.
func TestEnvoy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.token("key", "evidence:write")
	for name, c := range map[string]struct {
		query   string
		headers []string
		status  int
	}{
		"nothing needed":                  {"", nil, 200},
		"held":                            {"", []string{"X-Required-Scope", "evidence:write"}, 200},
		"not held":                        {"", []string{"X-Required-Scope", "control:read"}, 403},
		"one more by the client":          {"", []string{"X-Required-Scope", "evidence:write", "X-Required-Scope", "control:read"}, 403},
		"the client's query changes none": {"?scope=evidence:read", []string{"X-Required-Scope", "control:read"}, 403},
		"an action":                       {"", []string{"X-Required-Action", "createEvidence"}, 200},
		"an action not held":              {"", []string{"X-Required-Action", "createRisk"}, 403},
		"its organization":                {"", []string{"X-Required-Organization", w.org.String()}, 200},
		"another organization":            {"", []string{"X-Required-Organization", newID().String()}, 401},
	} {
		if a := w.ask(http.MethodPost, verifyhttp.PrefixEnvoy+"any/path"+c.query, "a body", append(bearer(key.value), c.headers...)...); a.status != c.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := w.ask(http.MethodGet, verifyhttp.PrefixEnvoy+"any", ""); a.status != 401 {
		t.Errorf("no token: %d", a.status)
	}
}

// TestSingleSignOn: a token that the organization wants authorized first is good, and may not.
func TestSingleSignOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.token("key", "evidence:write")
	w.append(events.OrganizationStream(w.org), events.OrganizationTrail(w.org), events.OrganizationPolicyChanged{After: events.Policy{SSORequired: true}})
	if a := w.ask(http.MethodGet, verifyhttp.PathCheck, "", bearer(key.value)...); a.status != 403 || !strings.Contains(a.body, "single sign-on") {
		t.Errorf("%d %s", a.status, a.body)
	}
	stamped, err := w.tokens.AuthorizeSSO(t.Context(), person(w.user), w.org, aggregate.TokenRef{Kind: events.OrganizationKind, ID: key.id})
	must(t, err)
	must(t, w.verifier.Wait(t.Context(), stamped.Receipt.Last()))
	if a := w.ask(http.MethodGet, verifyhttp.PathCheck, "", bearer(key.value)...); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
