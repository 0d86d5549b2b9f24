// The NATS server from its start to its end.

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startNATS runs a server until the test ends.
func startNATS(t *testing.T, c NATSConfig) *NATS {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	n, err := StartNATS(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopNATS(t, n) })
	return n
}

func stopNATS(t *testing.T, n *NATS) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// relay is the relay's view of a server.
func relay(t *testing.T, n *NATS) jetstream.JetStream {
	t.Helper()
	conn, err := n.RelayConn(t.Context())
	return jetStream(t, conn, err)
}

// reader is a reader's view of a server.
func reader(t *testing.T, n *NATS) jetstream.JetStream {
	t.Helper()
	conn, err := n.ReaderConn(t.Context())
	return jetStream(t, conn, err)
}

func jetStream(t *testing.T, conn *nats.Conn, err error) jetstream.JetStream {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

const stream = "TOKENLEDGER_test"

// makeLog makes the stream as the relay does, with some messages.
func makeLog(t *testing.T, js jetstream.JetStream, messages int) jetstream.Stream {
	t.Helper()
	log, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: stream, Subjects: []string{"tokenledger.events.>"}, AllowDirect: true, DenyDelete: true, DenyPurge: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		if _, err := js.Publish(t.Context(), "tokenledger.events.o.token.used", fmt.Appendf(nil, "%d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	return log
}

func lastSequence(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	log, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return log.CachedInfo().State.LastSeq
}

func TestRestartKeepsStreamsAndCredentials(t *testing.T) {
	t.Parallel()
	c := NATSConfig{Dir: t.TempDir()}
	n := startNATS(t, c)
	makeLog(t, relay(t, n), 3)
	files := []string{n.RelayCreds(), n.ReaderCreds(), filepath.Join(c.Dir, "nats", "keys.json")}
	before := make([]string, len(files))
	for i, path := range files {
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before[i] = string(text)
	}
	if info, err := os.Stat(filepath.Join(c.Dir, "nats")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info, err)
	}
	stopNATS(t, n)

	n = startNATS(t, c)
	if last := lastSequence(t, reader(t, n)); last != 3 {
		t.Errorf("the stream ends at %d", last)
	}
	for i, path := range files {
		if text, err := os.ReadFile(path); err != nil || string(text) != before[i] {
			t.Errorf("%s has changed (%v)", path, err)
		}
	}
}

func TestLostCredentialsAreMadeAgain(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"relay.creds", "reader.creds", "keys.json"} {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			c := NATSConfig{Dir: t.TempDir()}
			stopNATS(t, startNATS(t, c))
			if err := os.Remove(filepath.Join(c.Dir, "nats", lost)); err != nil {
				t.Fatal(err)
			}
			n := startNATS(t, c)
			makeLog(t, relay(t, n), 1)
			if last := lastSequence(t, reader(t, n)); last != 1 {
				t.Errorf("the stream ends at %d", last)
			}
		})
	}
}

func TestDamagedKeysAreRefused(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"not JSON": "{", "no seeds": "{}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "nats"), 0o700),
				os.WriteFile(filepath.Join(dir, "nats", "keys.json"), []byte(content), 0o600)); err != nil {
				t.Fatal(err)
			}
			if _, err := StartNATS(t.Context(), NATSConfig{Dir: dir}); err == nil || !strings.Contains(err.Error(), "keys of NATS") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOneServerADirectory(t *testing.T) {
	t.Parallel()
	c := NATSConfig{Dir: t.TempDir()}
	startNATS(t, c)
	if _, err := StartNATS(t.Context(), c); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}

func TestATakenAddressIsNamed(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := NATSConfig{Dir: t.TempDir(), Listen: taken.Addr().String()}
	_, err = StartNATS(t.Context(), c)
	if !errors.Is(err, ErrAddressInUse) || !strings.Contains(err.Error(), c.Listen) || !strings.Contains(err.Error(), "TOKENLEDGER_NATS_LISTEN") {
		t.Errorf("got %v", err)
	}
	taken.Close()
	if n := startNATS(t, c); n.ClientURL() != "nats://"+c.Listen {
		t.Errorf("listens on %s", n.ClientURL())
	}
}

func TestAddressesToListenOn(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"", "off"} {
		n := startNATS(t, NATSConfig{Listen: listen})
		if n.ClientURL() != "" || n.server.Addr() != nil {
			t.Errorf("%q listens on %v (%q)", listen, n.server.Addr(), n.ClientURL())
		}
	}
	for _, listen := range []string{"4222", "127.0.0.1", "127.0.0.1:", "127.0.0.1:nats", "127.0.0.1:70000", "on"} {
		_, err := StartNATS(t.Context(), NATSConfig{Dir: t.TempDir(), Listen: listen})
		if err == nil || !strings.Contains(err.Error(), "TOKENLEDGER_NATS_LISTEN") {
			t.Errorf("%q: %v", listen, err)
		}
	}
	_, err := StartNATS(t.Context(), NATSConfig{Listen: "on"})
	if err == nil || !strings.Contains(err.Error(), "Dir is empty") || !strings.Contains(err.Error(), `"on"`) {
		t.Errorf("not every problem is reported: %v", err)
	}
}

func TestAStoreThatCannotBeUsedIsExplained(t *testing.T) {
	t.Parallel()
	c := NATSConfig{Dir: t.TempDir()}
	stopNATS(t, startNATS(t, c))
	store := filepath.Join(c.Dir, "nats", "store")
	if err := errors.Join(os.RemoveAll(store), os.WriteFile(store, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := StartNATS(t.Context(), c); err == nil || !strings.Contains(err.Error(), "JetStream") {
		t.Errorf("got %v", err)
	}
}

func TestAnEndedContextConnectsNothing(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.RelayConn(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTheServerSpeaksToTheLogOnly(t *testing.T) {
	t.Parallel()
	s := startService(t, t.TempDir(), natsService, func(c *exec.Cmd) { c.Stderr = &lockedBuffer{} })
	s.awaitReport(t) // the first thing on stdout
	s.kill()
	if said := s.cmd.Stderr.(*lockedBuffer).String(); said != "" {
		t.Errorf("on stderr:\n%s", said)
	}

	var out lockedBuffer
	c := NATSConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	n := startNATS(t, c)
	if _, err := nats.Connect(n.ClientURL()); err == nil {
		t.Error("anonymous")
	}
	stopNATS(t, n)
	text := out.String()
	if !strings.Contains(text, "level=DEBUG") || !strings.Contains(text, "Server is ready") {
		t.Errorf("the log:\n%s", text)
	}
	keys, err := loadKeys(filepath.Join(c.Dir, "nats", "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{keys.Relay, keys.Reader} {
		if strings.Contains(text, secret) {
			t.Error("a seed is in the log")
		}
	}
}

func TestNATSBeforePostgresLeavesTheWayOpen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dataDir(t), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	startNATS(t, NATSConfig{Dir: dir})
	start(t, PostgresConfig{Dir: dir})
	want := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		want = 0o711
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != want {
		t.Errorf("%v, %v", info, err)
	}
}
