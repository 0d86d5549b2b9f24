// The service as a process, and who speaks to it: browsers with cookies, programs with tokens.

package signintest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the provider's
	dir, err := os.MkdirTemp("", "signintest-")
	if err == nil {
		err = os.Chmod(dir, 0o711) // Postgres runs as another user
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tokenledger")
	build := exec.Command("go", "build", "-o", binary, "./cmd/tokenledger")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the service: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// world is a service, its provider and what the first administrator may do.
type world struct {
	t        *testing.T // of the part that is running
	whole    *testing.T
	provider *provider
	data     string
	env      []string
	trusts   http.RoundTripper // nil: what everybody trusts
	process  *exec.Cmd
	output   *buffer
	url      string
	admin    string // the value of the first token
	org      string // Demo
}

// buffer collects what a process writes.
type buffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newWorld starts a service that lets people in through a provider, which is
// away until then.
func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	return newWorldTrusting(t, nil, env...)
}

// newWorldTrusting is newWorld whose callers trust another certificate than everybody.
func newWorldTrusting(t *testing.T, trusts http.RoundTripper, env ...string) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "signintest-data-")
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	secret := filepath.Join(dir, "client-secret")
	if err := os.WriteFile(secret, []byte(signInSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, whole: t, provider: newProvider(t), trusts: trusts, data: filepath.Join(dir, "data")}
	t.Cleanup(w.provider.server.Close)
	w.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir,
		"TOKENLEDGER_DATA=" + w.data, "TOKENLEDGER_LISTEN=127.0.0.1:0", "TOKENLEDGER_ADMIN_LISTEN=127.0.0.1:0",
		"TOKENLEDGER_NATS_LISTEN=off", "TOKENLEDGER_OIDC_ISSUER=" + w.provider.server.URL, "TOKENLEDGER_OIDC_CLIENT_ID=" + signInClient,
		"TOKENLEDGER_OIDC_CLIENT_SECRET_FILE=" + secret, "TOKENLEDGER_OIDC_AUDIENCES=" + apiAudience + "," + terminalClient,
		"TOKENLEDGER_ALLOW_PRIVATE_TARGETS=127.0.0.0/8",
	}, env...)
	w.start()
	value, err := os.ReadFile(filepath.Join(w.data, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	w.admin = strings.TrimSpace(string(value))
	w.org = w.token(w.admin).ask(`{ organizations(first: 1) { edges { node { id } } } }`, nil).text("organizations.edges.0.node.id")
	return w
}

// start runs the service, and returns when it is ready.
func (w *world) start() {
	w.t.Helper()
	w.output = &buffer{}
	w.process = exec.Command(binary, "serve")
	w.process.Env, w.process.Stdout, w.process.Stderr = w.env, w.output, w.output
	if err := w.process.Start(); err != nil {
		w.t.Fatal(err)
	}
	process, output := w.process, w.output
	ended := make(chan struct{})
	go func() { _ = process.Wait(); close(ended) }()
	w.whole.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		<-ended
		if w.whole.Failed() {
			w.whole.Logf("the service said:\n%s", output)
		}
	})
	w.await("the service is ready", func() bool {
		select {
		case <-ended:
			w.t.Fatalf("the service ended:\n%s", output)
		default:
		}
		_, rest, ready := strings.Cut(output.String(), "URL          ")
		w.url, _, _ = strings.Cut(rest, "\n")
		return ready && strings.Contains(rest, "Try:")
	})
}

// restart ends the service in the middle of whatever it does, and starts it again.
// It keeps its address, since the provider knows it by that.
func (w *world) restart() {
	w.t.Helper()
	_ = w.process.Process.Kill()
	pid := filepath.Join(w.data, "postgres", "postmaster.pid")
	w.await("the private Postgres ends", func() bool {
		_, err := os.Stat(pid)
		return err != nil
	})
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.env = append(w.env, "TOKENLEDGER_LISTEN="+u.Host)
	w.start()
}

// await polls a condition; only a test that hangs takes as long as its limit.
func (w *world) await(what string, done func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("in vain: %s", what)
		}
	}
}

// caller is a program or a browser.
type caller struct {
	w       *world
	client  *http.Client
	headers http.Header
}

// token is a program with a bearer token.
func (w *world) token(value string) caller {
	c := w.browser()
	c.headers.Set("Authorization", "Bearer "+value)
	return c
}

// browser keeps cookies, says where its requests come from, and follows nothing by itself.
func (w *world) browser() caller {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return caller{w, &http.Client{
		Jar: jar, Transport: w.trusts, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, http.Header{"Sec-Fetch-Site": {"same-origin"}}}
}

// in names the organization that requests are for.
func (c caller) in(organization string) caller {
	c.headers = c.headers.Clone()
	c.headers.Set("X-Organization-ID", organization)
	return c
}

// with changes a header; empty takes it away.
func (c caller) with(name, value string) caller {
	c.headers = c.headers.Clone()
	c.headers.Del(name)
	if value != "" {
		c.headers.Set(name, value)
	}
	return c
}

// answer is what came back.
type answer struct {
	t        *testing.T
	status   int
	location string
	cookies  []*http.Cookie // that were set
	body     map[string]any
	raw      string
}

func (c caller) do(method, target, contentType string, body io.Reader) answer {
	c.w.t.Helper()
	r, err := http.NewRequestWithContext(c.w.t.Context(), method, target, body)
	if err != nil {
		c.w.t.Fatal(err)
	}
	r.Header = c.headers.Clone()
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := c.client.Do(r)
	if err != nil {
		c.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.w.t.Fatal(err)
	}
	a := answer{t: c.w.t, status: resp.StatusCode, cookies: resp.Cookies(), raw: string(raw)}
	if to, err := resp.Location(); err == nil {
		a.location = to.String()
	}
	_ = json.Unmarshal(raw, &a.body)
	return a
}

func (c caller) get(target string) answer {
	c.w.t.Helper()
	return c.do(http.MethodGet, target, "", nil)
}

func (c caller) post(target string, form url.Values) answer {
	c.w.t.Helper()
	return c.do(http.MethodPost, target, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

type vars = map[string]any

// query sends GraphQL and takes any answer but that a busy machine needs longer.
func (c caller) query(document string, variables vars) (a answer) {
	c.w.t.Helper()
	body, err := json.Marshal(vars{"query": document, "variables": variables})
	if err != nil {
		c.w.t.Fatal(err)
	}
	c.w.await("an answer", func() bool {
		a = c.do(http.MethodPost, c.w.url+"/query", "application/json", bytes.NewReader(body))
		return !busy(a)
	})
	return a
}

func busy(a answer) bool { return a.code() == "STALE_READ" || a.code() == "UNAVAILABLE" }

// allowed waits until the verifier, too, knows what was changed a moment ago.
func (c caller) allowed(document string) {
	c.w.t.Helper()
	c.w.await("it is allowed", func() bool { return c.query(document, nil).code() == "" })
}

// ask is query where no error is expected.
func (c caller) ask(document string, variables vars) answer {
	c.w.t.Helper()
	a := c.query(document, variables)
	if a.status != http.StatusOK || a.body["errors"] != nil {
		c.w.t.Fatalf("%s\n%d %s", document, a.status, a.raw)
	}
	a.body, _ = a.body["data"].(map[string]any)
	return a
}

// text walks to a value by its path.
func (a answer) text(path string) string {
	a.t.Helper()
	var at any = a.body
	for name := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(v) {
				a.t.Fatalf("no %s in %s", path, a.raw)
			}
			at = v[i]
		}
	}
	s, ok := at.(string)
	if !ok {
		a.t.Fatalf("%s is %v in %s", path, at, a.raw)
	}
	return s
}

// code is that of the first error, empty where there is none.
func (a answer) code() string {
	if a.body["errors"] == nil {
		return ""
	}
	return a.text("errors.0.extensions.code")
}

// refused checks that nothing but this code came back.
func (a answer) refused(code string) {
	a.t.Helper()
	if got := a.code(); got != code {
		a.t.Errorf("got %q, want %s: %d %s", got, code, a.status, a.raw)
	}
}

// events lists the types of what stands in the log, in the trail that belongs to
// an id; empty: in all of them.
func (w *world) events(of string) []string {
	w.t.Helper()
	return w.column(`SELECT type FROM tokenledger.events WHERE trail LIKE '%' || $1 ORDER BY position`, of)
}

// leaves lists what stands in the log, as it stands there.
func (w *world) leaves() []string {
	w.t.Helper()
	return w.column(`SELECT e::text FROM tokenledger.events e WHERE $1 = ''`, "")
}

func (w *world) column(sql, argument string) []string {
	w.t.Helper()
	at, err := embedded.RunningPostgresURL(w.data)
	if err != nil {
		w.t.Fatal(err)
	}
	conn, err := pgx.Connect(w.t.Context(), at)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close(w.t.Context())
	rows, err := conn.Query(w.t.Context(), sql, argument)
	if err != nil {
		w.t.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	return values
}

// user makes a user of Demo, and the account of that person at the provider.
func (w *world) user(name, role string) (id string) {
	w.t.Helper()
	w.provider.person(name, name+"@example.com", true)
	return w.token(w.admin).ask(`mutation($in: CreateUserInput!) { createUser(input: $in) { user { id } } }`,
		vars{"in": vars{"email": name + "@example.com", "displayName": name, "role": role}}).text("createUser.user.id")
}

// atProvider plays the person at the provider: from the provider's URL to the
// URL that leads back to the service.
func (c caller) atProvider(to, subject string) (back string) {
	c.w.t.Helper()
	login := c.get(to)
	form := c.get(login.location)
	u, err := url.Parse(login.location)
	if err != nil || form.status != http.StatusOK {
		c.w.t.Fatalf("the provider's form: %d %s", form.status, form.raw)
	}
	shown := c.post(u.ResolveReference(&url.URL{Path: "/login/username"}).String(), url.Values{
		"username": {subject}, "password": {subject}, "id": {u.Query().Get("authRequestID")},
	})
	done := c.get(shown.location)
	if done.location == "" {
		c.w.t.Fatalf("the provider sends nobody back: %d %s", done.status, done.raw)
	}
	return done.location
}

// signIn goes through the provider and back.
func (c caller) signIn(subject string) (a answer) {
	c.w.t.Helper()
	c.w.await("a sign-in", func() bool {
		begun := c.get(c.w.url + "/v1/login")
		if begun.status != http.StatusSeeOther {
			c.w.t.Fatalf("login: %d %s", begun.status, begun.raw)
		}
		a = c.get(c.atProvider(begun.location, subject))
		return !busy(a)
	})
	return a
}

// part runs one part of a story on the same service.
func (w *world) part(name string, play func(*testing.T, *world)) {
	w.whole.Run(name, func(t *testing.T) {
		w.t = t
		defer func() { w.t = w.whole }()
		play(t, w)
	})
}
