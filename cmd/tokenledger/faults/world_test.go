// A world: some services, their Postgres, their NATS, and what is between them.

//go:build faults

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// world lasts for some rounds; the next one begins with an empty log.
type world struct {
	name     string
	dir      string
	clock    *serverClock // nil: Postgres has the machine's
	disks    map[string]*disk
	postgres *postgres
	nats     *broker
	nodes    *nodes // instead of nats, where that is a cluster
	ways     ways   // of a service to its servers
	services []*service
	program  string   // the binary that services begin with
	settings []string // of every service, beside those of each
	front    *front   // nil: clients ask the services themselves

	admin, caller string // values of tokens: the administrator's, and of who asks about others
	organization  string
	epoch         time.Time
	recovery      *recovery
	ends          []func() error
}

// now is the time since the world began, by a clock that nobody turns.
func (w *world) now() time.Duration { return time.Since(w.epoch) }

const (
	postgresDisk = "postgres"
	natsDisk     = "nats"
)

// newWorld has one Postgres and one NATS server.
func newWorld(ctx context.Context, name string, services int, report *report) (*world, error) {
	return found(ctx, name, services, report, (*world).startServers)
}

// found makes a world of the servers that start starts.
func found(ctx context.Context, name string, services int, report *report, start func(*world, *report) error) (w *world, err error) {
	w = &world{name: name, disks: map[string]*disk{}, epoch: time.Now(), recovery: report.recovery, program: binary}
	w.ways = w.singly
	defer func() {
		if err != nil {
			err = errors.Join(err, w.end())
		}
	}()
	if w.dir, err = os.MkdirTemp("", "tokenledger-faults-"); err != nil {
		return w, err
	}
	w.ends = append(w.ends, func() error { return os.RemoveAll(w.dir) })
	if err := os.Chmod(w.dir, 0o711); err != nil { // Postgres runs as another user
		return w, err
	}
	if err := start(w, report); err != nil {
		return w, err
	}
	if err := w.design(services); err != nil {
		return w, err
	}
	if err := w.initialize(); err != nil {
		return w, err
	}
	if err := w.serve(ctx); err != nil {
		return w, err
	}
	return w, w.introduce(ctx)
}

// design makes services that are not started yet.
func (w *world) design(services int) error {
	w.services = nil
	for i := range services {
		s, err := w.newService(fmt.Sprint("s", i))
		if err != nil {
			return err
		}
		w.services = append(w.services, s)
	}
	return nil
}

// serve starts the services, and returns when they are ready.
func (w *world) serve(ctx context.Context) error {
	for _, s := range w.services {
		go s.supervise()
		w.ends = append(w.ends, s.stop)
	}
	return w.awaitReady(ctx)
}

func (w *world) startServers(report *report) (err error) {
	for name, size := range map[string]string{postgresDisk: "400m", natsDisk: "640m"} {
		path := filepath.Join(w.dir, name)
		if err := os.Mkdir(path, 0o711); err != nil {
			return err
		}
		d, err := mount(path, size)
		if err != nil {
			report.skip("full disks", fmt.Sprintf("no tmpfs can be mounted here: %v", err))
			continue
		}
		w.disks[name] = d
		w.ends = append(w.ends, d.unmount)
	}
	config := embedded.PostgresConfig{Dir: filepath.Join(w.dir, postgresDisk, "data"), Settings: postgresSettings()}
	if w.clock, err = newServerClock(w.dir); err != nil {
		report.skip("jumps of the clock of Postgres", err.Error())
	} else {
		config.BinDir = w.clock.bin
	}
	if err := w.startPostgres(config); err != nil {
		return err
	}
	if w.nats, err = newBroker(filepath.Join(w.dir, natsDisk)); err != nil {
		return err
	}
	w.ends = append(w.ends, func() error { w.nats.kill(); return nil })
	return nil
}

func (w *world) startPostgres(config embedded.PostgresConfig) (err error) {
	if w.postgres, err = newPostgres(config); err == nil {
		w.ends = append(w.ends, w.postgres.stop)
	}
	return err
}

// reader is a connection of who may only follow the log.
func (w *world) reader() (*nats.Conn, error) {
	if w.nodes != nil {
		return w.nodes.connect("reader")
	}
	return nats.Connect("nats://"+w.nats.address, nats.UserCredentials(w.nats.creds("reader")))
}

// postgresSettings keep the server to its small disk.
func postgresSettings() map[string]string {
	return map[string]string{"max_connections": "200", "min_wal_size": "32MB", "max_wal_size": "64MB"}
}

func (w *world) initialize() error {
	p, err := w.command(w.services[0], "init", "--organization", "Demo", "--email", "owner@example.com")
	if err != nil {
		return err
	}
	value, err := os.ReadFile(filepath.Join(w.dir, "s0", "admin.token"))
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.Output())
	}
	w.admin = strings.TrimSpace(string(value))
	return nil
}

// introduce makes the token that asks about others.
func (w *world) introduce(ctx context.Context) error {
	a, err := outside.Try(ctx, admins, w.services[0].url, w.admin,
		`mutation { createAPIToken(input: {name: "asks", scopes: ["token:introspect"]}) { apiToken { token } receipt { position } } }`, nil)
	if err != nil {
		return err
	}
	it, _ := a.Data["createAPIToken"].(map[string]any)
	made, _ := it["apiToken"].(map[string]any)
	w.caller, _ = made["token"].(string)
	if a, err = outside.Try(ctx, admins, w.services[0].url, w.admin, `{ organization { id } }`, nil); err != nil {
		return err
	}
	organization, _ := a.Data["organization"].(map[string]any)
	w.organization, _ = organization["id"].(string)
	if w.caller == "" || w.organization == "" {
		return fmt.Errorf("the service answers %s", a.Body)
	}
	return nil
}

// awaitReady returns when every service says on /readyz that it is.
func (w *world) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for _, s := range w.services {
		if err := await(ctx, func() error { return s.ready(ctx) }); err != nil {
			return fmt.Errorf("%s is not ready: %w\n%s", s.name, err, s.output())
		}
	}
	return nil
}

// await tries until there is no error any more, or until ctx ends. Then it gives what was
// wrong, rather than that a question was cut off.
func await(ctx context.Context, try func() error) error {
	var wrong error
	for {
		err := try()
		if err == nil {
			return nil
		}
		if wrong == nil || ctx.Err() == nil {
			wrong = err
		}
		select {
		case <-ctx.Done():
			return wrong
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// persist tries for as long as a start may take: what is to be broken or mended may be
// broken otherwise at the moment.
func persist(try func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	return await(ctx, try)
}

// end ends everything, the last first.
func (w *world) end() error {
	var problems []error
	for i := len(w.ends) - 1; i >= 0; i-- {
		problems = append(problems, w.ends[i]())
	}
	return errors.Join(problems...)
}

// disk is a small file system in memory.
type disk struct{ path string }

func mount(path, size string) (*disk, error) {
	return &disk{path}, syscall.Mount("tokenledger-faults", path, "tmpfs", 0, "mode=0711,size="+size)
}

func (d *disk) ballast() string { return filepath.Join(d.path, "ballast") }

// fill leaves no byte free.
func (d *disk) fill() error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<20)
	for size := len(zeros); size > 0; {
		if _, err := f.Write(zeros[:size]); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

func (d *disk) free() error { return os.Remove(d.ballast()) }

// unmount leaves at once, whoever still holds a file open.
func (d *disk) unmount() error { return syscall.Unmount(d.path, syscall.MNT_DETACH) }

// serverClock is the clock that Postgres sees, by way of libfaketime.
type serverClock struct {
	bin  string // directory of Postgres programs that see it
	file string
}

func newServerClock(dir string) (*serverClock, error) {
	libraries, _ := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(libraries) == 0 || len(programs) == 0 {
		return nil, errors.New("libfaketime (apt-get install libfaketime) or Debian's Postgres is not installed")
	}
	c := &serverClock{bin: filepath.Join(dir, "bin"), file: filepath.Join(dir, "clock")}
	if err := errors.Join(os.Mkdir(c.bin, 0o755), c.jump(0)); err != nil {
		return nil, err
	}
	real := filepath.Dir(programs[len(programs)-1])
	server := fmt.Sprintf("#!/bin/sh\nexport LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1\nexec %s/postgres \"$@\"\n",
		libraries[0], c.file, real)
	maker := fmt.Sprintf("#!/bin/sh\nexec %s/initdb \"$@\"\n", real)
	return c, errors.Join(
		os.WriteFile(filepath.Join(c.bin, "postgres"), []byte(server), 0o755),
		os.WriteFile(filepath.Join(c.bin, "initdb"), []byte(maker), 0o755))
}

// jump sets the clock so far off the machine's.
func (c *serverClock) jump(off time.Duration) error {
	next := c.file + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, "%+.3f\n", off.Seconds()), 0o644); err != nil {
		return err
	}
	return os.Rename(next, c.file)
}
