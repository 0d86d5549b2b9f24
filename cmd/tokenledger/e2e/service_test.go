// A running service: its directory, its settings, its start and its end.

package e2e_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// service is one `tokenledger serve`, which may be stopped and started again.
type service struct {
	data string   // TOKENLEDGER_DATA
	env  []string // the later one of two wins
	*process

	URL, NATS, TokenFile string // as printed at the last start
	Try                  string // the printed command line
	Token                string // the administrator's
}

// newService is a service on a directory of its own that nobody has started yet.
func newService(t *testing.T, env ...string) *service {
	t.Helper()
	data := filepath.Join(openDir(t), "data")
	return &service{data: data, env: append([]string{
		"TOKENLEDGER_DATA=" + data, "TOKENLEDGER_LISTEN=127.0.0.1:0",
		"TOKENLEDGER_ADMIN_LISTEN=127.0.0.1:0", "TOKENLEDGER_NATS_LISTEN=off",
	}, env...)}
}

// openDir is a directory that the user who runs Postgres can pass through, which
// those of the testing package are not for a test that runs as root.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tokenledger-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// start is a service that is ready and is stopped when the test ends.
func start(t *testing.T, env ...string) *service {
	t.Helper()
	s := newService(t, env...)
	s.start(t)
	return s
}

func (s *service) start(t *testing.T) {
	t.Helper()
	s.startAs(t, "serve")
}

// startAs starts the service by a command that serves, and waits until it is ready.
func (s *service) startAs(t *testing.T, command ...string) {
	t.Helper()
	s.launch(t, command...)
	if !s.Stdout.Await(s.Process, startLimit, func(out string) bool {
		_, ready := outside.ReadBanner(out)
		return ready
	}) {
		t.Fatalf("the service is not ready\n%s", s.Output())
	}
	s.readBanner(t)
}

// launch starts the service without waiting until it is ready.
func (s *service) launch(t *testing.T, command ...string) {
	t.Helper()
	s.process = launch(t, s.env, command...)
	p := s.process
	t.Cleanup(func() { // before the one that kills
		if t.Failed() {
			t.Logf("%s\n%s", p, p.Output())
		}
		if !p.Ended() {
			s.stop(t)
		}
		s.awaitPostgresGone(t)
	})
}

func (s *service) readBanner(t *testing.T) {
	t.Helper()
	banner, _ := outside.ReadBanner(s.Stdout.String())
	s.URL, s.NATS, s.TokenFile, s.Try = banner.URL, banner.NATS, banner.TokenFile, banner.Try
	value, err := os.ReadFile(s.TokenFile)
	switch {
	case errors.Is(err, fs.ErrNotExist): // where another process made the first administrator
	case err != nil:
		t.Fatalf("the token file of the banner: %v\n%s", err, s.Stdout)
	default:
		s.Token = strings.TrimSpace(string(value))
	}
}

// stop lets the service end by itself, which must succeed.
func (s *service) stop(t *testing.T) {
	t.Helper()
	if err := s.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop the service: %v", err)
	}
	if code := s.wait(t); code != 0 {
		t.Errorf("the service ended with exit code %d after SIGTERM\n%s", code, s.Output())
	}
}

// awaitPostgresGone returns when the private Postgres, which outlives a killed
// service by a moment, has ended.
func (s *service) awaitPostgresGone(t *testing.T) {
	t.Helper()
	await(t, "the private Postgres ends", func() bool {
		_, err := os.Stat(filepath.Join(s.data, "postgres", "postmaster.pid"))
		return err != nil
	})
}

// variable is the value that a setting of the service has.
func (s *service) variable(name string) string {
	var value string
	for _, kv := range s.env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}

// database is the URL of the service's database for a superuser.
func (s *service) database(t *testing.T) string {
	t.Helper()
	if url := s.variable("TOKENLEDGER_DATABASE_URL"); url != "" {
		return url
	}
	url, err := embedded.RunningPostgresURL(s.data)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// command runs a command of the binary against the service.
func (s *service) command(t *testing.T, args ...string) *process {
	t.Helper()
	return run(t, append([]string{"TOKENLEDGER_SERVER=" + s.URL, "TOKENLEDGER_TOKEN_FILE=" + s.TokenFile}, s.env...), args...)
}
