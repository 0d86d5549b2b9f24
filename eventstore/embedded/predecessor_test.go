// kill -9 in all its forms, and what a start finds after it.

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// killableService is a service on a new directory, with a table of one row.
func killableService(t *testing.T) (s *service, r report, dir string) {
	t.Helper()
	dir = usedDir(t)
	s = startService(t, dir)
	r = s.awaitReport(t)
	t.Cleanup(func() { // whatever went wrong, leave no server behind
		if servesDir(r.PID, clusterOf(dir)) {
			_ = syscall.Kill(r.PID, syscall.SIGQUIT)
		}
	})
	execSQL(t, connect(t, r.URL), "CREATE TABLE kept AS SELECT 42 AS n")
	return s, r, dir
}

func restartKeeps(t *testing.T, dir string) {
	t.Helper()
	p := start(t, PostgresConfig{Dir: dir})
	if n := query[int](t, connect(t, p.URL()), "SELECT n FROM kept"); n != 42 {
		t.Errorf("read %d", n)
	}
}

func TestKillNineOfTheServiceEndsPostgresCleanly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("skipped: only Linux signals a child at its parent's death; elsewhere the next start ends the server")
	}
	s, r, dir := killableService(t)
	s.kill()
	await(t, "the server to end", func() bool { return gone(r.PID, clusterOf(dir)) })
	if _, err := os.Stat(filepath.Join(clusterOf(dir), "postmaster.pid")); err == nil {
		t.Error("postmaster.pid is left: that was no clean end")
	}
	restartKeeps(t, dir)
}

// The kernel takes the end of the thread that forked for the end of the parent.
func TestTheEndOfTheStartingThreadEndsNothing(t *testing.T) {
	t.Parallel()
	c := PostgresConfig{Dir: usedDir(t), Settings: map[string]string{"fsync": "off"}}
	started := make(chan *Postgres)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		p, err := StartPostgres(t.Context(), c)
		if err != nil {
			t.Error(err)
		}
		started <- p
	}()
	p := <-started
	if p == nil {
		return
	}
	t.Cleanup(func() { stop(t, p) })
	for range 20 { // several waits of the scheduler, each long enough for a thread to end
		runtime.GC()
		query[int](t, connect(t, p.URL()), "SELECT 1")
	}
	select {
	case <-p.Done():
		t.Error(p.Err())
	default:
	}
}

func TestARestartDoesNotRaceTheDyingServer(t *testing.T) {
	t.Parallel()
	s, _, dir := killableService(t)
	s.kill()
	restartKeeps(t, dir)
}

func TestARestartWaitsForTheDyingServer(t *testing.T) {
	t.Parallel()
	s, r, dir := killableService(t)
	// A server ends only when its checkpointer has; stop that one for a while. (The
	// kernel continues a stopped server itself, since its process group is orphaned.)
	slow := query[int](t, connect(t, r.URL), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
	if err := syscall.Kill(slow, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.kill()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := StartPostgres(ctx, PostgresConfig{Dir: dir})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", r.PID)) {
		t.Errorf("beside the stopped server: %v", err)
	}
	if err := syscall.Kill(slow, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	restartKeeps(t, dir)
}

func TestAServerThatOutlivedItsServiceIsEnded(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	c := PostgresConfig{Dir: dir, Settings: map[string]string{"fsync": "off"}}
	p := start(t, c)
	execSQL(t, connect(t, p.URL()), "CREATE TABLE kept AS SELECT 42 AS n")
	p.stopping.Store(true) // its end below is expected
	p.lock.release()       // as if the service had died where no signal tells its children
	if p.lock.file, _ = os.Open(os.DevNull); p.lock.file == nil {
		t.Fatal("no file to release again")
	}
	restartKeeps(t, dir)
	<-p.Done()
}

func TestKillNineOfTheServerItself(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	p := start(t, PostgresConfig{Dir: dir, Settings: map[string]string{}})
	execSQL(t, connect(t, p.URL()), "CREATE TABLE kept AS SELECT 42 AS n")
	busy := connect(t, p.URL()) // a backend that notices late that its postmaster is gone
	answered := make(chan error, 1)
	go func() {
		_, err := busy.Exec(t.Context(), "DO $$ BEGIN WHILE clock_timestamp() < now() + interval '2s' LOOP END LOOP; END $$")
		answered <- err
	}()
	await(t, "the backend to be busy", func() bool {
		return query[int](t, connect(t, p.URL()), "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'") == 1
	})
	p.stopping.Store(true)
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	p.err = nil // expected
	restartKeeps(t, dir)
	select {
	case <-answered: // the data had one server at a time
	default:
		t.Error("the start did not wait for the old backend")
	}
}

func TestANumberThatAnotherProgramInheritedDoesNotBlock(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	p := start(t, PostgresConfig{Dir: dir})
	execSQL(t, connect(t, p.URL()), "CREATE TABLE kept AS SELECT 42 AS n")
	pidfile := filepath.Join(clusterOf(dir), "postmaster.pid")
	left, err := os.ReadFile(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, p)

	// Of the same user, or Postgres would know by itself.
	stranger, err := startChild(exec.Command("sleep", "600"), mustAccount(t))
	if err != nil {
		t.Fatal(err)
	}
	number := stranger.cmd.Process.Pid
	t.Cleanup(func() { _ = stranger.cmd.Process.Kill(); <-stranger.done })
	_, rest, _ := strings.Cut(string(left), "\n")
	write(t, pidfile, fmt.Sprintf("%d\n%s", number, rest))
	restartKeeps(t, dir)
	select {
	case <-stranger.done:
		t.Error("the stranger was ended")
	default:
	}
}

func TestAServerThatAPersonStartedIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	c := PostgresConfig{Dir: dir, Settings: map[string]string{"fsync": "off"}}
	p := start(t, c)
	url := p.URL()
	stop(t, p)
	bins, err := finder{who: mustAccount(t), path: os.Getenv("PATH"), places: installPlaces}.find(t.Context(), os.Getenv(binEnv), 0)
	if err != nil {
		t.Fatal(err)
	}
	cluster := clusterOf(dir)
	cmd := exec.Command(bins.postgres(), "-D", cluster, "-c", "listen_addresses=", "-c", "unix_socket_directories="+cluster)
	cmd.Env = childEnv()
	person, err := startChild(cmd, mustAccount(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGINT); <-person.done })
	await(t, "the person's server", func() bool {
		file, err := readPIDFile(cluster)
		return err == nil && file.status == "ready"
	})
	if _, err := StartPostgres(t.Context(), c); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("the person's server is gone: %v", err)
	}
	_ = conn.Close(t.Context())
}
