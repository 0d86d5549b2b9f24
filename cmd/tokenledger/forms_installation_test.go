// A service with all of its parts in this process, and what the cases of the forms need to be in it.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
)

// installation is a service with all of its parts, and a way to run commands beside it.
type installation struct {
	t            *testing.T // of the part that is running
	environ      []string
	dir          string
	url          string
	admin        string // file of the administrator's token
	organization string // Demo
	approved     bool   // that token, in an organization that demands it
	n            int
	stop         func()
}

// install starts a service in this process, and ends it with the test.
func install(t *testing.T) *installation {
	t.Helper()
	dir, err := os.MkdirTemp("", "tokenledger-forms-")
	if err == nil {
		err = os.Chmod(dir, 0o711) // the private Postgres runs as another user
	}
	if err != nil {
		t.Fatal(err)
	}
	broker, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	i := &installation{t: t, dir: dir}
	environ := scratchEnviron(filepath.Join(dir, "data"))
	environ["TOKENLEDGER_NATS_LISTEN"] = broker
	settings, err := config.Load(environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	started, ended := make(chan service.Started, 1), make(chan error, 1)
	go func() {
		ended <- service.Run(ctx, settings, slog.New(slog.DiscardHandler), func(s service.Started) { started <- s })
	}()
	i.stop = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		i.stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	select {
	case s := <-started:
		i.url = s.URL
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	i.admin = settings.AdminTokenFile()
	environ["TOKENLEDGER_SERVER"], environ["TOKENLEDGER_TOKEN_FILE"], environ["HOME"] = i.url, i.admin, dir
	for name, value := range environ {
		i.environ = append(i.environ, name+"="+value)
	}
	i.organization = i.get("id", "org", "list")
	return i
}

// run is a command with standard input.
func (i *installation) run(stdin string, args ...string) (stdout, stderr string, code int) {
	var out, err bytes.Buffer
	code = run(i.t.Context(), args, stdio{in: strings.NewReader(stdin), out: &out, err: &err, environ: i.environ})
	return out.String(), err.String(), code
}

// get runs a command that must succeed, and gives a field of the first object that it prints.
func (i *installation) get(field string, args ...string) string {
	i.t.Helper()
	stdout, stderr, code := i.run("", append(args, "--output", "json")...)
	var object map[string]any
	if err := json.NewDecoder(strings.NewReader(stdout)).Decode(&object); err != nil || code != 0 {
		i.t.Fatalf("%v: exit code %d, %v\n%s%s", args, code, err, stdout, stderr)
	}
	return fmt.Sprint(object[field])
}

// name is one that nothing has yet. It begins as a formula does.
func (i *installation) name() string {
	return fmt.Sprintf("=n%d", i.next())
}

func (i *installation) file() string {
	return filepath.Join(i.dir, fmt.Sprintf("file-%d", i.next()))
}

func (i *installation) token() string {
	i.t.Helper()
	return i.get("id", "token", "create", "--name", i.name(), "--scopes", "evidence:write", "--description", "a \"quote\", a comma\nand a line")
}

func (i *installation) user() string {
	i.t.Helper()
	return i.get("id", "user", "create", "--email", i.address())
}

func (i *installation) readerLogin() string {
	i.t.Helper()
	return i.get("login", "reader", "create", "--organization", i.organization, "--login", fmt.Sprintf("login%d", i.next()))
}

func (i *installation) relayReader() string {
	i.t.Helper()
	return i.get("account", "relay", "reader", "create", "--organization", i.organization, "--name", fmt.Sprintf("program%d", i.next()))
}

func (i *installation) next() int { i.n++; return i.n }

func (i *installation) address() string { return fmt.Sprintf("a%d@example.com", i.next()) }

func (i *installation) context() string {
	i.t.Helper()
	name := fmt.Sprint("x", i.next())
	return i.get("name", "context", "add", name, "--server", i.url, "--token-file", i.admin)
}

func (i *installation) export() []string {
	return []string{"--from", "2020-01-01T00:00:00Z", "--to", time.Now().UTC().Format(time.RFC3339Nano), "--output-file", i.file()}
}

func (i *installation) pack() string {
	i.t.Helper()
	return i.get("file", append([]string{"audit", "export"}, i.export()...)...)
}

// keys writes the verifier keys to a file.
func (i *installation) keys() string {
	i.t.Helper()
	stdout, stderr, code := i.run("", "keys", "list", "--public")
	file := i.file()
	if err := os.WriteFile(file, []byte(stdout), 0o600); err != nil || code != 0 {
		i.t.Fatalf("keys list: exit code %d, %v\n%s", code, err, stderr)
	}
	return file
}

// granted is a personal token that reaches the organization.
func (i *installation) granted() string {
	i.t.Helper()
	return i.get("id", "token", "create", "--personal", "--name", i.name(), "--organizations", i.organization)
}

// waiting is one that nobody has let in yet.
func (i *installation) waiting() string {
	i.t.Helper()
	if !i.approved { // the administrator's own token first, which would be kept out, too
		raw, err := os.ReadFile(i.admin)
		if err != nil {
			i.t.Fatal(err)
		}
		own, err := secret.Parse(strings.TrimSpace(string(raw)))
		if err != nil {
			i.t.Fatal(err)
		}
		i.get("tokenID", "grant", "approve", own.ID().String())
		i.approved = true
	}
	i.get("approvalRequired", "org", "policy", "--approval-required")
	defer i.get("approvalRequired", "org", "policy", "--approval-required=false")
	return i.granted()
}

func (i *installation) webhook() string {
	i.t.Helper()
	return i.get("id", "webhook", "add", "https://8.8.8.8/hook")
}

// finding uses a value that was rotated away, and waits until that is on record.
func (i *installation) finding() (position string) {
	i.t.Helper()
	file := i.file()
	token := i.get("id", "token", "create", "--name", i.name(), "--scopes", "evidence:write", "--write-to", file)
	i.get("id", "token", "rotate", token, "--overlap", "0")
	i.run("", "token", "list", "--token-file", file)
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); {
		stdout, _, _ := i.run("", "findings", "list", "--rule", "rotated_value_used", "--token", token, "--output", "json")
		var f struct{ Position json.Number }
		if json.NewDecoder(strings.NewReader(stdout)).Decode(&f) == nil {
			return f.Position.String()
		}
		time.Sleep(20 * time.Millisecond)
	}
	i.t.Fatal("the use of a value that was rotated away is no finding")
	return ""
}
