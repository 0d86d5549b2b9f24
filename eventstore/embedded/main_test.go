// What the tests share: the leak check, servers to test, and a second process.

package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
)

// Either variable makes the test binary a service: it runs a server on the
// directory that the variable names, reports it, and waits to be killed.
const (
	serveEnv     = "EMBEDDED_TEST_SERVE"
	serveNATSEnv = "EMBEDDED_TEST_SERVE_NATS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveEnv); dir != "" {
		os.Exit(serve(dir))
	}
	if dir := os.Getenv(serveNATSEnv); dir != "" {
		os.Exit(serveNATS(dir))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if dir, err := scratch(); err == nil {
			os.RemoveAll(dir)
		}
		os.Exit(code)
	}))
}

// scratch holds every test's files until all tests have ended. Removing each
// cluster's thousand files at once slows the tests down by half: ext4 is loath to
// reuse what was deleted within the last seconds.
var scratch = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "embedded-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
})

// madeOnce is a data directory whose cluster was started and stopped; a copy
// takes a fifth of the time that initdb takes.
var madeOnce = sync.OnceValues(func() (string, error) {
	parent, err := scratch()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(parent, "template")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p, err := StartPostgres(ctx, PostgresConfig{Dir: dir, Settings: map[string]string{"fsync": "off"}})
	if err != nil {
		return "", err
	}
	return dir, p.Stop(ctx)
})

// usedDir is a data directory on which a server has run before.
func usedDir(t *testing.T) string {
	t.Helper()
	template, err := madeOnce()
	if err != nil {
		t.Fatal(err)
	}
	dir := dataDir(t)
	if out, err := exec.Command("cp", "-a", template+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("copy: %v: %s", err, out)
	}
	return dir
}

// report is what the second process says once its server answers.
type report struct {
	PID int
	URL string
}

func serve(dir string) int {
	p, err := StartPostgres(context.Background(), PostgresConfig{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(report{p.PID(), p.URL()}); err != nil {
		return 1
	}
	<-p.Done()
	return 0
}

// natsService makes a second process run NATS instead of Postgres.
func natsService(cmd *exec.Cmd) {
	last := len(cmd.Env) - 1
	cmd.Env[last] = strings.Replace(cmd.Env[last], serveEnv, serveNATSEnv, 1)
}

func serveNATS(dir string) int {
	ctx := context.Background()
	n, err := StartNATS(ctx, NATSConfig{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	conn, err := n.RelayConn(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: stream, Subjects: []string{"tokenledger.events.>"}})
	}
	for range 3 {
		if err == nil {
			_, err = js.Publish(ctx, "tokenledger.events.o", nil)
		}
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(report{os.Getpid(), n.ClientURL()})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	select {} // until killed
}

// service is the test binary as a second process.
type service struct {
	cmd    *exec.Cmd
	stdout io.ReadCloser
}

func startService(t *testing.T, dir string, change ...func(*exec.Cmd)) *service {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &service{cmd: exec.Command(self)}
	s.cmd.Env = append(os.Environ(), serveEnv+"="+dir)
	s.cmd.Stderr = os.Stderr
	for _, f := range change {
		f(s.cmd)
	}
	if s.stdout, err = s.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

func (s *service) awaitReport(t *testing.T) report {
	t.Helper()
	var r report
	if err := json.NewDecoder(bufio.NewReader(s.stdout)).Decode(&r); err != nil {
		t.Fatalf("the service did not start: %v", err)
	}
	return r
}

// kill is kill -9, and returns when the process is gone.
func (s *service) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// start runs a private Postgres until the test ends. Without a Settings map it
// gives durability up, since nobody pulls the plug on these.
func start(t *testing.T, c PostgresConfig) *Postgres {
	t.Helper()
	if c.Settings == nil {
		c.Settings = map[string]string{"fsync": "off"}
	}
	p, err := StartPostgres(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, p) })
	return p
}

func stop(t *testing.T, p *Postgres) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execSQL(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func query[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	rows, _ := conn.Query(t.Context(), sql) // its error comes out of the rows
	value, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// await polls a condition that nothing announces.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// gone says that no such process exists, or only its exit status still does.
func gone(pid int, cluster string) bool {
	return syscall.Kill(pid, 0) != nil || !servesDir(pid, cluster)
}

// dataDir is a directory that Postgres can reach. t.TempDir is none for root: its
// parent is closed to every other user.
func dataDir(t *testing.T) string {
	t.Helper()
	parent, err := scratch()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(parent, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustAccount(t *testing.T) account {
	t.Helper()
	who, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// mkdir makes a directory that the account owns.
func mkdir(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := mustAccount(t).own(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := mustAccount(t).own(path); err != nil {
		t.Fatal(err)
	}
}

func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can start processes as another user")
	}
}

func clusterOf(dir string) string { return filepath.Join(dir, "postgres") }
