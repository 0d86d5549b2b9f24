// The private Postgres: its configuration, start, address and end.

package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// orphanedBackends is how Postgres (with LC_ALL=C) says that its predecessor was
	// killed while a query ran, whose process still uses the shared memory.
	orphanedBackends = "pre-existing shared memory block"
	orphanDelay      = 200 * time.Millisecond
)

// PostgresConfig says where the private Postgres lives. Only Dir is required.
type PostgresConfig struct {
	// Dir is the data directory of the service. The cluster is Dir/postgres, its
	// password file Dir/postgres.password, its lock Dir/postgres.lock.
	Dir string
	// BinDir holds postgres and initdb. Empty means to search, in this order:
	// TOKENLEDGER_POSTGRES_BIN, PATH, where packages install it, the cache, npm.
	BinDir string
	// Log gets what the server writes. Nil discards it.
	Log *slog.Logger
	// Settings are further server settings (name to value). Durability is on
	// unless they turn it off, which only tests should ("fsync": "off").
	Settings map[string]string
}

// reserved are the settings that this package's promises rest on: reachable by
// the socket only, found again by the next start, no statement and no row in the log.
var reserved = []string{
	"cluster_name", "config_file", "data_directory", "external_pid_file", "hba_file", "ident_file", "lc_messages",
	"listen_addresses", "log_destination", "log_error_verbosity", "log_line_prefix", "log_min_error_statement",
	"logging_collector", "port", "unix_socket_directories", "unix_socket_permissions",
}

var settingName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$`)

func (c PostgresConfig) validate() error {
	var problems []error
	if c.Dir == "" {
		problems = append(problems, errors.New("embedded Postgres: Dir is empty; name the data directory"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		switch {
		case !settingName.MatchString(name):
			problems = append(problems, fmt.Errorf("embedded Postgres: %q is no name of a setting", name))
		case slices.Contains(reserved, name):
			problems = append(problems, fmt.Errorf("embedded Postgres: the setting %s is fixed", name))
		case strings.ContainsRune(c.Settings[name], 0):
			problems = append(problems, fmt.Errorf("embedded Postgres: the setting %s has a NUL byte", name))
		}
	}
	return errors.Join(problems...)
}

// Postgres is a running private server. Its owner calls Stop.
type Postgres struct {
	server   *child
	log      *pgLog
	lock     *dirLock
	password string
	socket   string // directory
	private  bool   // the socket directory is ours to remove

	stopping atomic.Bool
	done     chan struct{}
	err      error // set before done is closed
}

// StartPostgres starts a private server on c.Dir, creating the cluster at the
// first start, and returns once it answers. It waits for a predecessor that is
// still ending and for crash recovery, as long as ctx allows; afterwards ctx has
// no further effect. Refusals wrap this package's Err values.
func StartPostgres(ctx context.Context, c PostgresConfig) (*Postgres, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	who, err := serverAccount()
	if err != nil {
		return nil, err
	}
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return nil, fmt.Errorf("find the data directory: %w", err)
	}
	if err := who.makeParent(c.Dir); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	lock, err := lockServer(c.Dir, "postgres")
	if err != nil {
		return nil, err
	}
	p, err := startLocked(ctx, c, who, lock)
	if err != nil {
		lock.release()
		return nil, err
	}
	return p, nil
}

// startLocked is StartPostgres once the directory is this process's own.
func startLocked(ctx context.Context, c PostgresConfig, who account, lock *dirLock) (*Postgres, error) {
	dir, bins, err := prepareCluster(ctx, c, who)
	if err != nil {
		return nil, err
	}
	password, err := readPassword(c.Dir)
	if err != nil {
		return nil, err
	}
	for {
		stale, err := awaitPredecessor(ctx, dir)
		if err != nil {
			return nil, err
		}
		p := &Postgres{log: &pgLog{log: c.Log}, lock: lock, password: password, done: make(chan struct{})}
		if err = p.launch(ctx, dir, bins, who, c.Settings, stale); err == nil {
			go p.watch()
			return p, nil
		}
		if ctx.Err() != nil || !strings.Contains(err.Error(), orphanedBackends) {
			return nil, err
		}
		c.Log.WarnContext(ctx, "the previous Postgres was killed and a query of it still runs; trying again")
		select {
		case <-ctx.Done():
		case <-time.After(orphanDelay):
		}
	}
}

// launch starts the server process and waits until it answers. When it fails, no
// process is left.
func (p *Postgres) launch(ctx context.Context, dir string, bins binaries, who account, settings map[string]string, stale int) (err error) {
	if p.socket, p.private, err = socketDir(dir, who); err != nil {
		return err
	}
	cmd := exec.Command(bins.postgres(), serverArgs(dir, p.socket, settings)...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	// Postgres does not take this number in postmaster.pid for another server.
	cmd.Env = append(childEnv(), "PG_GRANDPARENT_PID="+strconv.Itoa(stale))
	if p.server, err = startChild(cmd, who); err != nil {
		p.removeSocketDir()
		return fmt.Errorf("start Postgres as the user %s: %w", who.name, err)
	}
	if err = p.awaitReady(ctx, dir); err != nil {
		p.removeSocketDir()
	}
	return err
}

// prepareCluster returns the cluster's directory, free of symbolic links, and
// the programs that fit it.
func prepareCluster(ctx context.Context, c PostgresConfig, who account) (string, binaries, error) {
	if err := removeLeftovers(ctx, c.Dir, c.Log); err != nil {
		return "", binaries{}, err
	}
	dir := filepath.Join(c.Dir, "postgres")
	major, err := examine(dir, who)
	if err != nil {
		return "", binaries{}, err
	}
	f := finderFor(who, c.Log)
	f.npm, _ = exec.LookPath("npm")
	bins, err := f.find(ctx, cmp.Or(c.BinDir, os.Getenv(binEnv)), major)
	if err != nil {
		return "", binaries{}, fmt.Errorf("prepare the data directory %s: %w", dir, err)
	}
	if major == 0 {
		durable := c.Settings["fsync"] != "off"
		if err := createCluster(ctx, c.Dir, dir, bins, who, durable); err != nil {
			return "", binaries{}, err
		}
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", binaries{}, fmt.Errorf("find the data directory: %w", err)
	}
	if err := os.Chmod(real, 0o700); err != nil { // volumes come with modes that Postgres refuses
		return "", binaries{}, fmt.Errorf("close the data directory to others: %w", err)
	}
	return real, bins, nil
}

func serverArgs(dir, socket string, settings map[string]string) []string {
	args := []string{"-D", dir}
	set := func(name, value string) { args = append(args, "-c", name+"="+value) }
	set("listen_addresses", "")
	set("unix_socket_directories", socket)
	set("unix_socket_permissions", "0700")
	set("port", port)
	set("cluster_name", ourClusterName)
	set("logging_collector", "off")
	set("log_destination", "stderr")
	set("log_line_prefix", "")
	set("lc_messages", "C")
	// Statements and the details of errors can hold secrets and personal values.
	set("log_error_verbosity", "terse")
	set("log_min_error_statement", "panic")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		set(name, settings[name])
	}
	return args
}

// awaitReady waits for the status that the server keeps in postmaster.pid. When
// it fails, the server has ended.
func (p *Postgres) awaitReady(ctx context.Context, dir string) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			file, err := readPIDFile(dir)
			if err == nil && file.pid == p.PID() && file.status == "ready" {
				return nil
			}
		case <-p.server.done:
			return fmt.Errorf("the private Postgres ended while starting (%w): %s", p.server.exit(), p.log.tail())
		case <-ctx.Done():
			_ = p.server.cmd.Process.Signal(syscall.SIGQUIT)
			<-p.server.done
			return fmt.Errorf("the private Postgres was not ready in time (%w): %s", context.Cause(ctx), p.log.tail())
		}
	}
}

// watch owns the end of a server that was started: it says why, cleans up, and
// lets the directory go.
func (p *Postgres) watch() {
	<-p.server.done
	switch {
	case !p.stopping.Load():
		p.err = fmt.Errorf("the private Postgres (process %d) ended by itself (%w): %s", p.PID(), p.server.exit(), p.log.tail())
	case p.server.err != nil:
		p.err = fmt.Errorf("the private Postgres (process %d) did not end cleanly (%w): %s", p.PID(), p.server.err, p.log.tail())
	}
	p.removeSocketDir()
	p.lock.release()
	close(p.done)
}

// Done is closed when the server process has ended, whoever ended it.
func (p *Postgres) Done() <-chan struct{} { return p.done }

// Err says why the server ended: nil while it runs and after a clean Stop.
func (p *Postgres) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// PID is the process number of the server.
func (p *Postgres) PID() int { return p.server.cmd.Process.Pid }

// Stop ends the server: open transactions are rolled back, connections closed,
// and everything is flushed. When ctx ends first, the server is ended at once, an
// error says so, and the next start recovers from the log as after a crash. Stop
// returns when the process is gone; calling it again is harmless.
func (p *Postgres) Stop(ctx context.Context) error {
	p.stopping.Store(true)
	_ = p.server.cmd.Process.Signal(syscall.SIGINT) // an ended server is what is wanted
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
	}
	_ = p.server.cmd.Process.Signal(syscall.SIGQUIT)
	<-p.done
	return fmt.Errorf("the private Postgres did not end in time and was stopped at once: %w", context.Cause(ctx))
}
