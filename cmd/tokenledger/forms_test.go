// Every command that prints data does so in every form, against a real service; a command that is added and lacks a
// form, or a case here, fails.

package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

var everyForm = []string{"table", "json", "csv"}

// formless are the commands that print no data, and why.
var formless = map[string]string{
	"reference": "it writes the pages of the reference",
	"serve":     "runs until it is ended", "demo": "runs until it is ended", "witness": "runs until it is ended",
	"migrate": "says only that it was done",
	"psql":    "is another program", "schema print": "prints a document in a language of its own",
}

// leaves are the commands that do something, by the words that call them.
func leaves(c *cobra.Command, all map[string]*cobra.Command) map[string]*cobra.Command {
	for _, sub := range c.Commands() {
		leaves(sub, all)
	}
	if !c.HasSubCommands() {
		_, words, _ := strings.Cut(c.CommandPath(), " ")
		all[words] = c
	}
	return all
}

func quietRoot() *cobra.Command {
	return newRootCommand(stdio{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
}

func TestEveryCommandOffersEveryForm(t *testing.T) {
	t.Parallel()
	for words, c := range leaves(quietRoot(), map[string]*cobra.Command{}) {
		f := c.Flags().Lookup("output")
		switch reason, left := formless[words]; {
		case left && f != nil:
			t.Errorf("%s has --output, and is left out here since it %s", words, reason)
		case left:
		case f == nil:
			t.Errorf("%s has no --output", words)
		default:
			for _, form := range everyForm {
				if !strings.Contains(f.Usage, form) {
					t.Errorf("%s has no --output %s: %s", words, form, f.Usage)
				}
			}
		}
	}
}

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

// formCase is how a command is called once. Whatever it needs to be there is made by args.
type formCase struct {
	args  func(*installation) []string
	stdin string
	code  int  // that it ends with
	empty bool // there may be nothing to list
	fails bool // it does not succeed here, and so prints an error alone
}

func words(args ...string) formCase {
	return formCase{args: func(*installation) []string { return args }}
}

func with(args func(*installation) []string) formCase { return formCase{args: args} }

// id is with for a command whose arguments begin with an id that is made for it.
func id(of func(*installation) string, args ...string) formCase {
	return with(func(i *installation) []string { return append([]string{of(i)}, args...) })
}

const reason = "=because"

// formCases has a case for every command but those of bench, which take their time.
func formCases() map[string]formCase {
	tail, list := words("--from", "1", "--no-follow"), words()
	list.empty = true
	return map[string]formCase{
		"archive list": words(), "archive export": {args: words("--before", "2").args, empty: true}, // the first partition is not full
		"archive verify": {args: words("/nowhere", "--key", "k").args, code: exitUsage, fails: true},
		"archive detach": {args: words("/nowhere", "--reason", reason, "--yes").args, code: exitFailed, fails: true},
		"audit check":    words(), "audit export": with((*installation).export), "audit verify": with(func(i *installation) []string {
			pack := i.pack()
			return []string{pack, "--key", "@" + i.keys()}
		}),
		"context add": with(func(i *installation) []string {
			return []string{fmt.Sprint("c", i.next()), "--server", i.url, "--token-file", i.admin}
		}),
		"context list":   words(),
		"context show":   words(),
		"context use":    id((*installation).context),
		"context remove": id((*installation).context),
		"doctor":         words("--max-lag", "1000000"),
		"findings list":  list,
		"findings triage": with(func(i *installation) []string {
			return []string{"rotated_value_used", i.finding(), "--status", "closed", "--note", reason}
		}),
		"grant list": words(), "grant approve": id((*installation).granted), "grant decline": id((*installation).waiting, "--reason", reason),
		"grant end": id((*installation).granted, "--reason", reason), "grant review": id((*installation).granted, "--reason", reason),
		"grant withdraw": id(func(i *installation) string { return i.get("tokenID", "grant", "approve", i.granted()) }, "--reason", reason),
		"health":         words(),
		"init":           words("--if-needed", "--organization", "Demo", "--email", "admin@example.com"),
		"keys list":      words(),
		"keys rotate":    words("pepper", "--reason", reason),
		"login": with(func(i *installation) []string {
			return []string{"--context", fmt.Sprint("l", i.next()), "--server", i.url, "--value-file", i.admin}
		}),
		"logout": with(func(i *installation) []string {
			name := fmt.Sprint("o", i.next())
			i.get("context", "login", "--context", name, "--server", i.url, "--value-file", i.admin)
			return []string{"--context", name}
		}),
		"member accept": {args: words().args, stdin: "no such secret", code: exitFailed, fails: true},
		"member add": with(func(i *installation) []string {
			user := i.user()
			i.get("userID", "member", "end", user, "--reason", reason)
			return []string{user, "--role", "member"}
		}),
		"member end":         id((*installation).user, "--reason", reason),
		"member invitations": list,
		"member invite":      with(func(i *installation) []string { return []string{i.address(), "--role", "member"} }),
		"member list":        words(),
		"member role":        id((*installation).user, "auditor"),
		"member withdraw": id(func(i *installation) string {
			return i.get("id", "member", "invite", i.address(), "--role", "member")
		}, "--reason", reason),
		"org create":          with(func(i *installation) []string { return []string{"--name", i.name()} }),
		"org list":            words(),
		"org policy":          words(),
		"org rename":          with(func(i *installation) []string { return []string{"--name", i.name()} }),
		"org show":            words(),
		"org sso":             words(),
		"projections list":    words(),
		"projections rebuild": words("tokens"),
		"reader create": with(func(i *installation) []string {
			return []string{"--organization", i.organization, "--login", fmt.Sprintf("login%d", i.next())}
		}),
		"reader list":   with(func(i *installation) []string { i.readerLogin(); return nil }),
		"reader remove": with(func(i *installation) []string { return []string{i.readerLogin(), "--yes"} }),
		"relay reader": with(func(i *installation) []string {
			return []string{"--organization", i.organization, "--name", fmt.Sprintf("program%d", i.next())}
		}),
		"relay rebuild": words("--yes"),
		"replay":        words(),
		"report":        words("population"),
		"scan":          {args: func(i *installation) []string { return []string{i.admin} }, code: exitFound},
		"sealer renew":  words("--yes"),
		"subject erase": with(func(i *installation) []string {
			user := i.user()
			i.get("id", "user", "deactivate", user, "--reason", reason)
			return []string{"--user", user, "--reason", reason, "--yes"}
		}),
		"tail":            tail,
		"token authorize": id((*installation).token), "token create": with(func(i *installation) []string {
			return []string{"--name", i.name(), "--scopes", "evidence:write"}
		}),
		"token delete": id((*installation).token), "token leak": id((*installation).token), "token list": words(),
		"token resume": id(func(i *installation) string { return i.get("id", "token", "suspend", i.token()) }),
		"token review": id((*installation).token, "--reason", reason), "token revoke": id((*installation).token, "--reason", reason),
		"token rotate": id((*installation).token), "token show": id((*installation).token), "token suspend": id((*installation).token),
		"token update":    id((*installation).token, "--description", "=1+1"),
		"user create":     with(func(i *installation) []string { return []string{"--email", i.address()} }),
		"user deactivate": id((*installation).user, "--reason", reason), "user list": words(),
		"user reactivate": id(func(i *installation) string { return i.get("id", "user", "deactivate", i.user(), "--reason", reason) }),
		"user show":       id((*installation).user), "user update": id((*installation).user, "--display-name", "=cmd()"),
		"version":     words(),
		"webhook add": words("https://8.8.8.8/hook"), "webhook list": words(), "webhook remove": id((*installation).webhook),
		"webhook dead": {args: id((*installation).webhook).args, empty: true}, "webhook replay": id((*installation).webhook),
	}
}

func (i *installation) readerLogin() string {
	i.t.Helper()
	return i.get("login", "reader", "create", "--organization", i.organization, "--login", fmt.Sprintf("login%d", i.next()))
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

func TestEveryFormOfEveryCommand(t *testing.T) {
	t.Parallel()
	i := install(t)
	cases := formCases()
	all := leaves(quietRoot(), map[string]*cobra.Command{})
	for words := range cases {
		if all[words] == nil {
			t.Errorf("there is no command %s", words)
		}
	}
	last := "sealer renew" // while a service seals, there is nothing to renew
	for _, words := range append(slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(w string) bool { return w == last }), last) {
		if words == last {
			i.stop()
		}
		if formless[words] != "" || strings.HasPrefix(words, "bench ") {
			continue
		}
		c, ok := cases[words]
		if !ok {
			t.Errorf("%s has no case here", words)
			continue
		}
		for _, form := range everyForm {
			t.Run(words+" "+form, func(t *testing.T) {
				i.t = t
				if words == "init" { // it is for a database, and that one is in use by a service
					url, err := embedded.RunningPostgresURL(filepath.Join(i.dir, "data"))
					if err != nil {
						t.Fatal(err)
					}
					defer func(before []string) { i.environ = before }(i.environ)
					i.environ = append(slices.Clone(i.environ), "TOKENLEDGER_DATABASE_URL="+url)
				}
				args := append(append(strings.Fields(words), c.args(i)...), "--output", form)
				stdout, stderr, code := i.run(c.stdin, args...)
				if code != c.code {
					t.Fatalf("%v: exit code %d, want %d\n%s%s", args, code, c.code, stdout, stderr)
				}
				checkForm(t, form, stdout, stderr, c)
			})
		}
	}
}

// checkForm judges what a command printed.
func checkForm(t *testing.T, form, stdout, stderr string, c formCase) {
	t.Helper()
	if c.fails { // nothing was done, so there is no data
		if stdout != "" {
			t.Errorf("it failed, and printed %s", stdout)
		}
		if form == "json" {
			checkFailure(t, stderr, c.code)
		}
		return
	}
	if stdout == "" && !c.empty {
		t.Error("nothing is printed")
	}
	switch form {
	case "json":
		for line := range strings.Lines(stdout) {
			var object map[string]any
			if err := json.Unmarshal([]byte(line), &object); err != nil || len(object) == 0 {
				t.Errorf("a line that is no object: %v: %s", err, line)
			}
		}
	case "csv":
		lines, err := csv.NewReader(strings.NewReader(stdout)).ReadAll() // as many cells in each line
		if err != nil || len(lines) < 2 && !c.empty {
			t.Fatalf("no CSV, or no line in it: %v\n%s", err, stdout)
		}
		for _, line := range lines {
			for _, cell := range line {
				if strings.IndexAny(cell, "=+-@\t\r") == 0 && cell != "-" {
					t.Errorf("a spreadsheet takes %q for a formula", cell)
				}
			}
		}
	}
}

func checkFailure(t *testing.T, stderr string, code int) {
	t.Helper()
	var said struct{ Error failure }
	if err := json.Unmarshal([]byte(stderr), &said); err != nil || said.Error.Message == "" || said.Error.ExitCode != code {
		t.Errorf("no error in JSON: %v: %s", err, stderr)
	}
}

// Values that a spreadsheet or a reader of lines could take for something else come out of CSV as they went in.
func TestCSVIsQuoted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		values := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune("=+-@\t\r\n\",; aé"))), 1, 4).Draw(t, "values")
		var r record
		for n, v := range values {
			r = append(r, cell{fmt.Sprint("f", n), v})
		}
		if err := (app{stdio: stdio{out: &out}}).showRecord(r, "csv"); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(lines) != 2 || len(lines[1]) != len(values) {
			t.Fatalf("%v %q", err, lines)
		}
		for n, got := range lines[1] {
			want := strings.ReplaceAll(plainCell(orDash(&values[n])), "\r\n", "\n") // as the reader of the standard library has it
			if got != want {
				t.Errorf("%q became %q", want, got)
			}
		}
	})
}

func TestErrorsInJSON(t *testing.T) {
	t.Parallel()
	for args, code := range map[string]int{
		"token list --output json --server http://127.0.0.1:1 --token-file /nowhere": exitFailed,
		"token create --output json":                          exitUsage,
		"token list --output json --server nonsense":          exitUsage,
		"token show --output json":                            exitUsage,
		"audit verify --output json /nowhere/pack.zip":        exitUsage,
		"context show --output json --context nowhere":        exitUsage,
		"scan --output json /nowhere":                         exitFailed,
		"doctor --output json --data /nowhere/ --listen nope": exitUsage,
	} {
		var out, err bytes.Buffer
		if got := run(t.Context(), strings.Fields(args), stdio{in: strings.NewReader(""), out: &out, err: &err, environ: []string{"HOME=" + t.TempDir()}}); got != code {
			t.Errorf("%s: exit code %d, want %d: %s", args, got, code, &err)
		}
		checkFailure(t, err.String(), code)
	}
}
