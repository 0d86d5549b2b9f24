// What proxies ask before they pass a request on: auth_request, forward_auth,
// forwardAuth and ext_authz. There is no caller; the token presented is the subject.

package verifyhttp

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// needed is what the proxy's own configuration demands of the token. Several
// demands add up, so that nothing a client sends along can take one away.
type needed struct{ scope, action, resource, organization string }

// check serves nginx, ingress-nginx, Caddy and Traefik. Its address is written by
// whoever configures the proxy, and says what is needed.
func (h *Handler) check(w http.ResponseWriter, r *http.Request) {
	o := h.origin(w, r)
	need, ok := queryNeeds(r.URL.RawQuery)
	if !ok {
		refuseCheck(w, http.StatusForbidden, "invalid_request", "", "What is needed cannot be read from this address.")
		return
	}
	q := verifier.Query{Via: "auth-check"}
	if httpd.FromProxy(r, h.Proxies) {
		q.Action, q.Resource = original(r.Header)
	}
	h.decide(w, r, o, need, q)
}

// envoy serves ext_authz, which puts its prefix in front of the original path and
// keeps the method. The query is the client's, so that what is needed is said by
// headers, which the proxy's configuration sets over the client's own.
func (h *Handler) envoy(w http.ResponseWriter, r *http.Request) {
	q := verifier.Query{Via: "envoy", Action: r.Method, Resource: "/" + strings.TrimPrefix(r.URL.EscapedPath(), PrefixEnvoy)}
	need := needed{
		scope:        strings.Join(r.Header["X-Required-Scope"], " "),
		action:       r.Header.Get("X-Required-Action"),
		organization: r.Header.Get("X-Required-Organization"),
	}
	h.decide(w, r, h.origin(w, r), need, q)
}

// queryNeeds reads ?scope=, ?action=, ?resource= and ?organization=. A parameter
// that is there and empty is a variable that was not set: nothing is guessed then.
func queryNeeds(query string) (n needed, ok bool) {
	if query == "" {
		return n, true
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return n, false
	}
	for _, p := range [...]struct {
		name string
		to   *string
	}{{"action", &n.action}, {"resource", &n.resource}, {"organization", &n.organization}} {
		if v := values[p.name]; len(v) > 1 || len(v) == 1 && v[0] == "" {
			return n, false
		} else if len(v) == 1 {
			*p.to = v[0]
		}
	}
	for _, scope := range values["scope"] {
		if strings.TrimSpace(scope) == "" {
			return n, false
		}
		n.scope = strings.TrimSpace(n.scope + " " + scope)
	}
	return n, true
}

// original is the method and the path of the request that a proxy asks about.
// What stands behind the path may be secret, and is left out.
func original(header http.Header) (method, path string) {
	method, uri := header.Get("X-Original-Method"), header.Get("X-Original-Uri")
	if uri == "" {
		uri = header.Get("X-Original-Url") // ingress-nginx: with scheme and host
	}
	if method == "" {
		method = header.Get("X-Forwarded-Method")
	}
	if uri == "" {
		uri = header.Get("X-Forwarded-Uri")
	}
	if u, err := url.Parse(uri); err == nil {
		return method, u.EscapedPath()
	}
	path, _, _ = strings.Cut(uri, "?")
	return method, path
}

func (h *Handler) decide(w http.ResponseWriter, r *http.Request, o httpd.Origin, need needed, q verifier.Query) {
	organization, fault := organizationIn(r, need.organization)
	if fault != nil || tooLong(need.scope, 1024) || tooLong(need.action, 128) || tooLong(need.resource, 1024) {
		refuseCheck(w, http.StatusForbidden, "invalid_request", "", "The organization, or what is needed, cannot be read.")
		return
	}
	value, basic, given := credential(r)
	if !given || basic {
		refuseCheck(w, http.StatusUnauthorized, "", "", "This needs a token: send Authorization: Bearer tola_… or tolp_….")
		return
	}
	q.Told = need.action == ""
	if need.action != "" {
		q.Action = need.action
	}
	if need.resource != "" {
		q.Resource = need.resource
	}
	q.Action, q.Resource = harmless(q.Action, 128), harmless(q.Resource, 1024)
	q.Value, q.Organization, q.Scope = value, organization, need.scope
	q.Address, q.Agent, q.RequestID, q.Trace = o.Address, o.Agent, o.RequestID, o.Trace
	d, err := h.Verifier.Verify(r.Context(), q)
	if err != nil {
		h.unavailable(w, r, err)
		return
	}
	if !d.Allowed {
		h.refuseUse(w, o, &d, value)
		return
	}
	allow(w.Header(), &d)
}

// allow tells the proxy who it is. The values share one piece of memory.
func allow(header http.Header, d *verifier.Decision) {
	id := d.Token.String()
	values := [...]string{id, id, organizationText(&d.Subject), joined(d.Scopes), expires(d.Until)}
	if who := subject(&d.Subject); who != d.Token {
		values[1] = who.String()
	}
	for i, name := range [...]string{"X-Token-Id", "X-Token-Subject", "X-Token-Organization", "X-Token-Scopes", "Token-Expires"} {
		header[name] = values[i : i+1 : i+1]
	}
}

// refuseUse answers 401 for a token that is no good, however often that was
// tried, and 403 for one that may not do this. nginx knows no other refusal.
func (h *Handler) refuseUse(w http.ResponseWriter, o httpd.Origin, d *verifier.Decision, value string) {
	if d.Code.Status() == http.StatusForbidden {
		message := "The token may not do this."
		if d.Code == verifier.SSORequired {
			message = "The organization demands that the token is authorized through single sign-on."
		}
		refuseCheck(w, http.StatusForbidden, "insufficient_scope", d.ScopeNeeded, message)
		return
	}
	retryAfter(w, h.Limits.Failed(o.Address, value))
	refuseCheck(w, http.StatusUnauthorized, "invalid_token", "", "The token is not valid.")
}

func refuseCheck(w http.ResponseWriter, status int, code, scope, message string) {
	w.Header()["Www-Authenticate"] = []string{challenge(code, scope)}
	if code == "" {
		code = "invalid_request"
	}
	fail(w, status, code, message)
}

func tooLong(s string, most int) bool { return len(s) > most || strings.ContainsFunc(s, isControl) }

// harmless is a text that a client chose, made fit to be recorded.
func harmless(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	if utf8.ValidString(s) && !strings.ContainsFunc(s, isControl) {
		return s
	}
	return strings.Map(func(c rune) rune {
		if isControl(c) || c == utf8.RuneError {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, ""))
}
