// RFC 7662 over HTTP: what is answered, to whom, and what is recorded of it.

package verifyhttp_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/verifyhttp"
	"github.com/tokenledger/tokenledger/events"
)

const inactive = `{"active":false}`

func TestIntrospectActive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deadline := time.Now().Add(time.Hour).Truncate(time.Second)
	key := w.tokenOf(w.org, w.user, aggregate.NewToken{Name: `a "name"`, Scopes: []string{"evidence:write", "control:read"}, ExpiresAt: deadline})
	a := w.introspect(url.Values{
		"token": {key.value}, "token_type_hint": {"access_token"}, "action": {"createEvidence"}, "resource": {"evidence/42 & more"},
		"source_ip": {"198.51.100.7"}, "user_agent": {"ci/1"}, "request_id": {"request-1"},
	})
	var got map[string]any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	id := key.id.String()
	for name, want := range map[string]any{
		"active": true, "scope": "control:read evidence:write", "client_id": id, "username": "tokenledger:token:" + id,
		"token_type": "Bearer", "exp": float64(deadline.Unix()), "sub": id, "iss": issuer, "jti": id,
	} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	if iat, _ := got["iat"].(float64); time.Since(time.Unix(int64(iat), 0)).Abs() > time.Hour || len(got) != 10 {
		t.Errorf("iat %v, fields %v", got["iat"], slices.Sorted(maps.Keys(got)))
	}
	if got := a.header.Get("Token-Expires"); got != deadline.UTC().Format(time.RFC3339) {
		t.Errorf("Token-Expires: %q", got)
	}
	uses, at := recorded[events.TokenUsed](w)
	last := len(uses) - 1
	if u := uses[last]; u.Action != "createEvidence" || u.Resource != "evidence/42 & more" || u.Via != "introspect" ||
		at[last].Meta.Correlation != "request-1" || at[last].Stream != events.TokenStream(key.id) {
		t.Errorf("the use is %+v, %+v", u, at[last].Meta)
	}
	sources, _ := recorded[events.TokenSourceSeen](w)
	if s := sources[len(sources)-1]; s.Address.Value != "198.51.100.7" || s.Agent.Value != "ci/1" {
		t.Errorf("the source is %+v", s)
	}
}

func TestIntrospectPersonal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := w.personal(w.user, []string{"evidence:read"}, w.org)
	var got map[string]any
	a := w.introspect(url.Values{"token": {mine.value}})
	must(t, json.Unmarshal([]byte(a.body), &got))
	if got["sub"] != w.user.String() || got["jti"] != mine.id.String() || got["username"] != "tokenledger:user:"+w.user.String() || got["exp"] != nil {
		t.Errorf("got %s", a.body)
	}
	if a.header.Get("Token-Expires") != "never" {
		t.Errorf("Token-Expires: %q", a.header.Get("Token-Expires"))
	}
}

// Whatever is wrong with a token, the answer is the same.
func TestIntrospectInactive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, owner := w.organization()
	foreign := w.tokenOf(other, owner, aggregate.NewToken{Name: "theirs", Scopes: []string{"evidence:write"}})
	theirs := w.personal(owner, nil, other)
	good, revoked, suspended := w.token("good", "control:read"), w.token("revoked", "read"), w.token("suspended", "read")
	w.append(events.TokenStream(revoked.id), events.OrganizationTrail(w.org), events.TokenRevoked{})
	w.append(events.TokenStream(suspended.id), events.OrganizationTrail(w.org), events.TokenSuspended{})
	before, _ := recorded[events.TokenUsed](w)
	for name, form := range map[string]url.Values{
		"nonsense":             {"token": {"x"}},
		"unknown":              {"token": {unknown(t)}},
		"another secret":       {"token": {wrongSecret(t, good)}},
		"revoked":              {"token": {revoked.value}},
		"suspended":            {"token": {suspended.value}},
		"another's":            {"token": {foreign.value}},
		"another's personal":   {"token": {theirs.value}},
		"a scope that lacks":   {"token": {good.value}, "scope": {"evidence:write"}},
		"an action that lacks": {"token": {good.value}, "action": {"createEvidence"}},
		"an unknown action":    {"token": {good.value}, "action": {"fly"}},
		"two scopes, one held": {"token": {good.value}, "scope": {"control:read evidence:read"}},
	} {
		if a := w.introspect(form); a.status != http.StatusOK || a.body != inactive || a.header.Get("Token-Expires") != "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if after, _ := recorded[events.TokenUsed](w); len(after) != len(before)+1 { // the gateway's own, once an hour
		t.Errorf("%d uses were recorded", len(after)-len(before))
	}
	w.stop()
	guesses := int64(0)
	summed, _ := recorded[events.InstallationUnknownRefused](w)
	for _, s := range summed {
		guesses += s.Count
	}
	if guesses != 2 || len(summed) != 1 {
		t.Errorf("%d guesses in %d summaries; want 2 in 1", guesses, len(summed))
	}
	refused, at := recorded[events.TokenUseRefused](w)
	codes := map[string]int{}
	for i, e := range refused {
		codes[e.Code]++
		if at[i].Trail != events.OrganizationTrail(w.org) {
			t.Errorf("a refusal stands in %s: %+v", at[i].Trail, e)
		}
	}
	if want := map[string]int{"WRONG_VALUE": 1, "REVOKED": 1, "SUSPENDED": 1, "SCOPE_INSUFFICIENT": 3, "ACTION_UNKNOWN": 1}; !maps.Equal(codes, want) {
		t.Errorf("refusals: %v, want %v", codes, want)
	}
}

func TestIntrospectCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, _ := w.organization()
	w.append(events.MembershipStream(other, w.user), events.OrganizationTrail(other),
		events.MembershipStarted{Organization: other, User: w.user, Role: events.RoleOwner})
	key, plain := w.token("key", "read"), w.token("plain", "read")
	both := w.personal(w.user, nil, w.org, other)
	narrow := w.personal(w.user, []string{"read"}, w.org)
	ended := w.token("ended", "token:introspect")
	w.append(events.TokenStream(ended.id), events.OrganizationTrail(w.org), events.TokenRevoked{})
	basic := func(user, password string) []string {
		r, _ := http.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return []string{"Authorization", r.Header.Get("Authorization")}
	}
	for name, c := range map[string]struct {
		headers   []string
		form      url.Values
		status    int
		body      string
		challenge string
	}{
		"bearer":                            {bearer(w.gateway), nil, 200, `"active":true`, ""},
		"basic":                             {basic("gateway", w.gateway), nil, 200, `"active":true`, ""},
		"basic, encoded as RFC 6749 has it": {basic("", strings.ReplaceAll(w.gateway, "_", "%5F")), nil, 200, `"active":true`, ""},
		"none":                              {nil, nil, 401, "", `Bearer realm="tokenledger"`},
		"another scheme":                    {[]string{"Authorization", "Digest x"}, nil, 401, "", `Bearer realm="tokenledger"`},
		"two credentials":                   {append(bearer(w.gateway), bearer(w.gateway)...), nil, 401, "", "Bearer"},
		"nonsense":                          {bearer("x"), nil, 401, "", `error="invalid_token"`},
		"nonsense by basic":                 {basic("x", "y"), nil, 401, "", `Basic realm="tokenledger"`},
		"basic that is none":                {[]string{"Authorization", "Basic !"}, nil, 401, "", "Bearer"},
		"revoked":                           {bearer(ended.value), nil, 401, "", `error="invalid_token"`},
		"the token itself":                  {bearer(plain.value), nil, 401, "", `error="insufficient_scope", scope="token:introspect"`},
		"a person's without the scope":      {bearer(narrow.value), nil, 401, "", `error="insufficient_scope"`},
		"a person's, which organization?":   {bearer(both.value), nil, 400, "X-Organization-ID", ""},
		"a person's, by the header":         {append(bearer(both.value), "X-Organization-ID", w.org.String()), nil, 200, `"active":true`, ""},
		"a person's, by the form":           {bearer(both.value), url.Values{"organization": {w.org.String()}}, 200, `"active":true`, ""},
		"a person's, for the other one":     {append(bearer(both.value), "X-Organization-ID", other.String()), nil, 200, inactive, ""},
		"an organization that is not his":   {bearer(w.gateway), url.Values{"organization": {other.String()}}, 400, "no such organization", ""},
		"no organization's id":              {append(bearer(both.value), "X-Organization-ID", "acme"), nil, 400, "UUID", ""},
		"header and form disagree":          {append(bearer(both.value), "X-Organization-ID", w.org.String()), url.Values{"organization": {other.String()}}, 400, "which", ""},
	} {
		form := url.Values{"token": {key.value}}
		maps.Copy(form, c.form)
		a := w.form(verifyhttp.PathIntrospect, form, c.headers...)
		if a.status != c.status || !strings.Contains(a.body, c.body) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if got := strings.Join(a.header.Values("WWW-Authenticate"), "; "); !strings.Contains(got, c.challenge) || (got == "") != (c.status != 401) {
			t.Errorf("%s: WWW-Authenticate is %q, want %q", name, got, c.challenge)
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.token("key", "read")
	post := func(contentType, body string) answer {
		return w.ask(http.MethodPost, verifyhttp.PathIntrospect, body, append(bearer(w.gateway), "Content-Type", contentType)...)
	}
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		contentType, body string
		status            int
	}{
		"good":                 {form, "token=" + key.value, 200},
		"with a character set": {form + "; charset=utf-8", "&token=" + key.value + "&&x", 200},
		"encoded":              {form, "%74oken=" + strings.ReplaceAll(key.value, "_", "%5f"), 200},
		"twice":                {form, "token=" + key.value + "&token=" + key.value, 400},
		"twice, encoded":       {form, "token=" + key.value + "&toke%6E=x", 400},
		"another one twice":    {form, "token=" + key.value + "&x=1&x=2", 400},
		"none":                 {form, "scope=read", 400},
		"empty":                {form, "token=", 400},
		"cut off":              {form, "token=" + key.value + "%", 400},
		"no hexadecimal":       {form, "token=" + key.value + "%zz", 400},
		"no UTF-8":             {form, "token=" + key.value + "&action=%ff", 400},
		"a control character":  {form, "token=" + key.value + "&action=%00", 400},
		"no address":           {form, "token=" + key.value + "&source_ip=here", 400},
		"a long action":        {form, "token=" + key.value + "&action=" + strings.Repeat("x", 129), 400},
		"JSON":                 {"application/json", `{"token":"` + key.value + `"}`, 415},
		"no type":              {"", "token=" + key.value, 415},
		"too large":            {form, "token=" + key.value + "&x=" + strings.Repeat("x", 20_000), 413},
		"too many":             {form, "token=" + key.value + strings.Repeat("&", 9) + manyFields(40), 413},
	} {
		if a := post(c.contentType, c.body); a.status != c.status || strings.Contains(a.body, key.value[27:40]) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := w.ask(http.MethodPost, verifyhttp.PathIntrospect+"?token="+key.value, "", append(bearer(w.gateway), "Content-Type", form)...); a.status != 400 {
		t.Errorf("a token in the address: %d", a.status)
	}
	for _, path := range []string{verifyhttp.PathIntrospect, verifyhttp.PathRevoke, verifyhttp.PathTokenReview, verifyhttp.PathReport} {
		if a := w.ask(http.MethodGet, path+"?token="+key.value, "", bearer(w.gateway)...); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
			t.Errorf("GET %s: %d", path, a.status)
		}
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "&f%d=x", i)
	}
	return b.String()
}

// unknown is a value that no token has.
func unknown(t *testing.T) string {
	t.Helper()
	v, err := secret.New(secret.Organization, secret.ID{15: 1}, random{})
	must(t, err)
	return v.Reveal()
}

// wrongSecret is a well-formed value of a token with another secret.
func wrongSecret(t *testing.T, k token) string {
	t.Helper()
	v, err := secret.New(secret.Organization, secret.ID(k.id), random{})
	must(t, err)
	return v.Reveal()
}

type random struct{}

func (random) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i)
	}
	return len(b), nil
}
