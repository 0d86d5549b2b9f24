// tokenledger doctor: whatever it warns of is brought about, and what it advises is done.

package e2e_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/certs/certstest"
	"github.com/tokenledger/tokenledger/eventstore"
)

// symptom is one line of the doctor's.
type symptom struct{ Check, Level, Found, Remedy string }

// examined is what one look found.
type examined struct {
	t     *testing.T
	lines []symptom
	code  int
	*process
}

func doctor(t *testing.T, env []string, args ...string) examined {
	t.Helper()
	p := run(t, append([]string{"HOME=" + t.TempDir()}, env...), append([]string{"doctor", "--output", "json"}, args...)...)
	x := examined{t: t, code: p.wait(t), process: p}
	for line := range strings.Lines(p.Stdout.String()) {
		var s symptom
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		x.lines = append(x.lines, s)
	}
	return x
}

// says fails the test unless a line of this check has the level and the words; it gives that line.
func (x examined) says(check, level, words string) symptom {
	x.t.Helper()
	for _, s := range x.lines {
		if s.Check == check && s.Level == level && strings.Contains(s.Found, words) {
			if level != "ok" && s.Remedy == "" {
				x.t.Errorf("no remedy: %+v", s)
			}
			return s
		}
	}
	x.t.Errorf("no line %s of %s with %q:\n%s", level, check, words, x.Output())
	return symptom{}
}

// exits checks the exit code against what the lines say.
func (x examined) exits(code int) examined {
	x.t.Helper()
	if x.code != code {
		x.t.Errorf("exit code %d, want %d\n%s", x.code, code, x.Output())
	}
	return x
}

// do runs a remedy that is a command line.
func (s symptom) do(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", s.Remedy).CombinedOutput(); err != nil {
		t.Errorf("the remedy %q: %v\n%s", s.Remedy, err, out)
	}
}

func TestDoctorWhereNothingRuns(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	data := filepath.Join(dir, "data")
	env := []string{"TOKENLEDGER_DATA=" + data, "TOKENLEDGER_LISTEN=" + freeAddress(t), "TOKENLEDGER_ADMIN_LISTEN=" + freeAddress(t)}
	x := doctor(t, env).exits(0)
	if s := x.says("service", "warn", "nothing answers"); s.Remedy != "tokenledger serve" {
		t.Errorf("the remedy: %q", s.Remedy)
	}
	x.says("address", "ok", "TOKENLEDGER_ADMIN_LISTEN")
	x.says("Postgres programs", "ok", "Postgres 1")
	x.says("data directory", "ok", "first start")
	x.says("key file", "ok", "first start")
	x.says("token file", "ok", "first start")

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	x = doctor(t, append(env, "TOKENLEDGER_ADMIN_LISTEN="+taken.Addr().String(), "TOKENLEDGER_POSTGRES_BIN="+dir)).exits(1)
	x.says("address", "fail", "in use")
	x.says("Postgres programs", "fail", dir)

	x = doctor(t, append(env, "TOKENLEDGER_LOG_LEVEL=loud", "TOKENLEDGER_NATS_REPLICAS=9")).exits(2)
	x.says("configuration", "fail", "TOKENLEDGER_LOG_LEVEL")
	x.says("configuration", "fail", "TOKENLEDGER_NATS_REPLICAS")

	if err := os.MkdirAll(filepath.Join(data, "postgres"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"postgres/PG_VERSION": "15\n", "admin.token": "not a token\n"} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, mode := range map[string]os.FileMode{data: 0o777, filepath.Join(data, "admin.token"): 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	x = doctor(t, env, "--min-free", "100000TiB").exits(1)
	x.says("key file", "fail", "no token verifies")
	x.says("room", "fail", "less than")
	x.says("token file", "fail", "no token's value")
	x.says("data directory", "fail", "0777").do(t)
	x.says("token file", "fail", "0644").do(t)
	x = doctor(t, env).exits(1)
	x.says("data directory", "ok", "0755")
	x.says("token file", "ok", "0600")

	for _, args := range [][]string{{"--min-free", "many"}, {"--max-lag", "-1"}} {
		doctor(t, env, args...).exits(2)
	}
	x = doctor(t, []string{"TOKENLEDGER_DATA=" + filepath.Join(dir, "none"), "TOKENLEDGER_SERVER=http://" + freeAddress(t)}).exits(1)
	x.says("service", "fail", "does not answer")
	x.says("installation", "ok", "none on this machine")
	doctor(t, []string{"TOKENLEDGER_CONTEXT=nowhere"}).exits(1).says("context", "fail", "nowhere")
}

func TestDoctorBesideAService(t *testing.T) {
	t.Parallel()
	s := start(t, "TOKENLEDGER_NATS_LISTEN="+freeAddress(t))
	env := append(s.env, "TOKENLEDGER_SERVER="+s.URL)
	var x examined
	await(t, "the first epoch is sealed and everything has caught up", func() bool {
		x = doctor(t, env, "--max-lag", "0")
		return x.code == 0
	})
	for _, check := range []string{
		"client", "configuration", "token file", "service", "clock of the service", "lag: verifier", "token", "versions", "data directory",
		"key file", "NATS credentials", "database", "clock of the database", "database roles", "migrations", "lag: projection tokens",
		"lag: sealer", "NATS", "lag: relay",
	} {
		x.says(check, "ok", "")
	}
	for _, file := range []string{"keys.json", "nats/relay.creds", "admin.token"} {
		path := filepath.Join(s.data, file)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		check := map[string]string{"keys.json": "key file", "nats/relay.creds": "NATS credentials", "admin.token": "token file"}[file]
		doctor(t, env).exits(1).says(check, "fail", path).do(t)
	}
	doctor(t, env).exits(0)

	soon := s.createPersonal(t, map[string]any{"name": "soon", "expiresAt": inDays(2)})
	gone := s.createPersonal(t, map[string]any{"name": "gone"})
	s.ask(t, `mutation($id: ID!) { revokePersonalAccessToken(id: $id, reason: "test") { personalAccessToken { id } } }`, map[string]any{"id": gone.ID})
	file := filepath.Join(t.TempDir(), "token")
	for value, want := range map[string]symptom{soon.Value: {Level: "warn", Found: "it ends at"}, gone.Value: {Level: "fail", Found: "does not take"}} {
		if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
		doctor(t, append(env, "TOKENLEDGER_TOKEN_FILE="+file)).says("token", want.Level, want.Found)
	}
}

// front is a proxy before the service, as people have them, with a certificate that is good
// until then, and a clock that is off.
func front(t *testing.T, s *service, until time.Duration, off time.Duration) (url, authority string) {
	t.Helper()
	dir := t.TempDir()
	ca := certstest.New(t, dir)
	pair, err := tls.LoadX509KeyPair(ca.Issue("front", time.Now().Add(until), "127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	behind := mustURL(t, s.URL)
	server := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			return nil
		},
	})
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, ca.File
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDoctorOfAServiceBehindTLS(t *testing.T) {
	t.Parallel()
	s := start(t)
	const month, day = 30 * 24 * time.Hour, 24 * time.Hour
	at := func(until, off time.Duration, trusted bool) examined {
		t.Helper()
		server, authority := front(t, s, until, off)
		env := []string{"TOKENLEDGER_DATA=" + filepath.Join(s.data, "none"), "TOKENLEDGER_SERVER=" + server, "TOKENLEDGER_TOKEN_FILE=" + s.TokenFile}
		if trusted {
			env = append(env, "TOKENLEDGER_CA_FILE="+authority)
		}
		return doctor(t, env)
	}
	good := at(month, 0, true).exits(0)
	good.says("TLS", "ok", "good until")
	good.says("clock of the service", "ok", "within")
	good.says("versions", "ok", "are ")
	at(day, 0, true).exits(0).says("TLS", "warn", "ends at")
	at(-time.Minute, 0, true).exits(1).says("TLS", "fail", "expired")
	at(month, 0, false).exits(1).says("TLS", "fail", "unknown authority")
	var x examined
	await(t, "a clock that is 4 s off is warned of", func() bool { // unless an answer takes two seconds, which may be off as much
		x = at(month, -4*time.Second, true)
		return strings.Contains(x.Stdout.String(), "off this machine's")
	})
	x.exits(0).says("clock of the service", "warn", "off this machine's")
	at(month, time.Minute, true).exits(1).says("clock of the service", "fail", "off this machine's")

	server, authority := front(t, s, month, 0) // other commands trust whom they are told to trust, and nobody else
	run(t, []string{"TOKENLEDGER_SERVER=" + server, "TOKENLEDGER_TOKEN_FILE=" + s.TokenFile, "TOKENLEDGER_CA_FILE=" + authority}, "token", "list").exits(t, 0)
	run(t, []string{"TOKENLEDGER_SERVER=" + server, "TOKENLEDGER_TOKEN_FILE=" + s.TokenFile}, "token", "list").exits(t, 1, "certificate")
}

func TestDoctorOfAnExternalDatabase(t *testing.T) {
	t.Parallel()
	sh := startShared(t)
	s := sh.service(t)
	x := doctor(t, s.env).exits(1)
	x.says("key file", "fail", "no token verifies")
	s.initialize(t, "--organization", "Example", "--email", "owner@example.com").exits(t, 0)
	if err := eventstore.Migrate(t.Context(), sh.database, "migrated"); err != nil {
		t.Fatal(err)
	}
	doctor(t, append(s.env, "TOKENLEDGER_DATABASE_SCHEMA=migrated")).exits(1).says("initialization", "fail", "no administrator")
	doctor(t, append(s.env, "TOKENLEDGER_DATABASE_SCHEMA=nowhere")).exits(1).says("migrations", "fail", "not migrated")

	s.start(t)
	env := append(s.env, "TOKENLEDGER_SERVER="+s.URL)
	await(t, "everything has caught up", func() bool {
		x = doctor(t, env)
		return strings.Count(x.Stdout.String(), `"level":"fail"`) == 2 // those below
	})
	x.says("durability", "fail", "fsync is off") // as the tests have it
	x.says("durability", "fail", "full_page_writes is off")
	x.says("NATS", "ok", "nats-server")
	x.says("lag: relay", "ok", "")

	changed := sh.superuser(t, `GRANT UPDATE ON tokenledger.blocks TO `+eventstore.RoleReader)
	sql := regexp.MustCompile(`'(REVOKE [^']*)'`).FindStringSubmatch(doctor(t, env).exits(1).says("database roles", "fail", "UPDATE blocks").Remedy)
	if sql == nil {
		t.Fatal("the remedy is no SQL")
	}
	changed(sql[1])
	doctor(t, env).says("database roles", "ok", "")

	changed(`CREATE SCHEMA fake; CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + interval ''1 minute''';
		CREATE ROLE stranger LOGIN PASSWORD 'stranger'`)
	strange := mustURL(t, sh.database)
	q := strange.Query()
	q.Set("options", "-c search_path=fake,pg_catalog")
	strange.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	doctor(t, append(env, "TOKENLEDGER_DATABASE_URL="+strange.String())).exits(1).says("clock of the database", "fail", "1m0")
	strange = mustURL(t, sh.database)
	strange.User = url.UserPassword("stranger", "stranger")
	x = doctor(t, append(env, "TOKENLEDGER_DATABASE_URL="+strange.String())).exits(1)
	x.says("database roles", "fail", "cannot act as "+eventstore.RoleAppender)
	strange.User = url.UserPassword("stranger", "wrong-password")
	x = doctor(t, append(env, "TOKENLEDGER_DATABASE_URL="+strange.String())).exits(1)
	x.says("database", "fail", "stranger")
	if strings.Contains(x.Stdout.String()+x.Stderr.String(), "wrong-password") {
		t.Error("the password is shown")
	}

	s.stop(t) // and nothing follows the log any more
	run(t, s.env, "keys", "rotate", "pepper").exits(t, 0)
	x = doctor(t, env, "--max-lag", "0").exits(1)
	x.says("service", "fail", "does not answer")
	x.says("lag: projection tokens", "fail", "behind the log")
	x.says("lag: sealer", "fail", "behind the log")
	x.says("lag: relay", "fail", "behind the log")

	s.start(t)
	env = append(s.env, "TOKENLEDGER_SERVER="+s.URL)
	if err := sh.nats.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	await(t, "the service notices", func() bool {
		x = doctor(t, env)
		return strings.Contains(x.Stdout.String(), `"service: nats"`)
	})
	x.exits(1).says("service: nats", "fail", "")
	x.says("NATS", "fail", "NATS")
}

// superuser runs a statement, and gives what runs others.
func (sh *shared) superuser(t *testing.T, sql string) func(sql string) {
	t.Helper()
	do := func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), sh.database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	do(sql)
	return do
}
