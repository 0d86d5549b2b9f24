// The first administrator: once for each log, and again by whoever holds the database.

package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestInitWithExternalServices(t *testing.T) {
	t.Parallel()
	sh := startShared(t)
	s := sh.service(t)
	run(t, s.env, "serve").exits(t, 1, "tokenledger init")
	if n := len(readLog(t, s.database(t))); n != 0 {
		t.Fatalf("a service that refused to start has recorded %d events", n)
	}

	s.initialize(t).exits(t, 2, "--organization")
	s.initialize(t, "--organization", "Example", "--email", "nobody").exits(t, 1, "e-mail")
	s.initialize(t, "--organization", "Example", "--email", "owner@example.com").exits(t, 0)
	s.start(t)
	a := s.ask(t, `{ organization { name } me { email } }`, nil)
	if a.text(t, "organization.name") != "Example" || a.text(t, "me.email") != "owner@example.com" {
		t.Errorf("the first administrator is %s", a.Body)
	}

	before := s.Token
	s.initialize(t, "--organization", "Again", "--email", "thief@example.com").exits(t, 1, "already")
	s.readBanner(t)
	if s.Token != before {
		t.Error("the refused init has replaced the administrator's token")
	}

	recorded := len(readLog(t, s.database(t)))
	s.initialize(t, "--recover", "--email", "owner@example.com").exits(t, 2, "--recover")
	s.initialize(t, "--recover").exits(t, 0)
	s.readBanner(t)
	if s.Token == before {
		t.Fatal("recovering made no other token")
	}
	s.ask(t, `{ apiTokens { totalCount } }`, nil)
	s.askAs(t, before, `{ apiTokens { totalCount } }`, nil) // to end it is a decision of its own
	var types []string
	for _, l := range readLog(t, s.database(t))[recorded:] {
		types = append(types, l.Type)
	}
	if all := strings.Join(types, " "); !strings.Contains(all, "token.created") || !strings.Contains(all, "installation.administrator_recovered") {
		t.Errorf("recovering is recorded as %s", all)
	}
	if info, err := os.Stat(s.TokenFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token file: %v %v", info, err)
	}
}

// failing lists the checks of /readyz that are not good; answered is false while
// nobody answers.
func (s *service) failing() (bad []string, answered bool) {
	response, err := httpClient.Get(s.URL + "/readyz")
	if err != nil {
		return nil, false
	}
	defer response.Body.Close()
	var body struct {
		Ready  bool
		Checks []struct {
			Name string
			OK   bool
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil || body.Ready != (response.StatusCode == http.StatusOK) {
		return nil, false
	}
	for _, c := range body.Checks {
		if !c.OK {
			bad = append(bad, c.Name)
		}
	}
	return bad, true
}
