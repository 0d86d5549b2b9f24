// Failures are limited, good values never are, and no answer shows a value.

package verifyhttp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/verifyhttp"
	"github.com/tokenledger/tokenledger/events"
)

func TestFailuresAreLimitedAndGoodValuesAreNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.token("key", "read")
	guess := wrongSecret(t, key)
	limited := 0
	for i := range 150 {
		from := []string{"X-Forwarded-For", "198.51.100.7"}
		a := w.form(verifyhttp.PathIntrospect, url.Values{"token": {key.value}}, append(bearer(guess), from...)...)
		switch a.status {
		case http.StatusTooManyRequests:
			limited++
			if a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "rate_limited") {
				t.Errorf("%v %s", a.header, a.body)
			}
		case http.StatusUnauthorized:
		default:
			t.Fatalf("guess %d: %d %s", i, a.status, a.body)
		}
		// A proxy gets 401 however often, since it knows no other refusal.
		a = w.ask(http.MethodGet, verifyhttp.PathCheck, "", append(bearer(guess), from...)...)
		if a.status != http.StatusUnauthorized || limited > 1 && a.header.Get("Retry-After") == "" {
			t.Fatalf("check %d: %d %v", i, a.status, a.header)
		}
		if a := w.ask(http.MethodGet, verifyhttp.PrefixEnvoy+"x", "", append(bearer(guess), from...)...); a.status != http.StatusUnauthorized {
			t.Fatalf("envoy %d: %d", i, a.status)
		}
	}
	if limited < 50 {
		t.Errorf("%d of 150 guesses were limited", limited)
	}
	a := w.ask(http.MethodGet, verifyhttp.PathCheck, "", append(bearer(key.value), "X-Forwarded-For", "198.51.100.7")...)
	if a.status != 200 {
		t.Errorf("the good value, from there: %d %s", a.status, a.body)
	}
	if a := w.ask(http.MethodPost, "/query", "{}", append(bearer(guess), "X-Forwarded-For", "198.51.100.7")...); a.status != 429 || !strings.Contains(a.body, "RATE_LIMITED") {
		t.Errorf("GraphQL: %d %s", a.status, a.body)
	}
	if a := w.introspect(url.Values{"token": {key.value}}); !strings.Contains(a.body, `"active":true`) {
		t.Errorf("the good value, by its gateway: %s", a.body)
	}
	w.stop()
	singly, total := 0, int64(0)
	refused, _ := recorded[events.TokenUseRefused](w)
	for _, e := range refused {
		if e.Count == 0 {
			singly++
		}
		total += max(1, e.Count)
	}
	// One window may end while this runs.
	if singly > 20 || total != 451 {
		t.Errorf("%d refusals stand alone of %d", singly, total)
	}
}

func TestNoAnswerShowsTheValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.token("key", "evidence:write")
	secret := key.value[27:63]
	ask := func(what string, a answer) {
		for name, values := range a.header {
			if strings.Contains(strings.Join(values, " "), secret[:12]) {
				t.Errorf("%s: the header %s shows it", what, name)
			}
		}
		if strings.Contains(a.body, secret[:12]) {
			t.Errorf("%s: the body shows it: %s", what, a.body)
		}
	}
	v := key.value
	for _, parameter := range []string{"token", "scope", "action", "resource", "organization", "source_ip", "user_agent", "request_id", "token_type_hint", v} {
		for _, path := range []string{verifyhttp.PathIntrospect, verifyhttp.PathRevoke} {
			form := url.Values{"token": {unknown(t)}}
			form.Set(parameter, v)
			if path == verifyhttp.PathRevoke {
				form.Set("token", wrongSecret(t, key))
			}
			ask(path+" "+parameter, w.form(path, form, bearer(w.gateway)...))
		}
	}
	for _, name := range []string{"scope", "action", "resource", "organization", v} {
		query := "?" + name + "=" + v
		ask("check "+name, w.ask(http.MethodGet, verifyhttp.PathCheck+query, "", bearer(v)...))
		ask("tokenreview "+name, w.ask(http.MethodPost, verifyhttp.PathTokenReview+query,
			`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"`+v+`","audiences":["`+v+`"]}}`, bearer(w.gateway)...))
	}
	for _, header := range []string{
		"X-Request-ID", "X-Organization-ID", "X-Original-URI", "X-Original-Method", "X-Forwarded-Uri", "X-Forwarded-For", "User-Agent",
		"X-Required-Scope", "X-Required-Action", "Traceparent", "Cookie",
	} {
		ask("check with "+header, w.ask(http.MethodGet, verifyhttp.PathCheck, "", append(bearer(v), header, v)...))
		ask("envoy with "+header, w.ask(http.MethodGet, verifyhttp.PrefixEnvoy+v, "", append(bearer(v), header, v)...))
		ask("introspect with "+header, w.form(verifyhttp.PathIntrospect, url.Values{"token": {v}}, append(bearer(w.gateway), header, v)...))
	}
	ask("report", w.ask(http.MethodPost, verifyhttp.PathReport, `{"credentials":["x`+v+`",1]}`))
	w.stop()
	if strings.Contains(w.logged.String(), secret[:12]) {
		t.Error("the log shows it")
	}
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		must(t, err)
		if strings.Contains(string(r.Leaf), secret[:12]) {
			t.Errorf("the leaf %d shows it: %s", r.Position, r.Leaf)
		}
		if e, ok := r.Event.(events.TokenSourceSeen); ok && strings.Contains(e.Agent.Value, secret[:12]) {
			t.Errorf("the source %d shows it", r.Position)
		}
	}
}
