// A private Postgres from its start to its end.

package embedded

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestPostgresIsDurableAndPrivate(t *testing.T) {
	t.Parallel()
	p := start(t, PostgresConfig{Dir: dataDir(t), Settings: map[string]string{"max_connections": "17"}})
	conn := connect(t, p.URL())
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
		"listen_addresses": "", "password_encryption": "scram-sha-256", "unix_socket_permissions": "0700",
		"server_encoding": "UTF8", "max_connections": "17", "TimeZone": "UTC",
	} {
		if got := query[string](t, conn, "SHOW "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if _, err := pgx.Connect(t.Context(), p.URLFor("postgres", "wrong", "postgres")); err == nil {
		t.Error("a wrong password was let in")
	}
	if methods := query[int](t, conn, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'"); methods != 0 {
		t.Errorf("%d access rules ask for no password", methods)
	}
}

func TestFilesAreTheAccountsAlone(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	start(t, PostgresConfig{Dir: dir})
	who := mustAccount(t)
	for path, want := range map[string]struct {
		mode fs.FileMode
		uid  uint32
	}{
		clusterOf(dir):                      {0o700 | fs.ModeDir, who.uid},
		filepath.Join(dir, passwordName):    {0o600, uint32(os.Geteuid())},
		filepath.Join(dir, "postgres.lock"): {0o600, uint32(os.Geteuid())},
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; info.Mode() != want.mode || uid != want.uid {
			t.Errorf("%s is %v of uid %d, want %v of uid %d", path, info.Mode(), uid, want.mode, want.uid)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 {
		t.Errorf("the data directory holds %v: initdb's password file must be gone", entries)
	}
}

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	c := PostgresConfig{Dir: usedDir(t)}
	p := start(t, c)
	execSQL(t, connect(t, p.URL()), "CREATE TABLE kept AS SELECT 42 AS n")
	stop(t, p)
	if err := p.Err(); err != nil {
		t.Errorf("Err after a clean stop: %v", err)
	}
	stop(t, p) // twice is harmless

	p = start(t, c)
	if n := query[int](t, connect(t, p.URL()), "SELECT n FROM kept"); n != 42 {
		t.Errorf("read %d", n)
	}
}

func TestSeveralServersAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			p, err := StartPostgres(t.Context(), PostgresConfig{Dir: usedDir(t), Settings: map[string]string{"fsync": "off"}})
			if err != nil {
				t.Error(err)
				return
			}
			defer stop(t, p)
			conn, err := pgx.Connect(t.Context(), p.URL())
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close(t.Context())
		})
	}
	all.Wait()
}

func TestOneServiceADirectory(t *testing.T) {
	t.Parallel()
	c := PostgresConfig{Dir: usedDir(t)}
	start(t, c)
	_, err := StartPostgres(t.Context(), c)
	if !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v, want ErrInUse", err)
	}
	if !strings.Contains(err.Error(), "postgres.lock") || strings.Contains(err.Error(), "(unknown)") {
		t.Errorf("the error names neither holder nor lock: %v", err)
	}
}

func TestAnEndNobodyAskedForIsReported(t *testing.T) {
	t.Parallel()
	c := PostgresConfig{Dir: usedDir(t)}
	p := start(t, c)
	if err := p.Err(); err != nil {
		t.Fatalf("Err while running: %v", err)
	}
	if err := syscall.Kill(p.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Fatalf("Err is %v", err)
	}
	q := start(t, c) // the directory is free again
	stop(t, q)
	p.err = nil // reported above; the cleanup's Stop repeats it
}

func TestStopEndsOpenConnections(t *testing.T) {
	t.Parallel()
	p := start(t, PostgresConfig{Dir: usedDir(t)})
	conn := connect(t, p.URL())
	execSQL(t, conn, "BEGIN")
	stop(t, p)
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the connection outlived the server")
	}
}

func TestStopInAHurryLosesNothing(t *testing.T) {
	t.Parallel()
	c := PostgresConfig{Dir: usedDir(t), Settings: map[string]string{}}
	p := start(t, c)
	conn := connect(t, p.URL())
	execSQL(t, conn, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
	now, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no time"))
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil { // the fast way cannot win the race
		t.Fatal(err)
	}
	resumed := make(chan error)
	go func() { resumed <- syscall.Kill(p.PID(), syscall.SIGCONT) }()
	if err := p.Stop(now); err == nil || !strings.Contains(err.Error(), "no time") {
		t.Errorf("Stop without time answered %v", err)
	}
	if err := <-resumed; err != nil {
		t.Fatal(err)
	}
	p = start(t, c)
	if n := query[int](t, connect(t, p.URL()), "SELECT count(*) FROM kept"); n != 1000 {
		t.Errorf("%d rows are left", n)
	}
}

func TestAStartThatRunsOutOfTimeLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	late, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := StartPostgres(late, PostgresConfig{Dir: dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(clusterOf(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a data directory was left: %v", err)
	}
	start(t, PostgresConfig{Dir: dir})
}

func TestABadSettingIsExplained(t *testing.T) {
	t.Parallel()
	_, err := StartPostgres(t.Context(), PostgresConfig{Dir: usedDir(t), Settings: map[string]string{"max_connections": "many", "fsync": "off"}})
	if err == nil || !strings.Contains(err.Error(), "max_connections") {
		t.Errorf("got %v", err)
	}
}

func TestConfigReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := StartPostgres(t.Context(), PostgresConfig{Settings: map[string]string{
		"listen_addresses": "*", "bad name": "1", "work_mem": "a\x00b",
	}})
	for _, part := range []string{"Dir is empty", "listen_addresses is fixed", `"bad name"`, "work_mem"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
}

func TestPathsThatASocketOrURLCannotHold(t *testing.T) {
	t.Parallel()
	for name, sub := range map[string]string{
		"long":  strings.Repeat("long/", 30) + "data",
		"comma": "a,b",
		"space": "with a space & 100%",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, PostgresConfig{Dir: filepath.Join(dataDir(t), sub)})
			query[int](t, connect(t, p.URL()), "SELECT 1")
			if name == "space" {
				return // the socket lies in the cluster
			}
			info, err := os.Stat(p.socket)
			if err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the socket's directory: %v, %v", info, err)
			}
			stop(t, p)
			if _, err := os.Stat(p.socket); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the socket's directory is still there: %v", err)
			}
		})
	}
}

func TestURLsAreUnderstoodByEveryDriver(t *testing.T) {
	t.Parallel()
	got := socketURL("/a b/c+d", "me", "p/w @?", "da ta")
	if strings.Contains(got, "a+b") {
		t.Errorf("libpq reads no plus sign as a space: %s", got)
	}
	u, err := url.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	if u.User.Username() != "me" || password != "p/w @?" || u.Path != "/da ta" || u.Query().Get("host") != "/a b/c+d" {
		t.Errorf("read back as %v %q %q %q", u.User.Username(), password, u.Path, u.Query())
	}
}

func TestADataDirectoryBehindALink(t *testing.T) {
	t.Parallel()
	real, link := dataDir(t), filepath.Join(dataDir(t), "data")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	p := start(t, PostgresConfig{Dir: link})
	stop(t, p)
	start(t, PostgresConfig{Dir: link})
}

func TestRunningPostgresURL(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	if _, err := RunningPostgresURL(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("before the start: %v", err)
	}
	p := start(t, PostgresConfig{Dir: dir})
	got, err := RunningPostgresURL(dir)
	if err != nil || got != p.URL() {
		t.Errorf("got %q, %v", got, err)
	}
	stop(t, p)
	if _, err := RunningPostgresURL(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after the stop: %v", err)
	}
}

func TestNoStatementOrRowReachesTheLog(t *testing.T) {
	t.Parallel()
	const canary = "canary-7d1f"
	var out lockedBuffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := start(t, PostgresConfig{Dir: usedDir(t), Log: log})
	conn := connect(t, p.URL())
	execSQL(t, conn, "CREATE TABLE t (secret text PRIMARY KEY CHECK (secret <> ''))")
	for range 2 { // the second violates the key, and says so with the row
		_, _ = conn.Exec(t.Context(), "INSERT INTO t VALUES ('"+canary+"')")
	}
	_, _ = conn.Exec(t.Context(), "ALTER ROLE nobody_here PASSWORD '"+canary+"'")
	stop(t, p)
	if text := out.String(); !strings.Contains(text, "duplicate key") || strings.Contains(text, canary) || strings.Contains(text, p.password) {
		t.Errorf("the log:\n%s", text)
	}
}

type lockedBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
