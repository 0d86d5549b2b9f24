// Signing in from a terminal: tokenledger login sends a browser to the provider, as a native program does.

package signintest

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// terminal is where somebody types commands.
type terminal struct {
	w    *world
	home string
}

func (w *world) terminal() terminal { return terminal{w, w.t.TempDir()} }

func (c terminal) command(args ...string) (*exec.Cmd, *buffer, *buffer) {
	out, err := &buffer{}, &buffer{}
	p := exec.CommandContext(c.w.t.Context(), binary, args...)
	p.Env = []string{"PATH=", "HOME=" + c.home, "TOKENLEDGER_DATA=" + filepath.Join(c.home, "none")}
	p.Stdout, p.Stderr = out, err
	return p, out, err
}

// run is for a command that ends by itself; it gives its JSON object.
func (c terminal) run(want int, args ...string) (object map[string]any, said string) {
	c.w.t.Helper()
	p, out, err := c.command(args...)
	_ = p.Run()
	if got := p.ProcessState.ExitCode(); got != want {
		c.w.t.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, want, out, err)
	}
	_ = json.Unmarshal([]byte(out.String()), &object)
	return object, err.String()
}

var providersPage = regexp.MustCompile(`(?m)^  (http\S+)\n`)

// login begins to sign in, and plays the browser with what is printed.
func (c terminal) login(want int, play func(page string), args ...string) (object map[string]any, said string) {
	c.w.t.Helper()
	p, out, err := c.command(append([]string{"login", "--server", c.w.url, "--no-browser", "--output", "json"}, args...)...)
	if err := p.Start(); err != nil {
		c.w.t.Fatal(err)
	}
	c.w.await("the provider's page is named", func() bool { return providersPage.MatchString(err.String()) })
	play(providersPage.FindStringSubmatch(err.String())[1])
	_ = p.Wait()
	if got := p.ProcessState.ExitCode(); got != want {
		c.w.t.Fatalf("login: exit code %d, want %d\n%s%s", got, want, out, err)
	}
	_ = json.Unmarshal([]byte(out.String()), &object)
	return object, err.String()
}

func TestSigningInFromATerminal(t *testing.T) {
	w := newWorld(t)
	w.provider.open(w.url)
	w.await("the provider is asked", func() bool { return w.browser().get(w.url+"/v1/login").status == http.StatusSeeOther })
	id := w.user("tess", "MEMBER")
	w.browser().signIn("tess") // so that her account is linked
	provider := []string{"--issuer", w.provider.server.URL, "--client-id", terminalClient}
	at := w.terminal()

	t.Run("somebody says no", func(t *testing.T) {
		_, said := at.login(1, func(page string) {
			back := change(change(w.browser().atProvider(page, "tess"), "code", ""), "error", "access_denied")
			w.browser().get(change(back, "state", "another")) // counts for nothing
			if a := w.browser().get(back); a.status != http.StatusForbidden {
				t.Errorf("the page: %d %s", a.status, a.raw)
			}
		}, provider...)
		if !strings.Contains(said, "did not sign you in") {
			t.Errorf("said: %s", said)
		}
	})
	t.Run("another code", func(t *testing.T) {
		at.login(1, func(page string) { w.browser().get(change(w.browser().atProvider(page, "tess"), "code", "another")) }, provider...)
	})
	t.Run("another nonce", func(t *testing.T) {
		_, said := at.login(1, func(page string) { w.browser().get(w.browser().atProvider(change(page, "nonce", "another"), "tess")) }, provider...)
		if !strings.Contains(said, "another sign-in") {
			t.Errorf("said: %s", said)
		}
	})
	if made := w.events(id); slices.Contains(made, "token.created") {
		t.Fatalf("a token was made nevertheless: %v", made)
	}

	signedIn, _ := at.login(0, func(page string) {
		if a := w.browser().get(w.browser().atProvider(page, "tess")); a.status != http.StatusOK || !strings.Contains(a.raw, "signed in") {
			t.Errorf("the page: %d %s", a.status, a.raw)
		}
	}, provider...)
	if signedIn["user"] != "tess" {
		t.Errorf("signed in: %v", signedIn)
	}
	file, _ := signedIn["tokenFile"].(string)
	value, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v %v", info, err)
	}
	name, _ := signedIn["context"].(string)
	shown, _ := at.run(0, "context", "show", name, "--output", "json")
	token, _ := shown["issuedToken"].(string)
	if own, _ := at.run(0, "token", "list", "--personal", "--output", "json"); own["id"] != token {
		t.Errorf("her tokens: %v, want %s", own, token)
	}
	w.token(strings.TrimSpace(string(value))).ask(me, nil)
	if _, said := at.run(1, append([]string{"login", "--server", w.url}, provider...)...); !strings.Contains(said, "logout") {
		t.Errorf("a second sign-in: %s", said) // would leave a token behind that nobody knows of
	}
	at.run(1, "context", "remove", name)

	ended, _ := at.run(0, "logout", "--output", "json")
	if ended["revokedToken"] != token {
		t.Errorf("signed out: %v, want %s", ended, token)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the token's file is there still: %v", err)
	}
	w.await("the token is refused", func() bool {
		return w.token(strings.TrimSpace(string(value))).query(me, nil).code() == "UNAUTHENTICATED"
	})

	// The context remembers the provider; a token that had ended already is no hindrance.
	again, _ := at.login(0, func(page string) { w.browser().get(w.browser().atProvider(page, "tess")) })
	w.token(w.admin).ask(`mutation($id: ID!) { deactivateUser(id: $id, reason: "left") { user { id } } }`, vars{"id": id})
	at.run(0, "logout")
	if again["context"] != name {
		t.Errorf("signed in again as %v, want %s", again["context"], name)
	}

	// A service that does not list this program takes none of its tokens, and the command says what to look at.
	_, said := at.login(1, func(page string) { w.browser().get(w.browser().atProvider(page, "tess")) },
		"--issuer", w.provider.server.URL, "--client-id", otherTerminal, "--context", "other")
	if !strings.Contains(said, "TOKENLEDGER_OIDC_AUDIENCES") {
		t.Errorf("said: %s", said)
	}
}
