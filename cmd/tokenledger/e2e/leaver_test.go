// The leaver script of the documents, against a service: one SCIM request, and nothing is let in any more.

package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

func TestLeaverScript(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"curl", "jq", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not here: %v", program, err)
		}
	}
	sh := startShared(t)
	s := sh.service(t)
	s.initialize(t, "--organization", "Demo", "--email", "admin@example.com").exits(t, 0)
	s.start(t)
	organization := s.ask(t, `{ organization { id } }`, nil).text(t, "organization.id")
	scim := s.createToken(t, map[string]any{"name": "scim", "scopes": []string{"user:write"}})
	dir := t.TempDir()
	scimFile := filepath.Join(dir, "scim.token")
	write(t, scimFile, scim.Value)

	leaver := s.provision(t, scim.Value, "o'leaver@example.com")
	stayer := s.provision(t, scim.Value, "stayer@example.com")
	left, stays := sh.tokensOf(t, leaver, organization, 3), sh.tokensOf(t, stayer, organization, 1)
	for _, k := range append(left, stays...) {
		s.awaitCheck(t, k.Value, http.StatusOK)
	}
	args := []string{filepath.Join("..", "..", "..", "docs", "examples", "leaver.sh"), "o'leaver@example.com"}
	for i, k := range left {
		args = append(args, filepath.Join(dir, fmt.Sprint("leaver-", i)))
		write(t, args[len(args)-1], k.Value)
	}
	command := exec.CommandContext(t.Context(), "sh", args...)
	command.Env = append(os.Environ(), s.env...)
	command.Env = append(command.Env, "TOKENLEDGER_SERVER="+s.URL, "SCIM_TOKEN_FILE="+scimFile,
		"PATH="+filepath.Dir(binary)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("the script: %v\n%s", err, out)
	}
	for _, want := range []string{"membership.ended", "user.deactivated", "membership-" + organization + "." + leaver} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := strings.Count(string(out), ": 401\n"); n != len(left) {
		t.Errorf("%d tokens were refused, want %d:\n%s", n, len(left), out)
	}
	for _, k := range left {
		if !strings.Contains(string(out), "token "+k.ID+": 0 uses since") {
			t.Errorf("token %s is missing in\n%s", k.ID, out)
		}
	}
	if strings.Contains(string(out), "tolp_") || strings.Contains(string(out), "tola_") {
		t.Error("a value was shown")
	}
	s.awaitCheck(t, stays[0].Value, http.StatusOK)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// provision makes a user as an identity provider does, and gives the id.
func (s *service) provision(t *testing.T, value, name string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/scim/v2/Users",
		strings.NewReader(fmt.Sprintf(`{"userName":%q,"externalId":"x-%[1]s"}`, name)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+value)
	r.Header.Set("Content-Type", "application/scim+json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	location := response.Header.Get("Location")
	if response.StatusCode != http.StatusCreated {
		t.Fatalf("status %d", response.StatusCode)
	}
	return location[strings.LastIndexByte(location, '/')+1:]
}

// tokensOf makes personal tokens of a user as that user, signed in.
func (sh *shared) tokensOf(t *testing.T, user, organization string, n int) (tokens []made) {
	t.Helper()
	id := uuid.MustParse(user)
	sh.withTokens(t, func(ctx context.Context, use *aggregate.Tokens) {
		for i := range n {
			out, err := use.CreatePersonalToken(ctx,
				aggregate.Call{Principal: aggregate.Principal{Actor: events.Person(id), User: id}},
				aggregate.NewPersonalToken{
					Organizations: []uuid.UUID{uuid.MustParse(organization)}, NewToken: aggregate.NewToken{Name: fmt.Sprint("laptop-", i)},
				})
			if err != nil {
				t.Fatalf("make a token: %v", err)
			}
			tokens = append(tokens, made{out.ID.String(), out.Value.Reveal()})
		}
	})
	return tokens
}

// awaitCheck asks about a token until the answer is this; another process made
// it, and the service hears of that a moment later.
func (s *service) awaitCheck(t *testing.T, value string, want int) {
	t.Helper()
	for {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/auth/check", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+value)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == want {
			return
		}
	}
}
