// Starts that cannot work: each says what is wrong, which setting it is about and
// what to do, and touches nothing that is there.

package e2e_test

import (
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestMalformedSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, says string }{
		{"TOKENLEDGER_LISTEN", "8080", "host:port"},
		{"TOKENLEDGER_ADMIN_LISTEN", "localhost", "host:port"},
		{"TOKENLEDGER_NATS_LISTEN", "never", "off"},
		{"TOKENLEDGER_DATABASE_URL", "mysql://root:hunter2@db/x", "postgres://"},
		{"TOKENLEDGER_NATS_URL", "http://relay:hunter2@nats", "nats://"},
		{"TOKENLEDGER_NATS_CREDS", "/nowhere/relay.creds", ".creds"},
		{"TOKENLEDGER_NATS_REPLICAS", "many", "a whole number"},
		{"TOKENLEDGER_ADMIN_TLS", "perhaps", "true or false"},
		{"TOKENLEDGER_AUDIT_RATE", "-1", "a whole number"},
		{"TOKENLEDGER_SESSION_LIFETIME", "long", "a duration"},
		{"TOKENLEDGER_NATS_REPLICAS", "9", "1 to 5"},
		{"TOKENLEDGER_LOG_FORMAT", "xml", "text or json"},
		{"TOKENLEDGER_LOG_LEVEL", "loud", "debug, info, warn or error"},
		{"TOKENLEDGER_INTROSPECTION", "maybe", "auto, on or off"},
		{"TOKENLEDGER_TRUSTED_PROXIES", "10.0.0.1", "10.0.0.0/8"},
		{"TOKENLEDGER_CONFIG", "/nowhere/tokenledger.env", "/nowhere/tokenledger.env"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			s := newService(t, c.name+"="+c.value)
			p := run(t, s.env, "serve")
			p.exits(t, 2, c.name, c.says)
			if strings.Contains(p.Stdout.String()+p.Stderr.String(), "hunter2") {
				t.Errorf("a password is shown:\n%s", p.Output())
			}
			s.untouched(t)
		})
	}
	t.Run("all problems at once", func(t *testing.T) {
		s := newService(t, "TOKENLEDGER_LISTEN=x", "TOKENLEDGER_LOG_FORMAT=x", "TOKENLEDGER_LOG_LEVEL=x")
		run(t, s.env, "serve").exits(t, 2, "TOKENLEDGER_LISTEN", "TOKENLEDGER_LOG_FORMAT", "TOKENLEDGER_LOG_LEVEL")
	})
	t.Run("a flag comes before the environment", func(t *testing.T) {
		s := newService(t, "TOKENLEDGER_LOG_LEVEL=info")
		run(t, s.env, "serve", "--log-level", "loud").exits(t, 2, "TOKENLEDGER_LOG_LEVEL", "loud")
	})
}

// untouched checks that a start that was refused left no data directory behind.
func (s *service) untouched(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(s.data); err == nil {
		t.Errorf("the refused start has made %s", s.data)
	}
}

func TestTakenPorts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"TOKENLEDGER_LISTEN", "TOKENLEDGER_ADMIN_LISTEN", "TOKENLEDGER_NATS_LISTEN"} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			s := newService(t, name+"="+l.Addr().String())
			run(t, s.env, "serve").exits(t, 1, name, l.Addr().String())
			s.awaitPostgresGone(t)
		})
	}
}

func TestForeignDataDirectories(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		owner string // who the directory belongs to, if that can be said here
		says  string
	}{
		"of another Postgres version": {files: map[string]string{"PG_VERSION": "9\n"}, owner: "postgres", says: "version"},
		"no cluster":                  {files: map[string]string{"thesis.tex": "irreplaceable"}, owner: "postgres", says: "PG_VERSION"},
		"of another user":             {files: map[string]string{"PG_VERSION": "16\n"}, owner: "root", says: "chown"},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() != 0 && c.owner == "root" {
				t.Skip("only root can make files of another user")
			}
			s := newService(t)
			cluster := filepath.Join(s.data, "postgres")
			if err := os.MkdirAll(cluster, 0o711); err != nil {
				t.Fatal(err)
			}
			for file, content := range c.files {
				if err := os.WriteFile(filepath.Join(cluster, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			giveTo(t, cluster, c.owner)
			run(t, s.env, "serve").exits(t, 1, cluster, c.says)
			for file, content := range c.files {
				if kept, err := os.ReadFile(filepath.Join(cluster, file)); err != nil || string(kept) != content {
					t.Errorf("%s was changed: %q %v", file, kept, err)
				}
			}
		})
	}
}

// giveTo hands a directory to the user as whom the service runs Postgres; for
// anyone but root that is the user himself.
func giveTo(t *testing.T, dir, name string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
}

func TestUnreachableDatabase(t *testing.T) {
	t.Parallel()
	s := newService(t, "TOKENLEDGER_DATABASE_URL=postgres://ledger:hunter2@"+freeAddress(t)+"/ledger?sslmode=disable")
	for _, args := range [][]string{{"serve"}, {"init", "--organization", "Demo", "--email", "owner@example.com"}} {
		p := run(t, s.env, args...)
		p.exits(t, 1, "TOKENLEDGER_DATABASE_URL", "refused")
		if strings.Contains(p.Stdout.String()+p.Stderr.String(), "hunter2") {
			t.Errorf("the password is shown:\n%s", p.Output())
		}
	}
}

// A broker that is away refuses nothing: commands are taken, /readyz says what is
// missing, and the events come when the broker does.
func TestUnreachableBroker(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "broker")
	broker := startNATS(t, dir, "127.0.0.1:0")
	address := strings.TrimPrefix(broker.ClientURL(), "nats://")
	stopNATS(t, broker)

	s := newService(t, "TOKENLEDGER_NATS_URL=nats://"+address, "TOKENLEDGER_NATS_CREDS="+broker.RelayCreds(),
		"TOKENLEDGER_LISTEN="+freeAddress(t))
	s.launch(t, "serve")
	s.URL = "http://" + s.variable("TOKENLEDGER_LISTEN")
	await(t, "the service answers that only NATS is missing", func() bool {
		bad, answered := s.failing()
		return answered && slices.Equal(bad, []string{"nats"})
	})
	value, err := os.ReadFile(filepath.Join(s.data, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	s.Token = strings.TrimSpace(string(value))
	token := s.createToken(t, map[string]any{"name": "meanwhile", "scopes": []string{"evidence:write"}})
	s.allowed(t, token.Value, "createEvidence")
	if strings.Contains(s.Stdout.String(), "ready") {
		t.Error("the service calls itself ready")
	}

	broker = startNATS(t, dir, address)
	if !s.Stdout.Await(s.Process, startLimit, func(out string) bool { return strings.Contains(out, "tokenledger is ready") }) {
		t.Fatal("the broker is back, and the service is not ready")
	}
	s.NATS = broker.ClientURL()
	leaves := readLog(t, s.database(t))
	stream := openStream(t, s.NATS, broker.ReaderCreds(), "TOKENLEDGER_"+origin(t, s.database(t)))
	await(t, "JetStream catches up", func() bool { return lastSequence(t, stream) >= uint64(len(leaves)) })
}

func TestSecondServiceOnTheSameDirectory(t *testing.T) {
	t.Parallel()
	first := start(t)
	second := &service{data: first.data, env: first.env}
	run(t, second.env, "serve").exits(t, 1, "in use", first.data)
	if status, body := first.get(t, "/readyz"); status != 200 {
		t.Errorf("the first service suffered: %d %s", status, body)
	}
	first.createToken(t, map[string]any{"name": "unharmed", "scopes": []string{"read"}})
}
