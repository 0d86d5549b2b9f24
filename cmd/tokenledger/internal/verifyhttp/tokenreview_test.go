// Kubernetes' TokenReview over HTTP.

package verifyhttp_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/verifyhttp"
	"github.com/tokenledger/tokenledger/events"
)

type review struct {
	APIVersion, Kind string
	Spec             any
	Status           struct {
		Authenticated bool
		Error         string
		Audiences     []string
		User          struct {
			Username, UID string
			Groups        []string
			Extra         map[string][]string
		}
	}
}

func (w *world) review(version, value string, audiences []string, headers ...string) (answer, review) {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{
		"apiVersion": "authentication.k8s.io/" + version, "kind": "TokenReview", "metadata": map[string]any{"creationTimestamp": nil},
		"spec": map[string]any{"token": value, "audiences": audiences}, "status": map[string]any{"authenticated": true},
	})
	must(w.t, err)
	a := w.ask(http.MethodPost, verifyhttp.PathTokenReview, string(body), headers...)
	var out review
	if a.status == http.StatusOK {
		must(w.t, json.Unmarshal([]byte(a.body), &out))
	}
	return a, out
}

func TestTokenReview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, owner := w.organization()
	key, mine := w.token("system:masters", "evidence:write"), w.personal(w.user, nil, w.org)
	foreign := w.tokenOf(other, owner, aggregate.NewToken{Name: "theirs", Scopes: []string{"read"}})
	org, cluster := w.org.String(), "https://kubernetes.default.svc"
	for name, c := range map[string]struct {
		value     string
		audiences []string
		good      bool
		answered  []string
	}{
		"without audiences":      {key.value, nil, true, nil},
		"for its organization":   {key.value, []string{cluster, org}, true, []string{org}},
		"spelled otherwise":      {key.value, []string{strings.ToUpper(org)}, true, []string{strings.ToUpper(org)}},
		"for several":            {key.value, []string{other.String(), org}, true, []string{org}},
		"for another only":       {key.value, []string{other.String()}, false, nil},
		"for the cluster only":   {key.value, []string{cluster}, false, nil},
		"a person's":             {mine.value, []string{org}, true, []string{org}},
		"another organization's": {foreign.value, []string{org}, false, nil},
		"theirs, for them":       {foreign.value, []string{other.String()}, false, nil},
		"unknown":                {unknown(t), nil, false, nil},
		"another secret":         {wrongSecret(t, key), nil, false, nil},
		"none":                   {"", nil, false, nil},
	} {
		for _, version := range []string{"v1", "v1beta1"} {
			a, out := w.review(version, c.value, c.audiences, bearer(w.gateway)...)
			if a.status != 200 || out.APIVersion != "authentication.k8s.io/"+version || out.Kind != "TokenReview" || out.Spec != nil {
				t.Fatalf("%s: %d %s", name, a.status, a.body)
			}
			s := out.Status
			if s.Authenticated != c.good || !slices.Equal(s.Audiences, c.answered) || (s.User.Username != "") != c.good || (a.header.Get("Token-Expires") != "") != c.good {
				t.Errorf("%s: %s", name, a.body)
			}
		}
	}
	_, out := w.review("v1", key.value, nil, bearer(w.gateway)...)
	u := out.Status.User
	if u.Username != "tokenledger:token:"+key.id.String() || u.UID != key.id.String() || !slices.Equal(u.Groups, []string{"tokenledger:organization:" + org}) {
		t.Errorf("the user is %+v", u)
	}
	if got := slices.Sorted(maps.Keys(u.Extra)); !slices.Equal(got, []string{"tokenledger/organization", "tokenledger/scopes", "tokenledger/token-id"}) {
		t.Errorf("extra has %v", got)
	}
	_, out = w.review("v1", mine.value, nil, bearer(w.gateway)...)
	if u := out.Status.User; u.Username != "tokenledger:user:"+w.user.String() || !slices.Contains(u.Groups, "tokenledger:organization:"+org+":owner") {
		t.Errorf("the user is %+v", u)
	}
	for _, e := range func() []events.Recorded { _, at := recorded[events.TokenUsed](w); return at }() {
		if e.Trail != events.OrganizationTrail(w.org) {
			t.Errorf("a use stands in %s", e.Trail)
		}
	}
}

// The audience tells which of the organizations of a person's credential is meant.
func TestTokenReviewCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, _ := w.organization()
	w.append(events.MembershipStream(other, w.user), events.OrganizationTrail(other),
		events.MembershipStarted{Organization: other, User: w.user, Role: events.RoleOwner})
	key, both, plain := w.token("key", "read"), w.personal(w.user, nil, w.org, other), w.token("plain", "read")
	for name, c := range map[string]struct {
		audiences []uuid.UUID
		headers   []string
		status    int
		good      bool
	}{
		"by the audience":             {[]uuid.UUID{w.org}, bearer(both.value), 200, true},
		"by the other's":              {[]uuid.UUID{other}, bearer(both.value), 200, false},
		"by the header":               {[]uuid.UUID{other, w.org}, append(bearer(both.value), "X-Organization-ID", w.org.String()), 200, true},
		"which organization?":         {nil, bearer(both.value), 400, false},
		"no token":                    {nil, nil, 401, false},
		"no good token":               {nil, bearer("x"), 401, false},
		"a token without the scope":   {nil, bearer(plain.value), 401, false},
		"a stranger to the audience":  {[]uuid.UUID{newID()}, bearer(w.gateway), 200, false},
		"a stranger to what is named": {nil, append(bearer(w.gateway), "X-Organization-ID", other.String()), 400, false},
	} {
		var audiences []string
		for _, id := range c.audiences {
			audiences = append(audiences, id.String())
		}
		if a, out := w.review("v1", key.value, audiences, c.headers...); a.status != c.status || out.Status.Authenticated != c.good {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestTokenReviewNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.token("key", "evidence:write")
	body := `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"` + key.value + `"}}`
	for query, want := range map[string]string{
		"?scope=evidence:write": `"authenticated":true`, "?scope=control:read": `"authenticated":false`, "?action=createEvidence": `"authenticated":true`,
		"?scope=": "invalid_request", "?organization=" + newID().String(): "no such organization",
	} {
		if a := w.ask(http.MethodPost, verifyhttp.PathTokenReview+query, body, bearer(w.gateway)...); !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	for name, body := range map[string]string{
		"no JSON": key.value, "another version": strings.Replace(body, "/v1", "/v2", 1), "another kind": strings.Replace(body, "TokenReview", "Pod", 1),
		"many audiences": strings.Replace(body, `"spec":{`, `"spec":{"audiences":["`+strings.Repeat(`x","`, 40)+`"],`, 1),
	} {
		if a := w.ask(http.MethodPost, verifyhttp.PathTokenReview, body, bearer(w.gateway)...); a.status != 400 || strings.Contains(a.body, key.value[27:40]) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}
