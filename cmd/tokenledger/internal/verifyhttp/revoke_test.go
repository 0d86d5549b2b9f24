// Revoking by possession, alone and in bulk.

package verifyhttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/verifyhttp"
	"github.com/tokenledger/tokenledger/events"
)

func TestRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, mine, suspended, kept := w.token("key", "read"), w.personal(w.user, nil, w.org), w.token("suspended", "read"), w.token("kept", "read")
	w.append(events.TokenStream(suspended.id), events.OrganizationTrail(w.org), events.TokenSuspended{})
	for name, value := range map[string]string{
		"a token": key.value, "a person's": mine.value, "a suspended one": suspended.value,
		"another secret": wrongSecret(t, kept), "unknown": unknown(t), "nonsense": "x",
	} {
		for range 2 { // twice is as good as once
			a := w.form(verifyhttp.PathRevoke, url.Values{"token": {value}, "token_type_hint": {"refresh_token"}})
			if a.status != http.StatusOK || a.body != "" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	}
	revoked, at := recorded[events.TokenRevoked](w)
	for _, r := range at {
		if r.Meta.Actor != events.System("bearer") || r.Meta.Reason != "reported by bearer" || r.Meta.Correlation == "" {
			t.Errorf("%s was revoked as %+v", r.Stream, r.Meta)
		}
	}
	if len(revoked) != 3 {
		t.Errorf("%d were revoked, want 3", len(revoked))
	}
	for _, gone := range []token{key, mine, suspended} {
		if a := w.introspect(url.Values{"token": {gone.value}}); a.body != inactive {
			t.Errorf("after the revocation: %s", a.body)
		}
	}
	if a := w.introspect(url.Values{"token": {kept.value}}); !strings.Contains(a.body, `"active":true`) {
		t.Errorf("the one that was guessed at: %s", a.body)
	}
	if used, _ := recorded[events.TokenUsed](w); slices.ContainsFunc(used, func(u events.TokenUsed) bool { return u.Via == "revoke" }) {
		t.Error("a revocation counts as a use")
	}
	if e, r := awaitRecorded[events.TokenUseRefused](w); e.Code != "WRONG_VALUE" || r.Stream != events.TokenStream(kept.id) || e.Via != "revoke" {
		t.Errorf("the guess is recorded as %+v on %s", e, r.Stream)
	}
	if a := w.form(verifyhttp.PathRevoke, url.Values{"x": {"y"}}); a.status != http.StatusBadRequest {
		t.Errorf("without a token: %d", a.status)
	}
}

func credentials(t *testing.T, values ...string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"credentials": values})
	must(t, err)
	return string(body)
}

func TestReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var values []string
	for i := range 20 {
		values = append(values, w.token(fmt.Sprint(i), "read").value)
	}
	kept := w.token("kept", "read")
	body := credentials(t, append(values, values[0], wrongSecret(t, kept), unknown(t), "ghp_x", "")...)
	for range 2 {
		if a := w.ask(http.MethodPost, verifyhttp.PathReport, body); a.status != http.StatusAccepted || a.body != "" {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	_, at := recorded[events.TokenRevoked](w)
	for _, r := range at {
		if r.Meta.Actor != events.System("bearer") || r.Meta.Reason != "reported by bearer" {
			t.Errorf("%s was revoked as %+v", r.Stream, r.Meta)
		}
	}
	if len(at) != len(values) {
		t.Errorf("%d were revoked, want %d", len(at), len(values))
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"none":       {`{"credentials":[]}`, 422},
		"too many":   {credentials(t, make([]string, 1001)...), 422},
		"a thousand": {credentials(t, make([]string, 1000)...), 202},
		"no JSON":    {kept.value, 400},
		"no list":    {`{"credentials":"` + kept.value + `"}`, 400},
		"too large":  {credentials(t, strings.Repeat("x", 300_000)), 413},
	} {
		if a := w.ask(http.MethodPost, verifyhttp.PathReport, c.body); a.status != c.status || strings.Contains(a.body, kept.value[27:40]) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestReportsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.token("key", "read")
	var last answer
	for range 40 {
		if last = w.ask(http.MethodPost, verifyhttp.PathReport, credentials(t, "x")); last.status == http.StatusTooManyRequests {
			break
		}
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
		t.Fatalf("40 reports from one address: %d %v", last.status, last.header)
	}
	if a := w.ask(http.MethodPost, verifyhttp.PathReport, credentials(t, key.value), "X-Forwarded-For", "198.51.100.7"); a.status != http.StatusAccepted {
		t.Errorf("from another address: %d", a.status)
	}
	if a := w.form(verifyhttp.PathRevoke, url.Values{"token": {w.token("other", "read").value}}); a.status != http.StatusOK {
		t.Errorf("whoever holds a value may still end it: %d", a.status)
	}
	if _, at := recorded[events.TokenRevoked](w); len(at) != 2 {
		t.Errorf("%d were revoked", len(at))
	}
}
