// GraphQL over HTTP, as a client of the service sees it.

package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

// answer is what came back for one request.
type answer struct{ outside.Answer }

var httpClient = &http.Client{
	Timeout:   awaitLimit,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64},
}

// request makes a POST to /query. headers are names and values in turn.
func (s *service) request(token string, body []byte, headers ...string) (*http.Request, error) {
	return outside.NewRequest(context.Background(), s.URL, token, body, headers...)
}

// exchange sends a request. The error is one of the network; what the service
// answers is an answer, whatever it says.
func exchange(r *http.Request) (answer, error) {
	a, err := outside.Exchange(httpClient, r)
	return answer{a}, err
}

// try runs an operation and leaves the network's errors to the caller.
func (s *service) try(token, query string, variables map[string]any, headers ...string) (answer, error) {
	a, err := outside.Try(context.Background(), httpClient, s.URL, token, query, variables, headers...)
	return answer{a}, err
}

// send runs an operation and gives whatever is answered but that a busy machine needs
// longer: what only reads is asked again then.
func (s *service) send(t *testing.T, token, query string, variables map[string]any, headers ...string) (a answer) {
	t.Helper()
	await(t, "an answer of read models that have caught up", func() bool {
		var err error
		if a, err = s.try(token, query, variables, headers...); err != nil {
			t.Fatalf("%s: %v", firstLine(query), err)
		}
		return a.Code() != "STALE_READ" || strings.HasPrefix(query, "mutation")
	})
	return a
}

// ask runs an operation as the administrator; it must succeed.
func (s *service) ask(t *testing.T, query string, variables map[string]any, headers ...string) answer {
	t.Helper()
	return s.askAs(t, s.Token, query, variables, headers...)
}

func (s *service) askAs(t *testing.T, token, query string, variables map[string]any, headers ...string) answer {
	t.Helper()
	a := s.send(t, token, query, variables, headers...)
	if a.Status != http.StatusOK || len(a.Errors) > 0 || a.Data == nil {
		t.Fatalf("%s: %d %s", firstLine(query), a.Status, a.Body)
	}
	return a
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line[:min(len(line), 120)]
}

// refused fails the test unless the answer is an error of the code that names the field.
func (a answer) refused(t *testing.T, code, field string) {
	t.Helper()
	if len(a.Errors) == 0 {
		t.Fatalf("not refused: %d %s", a.Status, a.Body)
	}
	e := a.Errors[0]
	if e.Extensions.Code != code || field != "" && !strings.Contains(e.Extensions.Field, field) {
		t.Errorf("refused with %s on %q, want %s on %q: %s", e.Extensions.Code, e.Extensions.Field, code, field, a.Body)
	}
	if e.Message == "" {
		t.Errorf("refused without a word: %s", a.Body)
	}
}

// at gives what stands in the data under a path such as "apiTokens.edges.0.node".
func (a answer) at(t *testing.T, path string) any {
	t.Helper()
	var at any = a.Data
	for name := range strings.SplitSeq(path, ".") {
		var ok bool
		switch v := at.(type) {
		case map[string]any:
			at, ok = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if ok = err == nil && i < len(v); ok {
				at = v[i]
			}
		}
		if !ok {
			t.Fatalf("no %s at %s in %s", name, path, a.Body)
		}
	}
	return at
}

// text is at for a string that is not empty.
func (a answer) text(t *testing.T, path string) string {
	t.Helper()
	s, ok := a.at(t, path).(string)
	if !ok || s == "" {
		t.Fatalf("no text at %s in %s", path, a.Body)
	}
	return s
}

// number is at for a whole number, in either of the forms that JSON has for it.
func (a answer) number(t *testing.T, path string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(fmt.Sprintf("%.0f", a.at(t, path)), 10, 64)
	if err != nil {
		t.Fatalf("no number at %s in %s", path, a.Body)
	}
	return n
}

// made is a token that a test created.
type made struct{ ID, Value string }

const createAPIToken = `mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { apiToken { id token } receipt { position } } }`

// createToken makes an organization's token.
func (s *service) createToken(t *testing.T, input map[string]any) made {
	t.Helper()
	a := s.ask(t, createAPIToken, map[string]any{"input": input})
	return made{a.text(t, "createAPIToken.apiToken.id"), a.text(t, "createAPIToken.apiToken.token")}
}

const createPersonal = `mutation($input: CreatePersonalAccessTokenInput!) {
	createPersonalAccessToken(input: $input) { personalAccessToken { id token } receipt { position } } }`

// createPersonal makes a personal token of the administrator's.
func (s *service) createPersonal(t *testing.T, input map[string]any) made {
	t.Helper()
	a := s.ask(t, createPersonal, map[string]any{"input": input})
	return made{a.text(t, "createPersonalAccessToken.personalAccessToken.id"), a.text(t, "createPersonalAccessToken.personalAccessToken.token")}
}

const verifyToken = `mutation($input: VerifyTokenInput!) { verifyToken(input: $input) { allowed code tokenID position scopes } }`

// verify asks, as the administrator, whether a value may do something.
func (s *service) verify(t *testing.T, value, action string) answer {
	t.Helper()
	return s.ask(t, verifyToken, map[string]any{"input": map[string]any{"token": value, "action": action, "resource": "evidence/42"}})
}

// allowed is verify for a use that must be allowed; it gives the use's position.
func (s *service) allowed(t *testing.T, value, action string) int64 {
	t.Helper()
	a := s.verify(t, value, action)
	if a.at(t, "verifyToken.allowed") != true {
		t.Fatalf("%s was refused: %s", action, a.Body)
	}
	return a.number(t, "verifyToken.position")
}

// denied is verify for a use that must be refused.
func (s *service) denied(t *testing.T, value, action string) {
	t.Helper()
	if a := s.verify(t, value, action); a.at(t, "verifyToken.allowed") != false {
		t.Fatalf("%s was allowed: %s", action, a.Body)
	}
}

// get fetches a path of the public interface.
func (s *service) get(t *testing.T, path string) (int, string) {
	t.Helper()
	return fetch(t, s.URL+path)
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := httpClient.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// inDays is an instant that many days ahead, as GraphQL writes it.
func inDays(n int) string { return time.Now().AddDate(0, 0, n).UTC().Format(time.RFC3339) }
