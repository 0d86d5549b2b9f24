// The verification interfaces with curl, as the documents show them.

package e2e_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// curlPath runs the program and gives status, headers and body as it prints them.
func (s *service) curlPath(t *testing.T, path string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("curl")
	if err != nil {
		t.Skipf("curl is not here: %v", err)
	}
	args = append([]string{"--silent", "--show-error", "--include", "--max-time", "60"}, args...)
	out, err := exec.CommandContext(t.Context(), program, append(args, s.URL+path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("curl %s: %v\n%s", path, err, out)
	}
	return string(bytes.ReplaceAll(out, []byte("\r"), nil))
}

// says fails the test unless what curl printed has all of the texts.
func says(t *testing.T, out string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(strings.ToLower(out), strings.ToLower(text)) {
			t.Errorf("no %q in\n%s", text, out)
		}
	}
}

func TestVerificationWithCurl(t *testing.T) {
	t.Parallel()
	s := start(t)
	demo := s.ask(t, `{ organization { id } }`, nil).text(t, "organization.id")
	token := s.createToken(t, map[string]any{"name": "subject", "scopes": []string{"evidence:write"}})
	gateway := s.createToken(t, map[string]any{"name": "gateway", "scopes": []string{"token:introspect"}})
	mine := s.createPersonal(t, map[string]any{"name": "mine", "organizationIDs": []string{demo}})
	as := func(value string) []string { return []string{"-H", "Authorization: Bearer " + value} }

	says(t, s.curlPath(t, "/oauth2/introspect", "-u", ":"+gateway.Value, "-d", "token="+token.Value, "-d", "action=createEvidence", "-d", "resource=evidence/42"),
		" 200 OK", "Cache-Control: no-store", "Token-Expires: never", `{"active":true,"scope":"evidence:write"`, `"jti":"`+token.ID+`"`)
	says(t, s.curlPath(t, "/oauth2/introspect", append(as(gateway.Value), "-d", "token="+token.Value, "-d", "scope=control:read")...), " 200 OK", `{"active":false}`)
	says(t, s.curlPath(t, "/oauth2/introspect", "-d", "token="+token.Value), " 401 Unauthorized", "WWW-Authenticate: Bearer", "WWW-Authenticate: Basic")

	says(t, s.curlPath(t, "/auth/check?scope=evidence:write", append(as(token.Value), "-H", "X-Original-URI: /evidence/7?key=1", "-H", "X-Original-Method: PUT")...),
		" 200 OK", "X-Token-ID: "+token.ID, "X-Token-Subject: "+token.ID, "X-Token-Organization: "+demo, "X-Token-Scopes: evidence:write", "Token-Expires: never")
	says(t, s.curlPath(t, "/auth/check?scope=control:read", as(token.Value)...), " 403 Forbidden", `WWW-Authenticate: Bearer error="insufficient_scope", scope="control:read"`)
	says(t, s.curlPath(t, "/auth/check", as(token.Value[:60])...), " 401 Unauthorized", `WWW-Authenticate: Bearer error="invalid_token"`)
	says(t, s.curlPath(t, "/envoy/any/../path?x", append(as(token.Value), "--path-as-is", "-X", "PATCH", "-H", "X-Required-Scope: evidence:read")...), " 200 OK", "X-Token-ID: "+token.ID)

	for _, version := range []string{"v1", "v1beta1"} {
		body, err := json.Marshal(map[string]any{
			"apiVersion": "authentication.k8s.io/" + version, "kind": "TokenReview",
			"spec": map[string]any{"token": mine.Value, "audiences": []string{demo}},
		})
		if err != nil {
			t.Fatal(err)
		}
		says(t, s.curlPath(t, "/k8s/tokenreview", append(as(gateway.Value), "-d", string(body))...),
			" 200 OK", `"apiVersion":"authentication.k8s.io/`+version+`"`, `"authenticated":true`, `"tokenledger:user:`, `"audiences":["`+demo+`"]`)
	}

	says(t, s.curlPath(t, "/oauth2/revoke", "-d", "token="+token.Value), " 200 OK")
	says(t, s.curlPath(t, "/auth/check", as(token.Value)...), " 401 Unauthorized")
	says(t, s.curlPath(t, "/credentials/revoke", "-d", `{"credentials":["`+mine.Value+`","x"]}`), " 202 Accepted")
	says(t, s.curlPath(t, "/auth/check", as(mine.Value)...), " 401 Unauthorized")
	a := s.ask(t, `query($id: ID!) { apiToken(id: $id) { isActive revokedBy revokedReason } }`, map[string]any{"id": token.ID})
	if a.text(t, "apiToken.revokedBy") != "bearer" || a.text(t, "apiToken.revokedReason") != "reported by bearer" || a.at(t, "apiToken.isActive") != false {
		t.Errorf("the token is %s", a.Body)
	}

	leaves := readLog(t, s.database(t))
	uses, reached := map[string]int{}, false
	for _, l := range leaves {
		if l.Type != "token.used" {
			continue
		}
		for _, via := range []string{"introspect", "auth-check", "envoy", "k8s"} {
			if bytes.Contains(l.Raw, []byte(`"via":"`+via+`"`)) && slices.Contains([]string{"token-" + token.ID, "token-" + mine.ID}, l.Stream) {
				uses[via]++
			}
		}
		reached = reached || bytes.Contains(l.Raw, []byte(`"action":"PUT","resource":"/evidence/7"`))
	}
	if uses["introspect"] != 1 || uses["auth-check"] != 1 || uses["envoy"] != 1 || uses["k8s"] != 2 || !reached {
		t.Errorf("the uses recorded are %v, with the original request: %v", uses, reached)
	}
}

// TestGuessesAreLimited: whoever guesses from an address is told to wait; a good value from there is taken.
func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := s.createToken(t, map[string]any{"name": "guessed-at", "scopes": []string{"evidence:write"}})
	guess := map[string]any{"token": anotherSecret(token.Value), "action": "createEvidence", "sourceIP": "198.51.100.7"}
	good := map[string]any{"token": token.Value, "action": "createEvidence", "sourceIP": "198.51.100.7"}
	const several = `mutation($input: [VerifyTokenInput!]!) { verifyTokens(input: $input) { allowed code } }`
	a := s.ask(t, several, map[string]any{"input": append(slices.Repeat([]any{guess}, 99), good)})
	codes := map[string]int{}
	for _, d := range a.at(t, "verifyTokens").([]any) {
		d := d.(map[string]any)
		codes[d["code"].(string)]++
		if d["allowed"] != (d["code"] == "ALLOWED") {
			t.Errorf("%v", d)
		}
	}
	if codes["ALLOWED"] != 1 || codes["RATE_LIMITED"] < 50 || codes["TOKEN_INVALID"] < 30 || len(codes) != 3 {
		t.Errorf("99 guesses and one use are %v", codes)
	}
	var last answer
	for range 200 {
		if last = s.send(t, guess["token"].(string), `{ me { id } }`, nil); last.Status == 429 {
			break
		}
	}
	if last.Status != 429 || last.Header.Get("Retry-After") == "" {
		t.Fatalf("200 guesses at /query: %d %s", last.Status, last.Body)
	}
	last.refused(t, "RATE_LIMITED", "")
	s.allowed(t, token.Value, "createEvidence")
}
