// Tests of what docker-compose.yml puts beside the service: the passwords that it makes, and a NATS server with the
// configuration that it mounts, which lets nobody in without one.

package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// composeSecrets runs the script that makes the passwords as a service does and returns their folder.
func composeSecrets(t *testing.T, service string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secrets")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	makeSecrets(t, dir, service)
	return dir
}

func makeSecrets(t *testing.T, dir, service string) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("compose", "secrets.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 { // in the container it runs as root
		script = append([]byte("chown() { :; }\n"), script...)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", string(script))
	cmd.Dir, cmd.Env = dir, os.Environ()
	for name, value := range readCompose(t).Services[service].Environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("making the secrets: %v\n%s", err, out)
	}
}

func readSecret(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestComposeSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	dir, other := composeSecrets(t, "secrets"), composeSecrets(t, "secrets")
	before := map[string]string{}
	for _, name := range []string{"postgres_password", "database_url", "nats_relay_url", "nats_reader_url", "passwords.conf", "replication_password", "routes.conf"} {
		before[name] = readSecret(t, dir, name)
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		if before[name] == readSecret(t, other, name) {
			t.Errorf("%s is the same in two installations", name)
		}
	}
	makeSecrets(t, dir, "secrets")
	for name, text := range before {
		if readSecret(t, dir, name) != text {
			t.Errorf("%s changed when the containers started again", name)
		}
	}
}

// TestComposeSecretsFit: services find under each address what the compose file calls so, with the same password.
func TestComposeSecretsFit(t *testing.T) {
	t.Parallel()
	file := readCompose(t)
	for by, led := range map[string]map[string][]string{
		"secrets":         {"database_url": {"postgres"}, "nats_relay_url": {"nats"}},
		"cluster-secrets": {"database_url": {"postgres-1", "postgres-2"}, "nats_relay_url": {"nats-1", "nats-2", "nats-3"}},
	} {
		dir := composeSecrets(t, by)
		postgres, err := pgx.ParseConfig(readSecret(t, dir, "database_url"))
		if err != nil {
			t.Fatal(err)
		}
		hosts := []string{postgres.Host}
		for _, f := range postgres.Fallbacks {
			hosts = append(hosts, f.Host)
		}
		if hosts = slices.Compact(hosts); !slices.Equal(hosts, led["database_url"]) {
			t.Errorf("%s: database_url leads to %v", by, hosts)
		}
		// Of several the one is meant that takes changes.
		if several := len(hosts) > 1; several != (postgres.ValidateConnect != nil) {
			t.Errorf("%s: whichever server answers is taken", by)
		}
		for _, host := range hosts {
			env := file.Services[host].Environment
			if postgres.User != env["POSTGRES_USER"] || postgres.Database != env["POSTGRES_DB"] ||
				postgres.Password != readSecret(t, dir, filepath.Base(env["POSTGRES_PASSWORD_FILE"])) {
				t.Errorf("%s: database_url does not fit %s", by, host)
			}
		}
		hosts = nil
		for text := range strings.SplitSeq(readSecret(t, dir, "nats_relay_url"), ",") {
			u, err := url.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if hosts = append(hosts, u.Hostname()); file.Services[u.Hostname()].Image == "" {
				t.Errorf("%s: nats_relay_url leads to %s", by, u.Host)
			}
		}
		if !slices.Equal(hosts, led["nats_relay_url"]) {
			t.Errorf("%s: nats_relay_url leads to %v", by, hosts)
		}
	}
}

// startComposeNATS starts a server with the mounted configuration, but for its addresses and its folder.
func startComposeNATS(t *testing.T) (address, secrets string) {
	t.Helper()
	secrets = composeSecrets(t, "secrets")
	conf, err := os.ReadFile(filepath.Join("compose", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(secrets), "tokenledger.conf")
	if err := os.WriteFile(path, conf, 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := readCompose(t).Services["nats"]
	if !strings.Contains(strings.Join(file.Volumes, " "), ":"+opts.StoreDir) || opts.Port != 4222 || opts.HTTPPort != 8222 {
		t.Errorf("the configuration stores in %s and listens on %d and %d", opts.StoreDir, opts.Port, opts.HTTPPort)
	}
	opts.Host, opts.Port, opts.HTTPPort, opts.StoreDir = "127.0.0.1", server.RANDOM_PORT, 0, t.TempDir()
	opts.NoSigs, opts.NoLog = true, true
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("NATS does not start with this configuration")
	}
	return s.Addr().String(), secrets
}

// natsAs connects to address as the user of a URL that the script has made.
func natsAs(t *testing.T, address, secrets, name string, options ...nats.Option) *nats.Conn {
	t.Helper()
	u, err := url.Parse(readSecret(t, secrets, name))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = address
	conn, err := nats.Connect(u.String(), options...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func TestComposeNATSIsNeverAnonymous(t *testing.T) {
	t.Parallel()
	address, _ := startComposeNATS(t)
	for _, options := range [][]nats.Option{nil, {nats.UserInfo("relay", "")}, {nats.UserInfo("reader", "reader")}} {
		if conn, err := nats.Connect("nats://"+address, options...); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("let in: %v, %v", conn, err)
		}
	}
}

func TestComposeNATSLetsReadersOnlyRead(t *testing.T) {
	t.Parallel()
	const stream, subject = "TOKENLEDGER_x", "tokenledger.events.o.token.used"
	address, secrets := startComposeNATS(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	relay, err := jetstream.New(natsAs(t, address, secrets, "nats_relay_url"))
	if err != nil {
		t.Fatal(err)
	}
	config := jetstream.StreamConfig{Name: stream, Subjects: []string{"tokenledger.events.>"}, DenyDelete: true, DenyPurge: true}
	if _, err := relay.CreateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	refusals := make(chan error, 1)
	conn := natsAs(t, address, secrets, "nats_reader_url",
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refusals <- err }))
	live, err := conn.SubscribeSync("tokenledger.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := relay.Publish(ctx, subject, []byte("leaf"), jetstream.WithExpectLastSequence(0)); err != nil {
		t.Fatal(err)
	}
	if msg, err := live.NextMsgWithContext(ctx); err != nil || msg.Subject != subject {
		t.Errorf("live: %v, %v", msg, err)
	}
	readStored(ctx, t, conn, stream)

	for _, forbidden := range []string{subject, "tokenledger.tick"} {
		if err := conn.Publish(forbidden, []byte("forged")); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-refusals:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("publish to %s: %v", forbidden, err)
			}
		case <-ctx.Done():
			t.Fatalf("a reader may publish to %s", forbidden)
		}
	}
	for _, api := range []string{"STREAM.DELETE", "STREAM.PURGE", "STREAM.UPDATE", "STREAM.MSG.DELETE", "CONSUMER.PAUSE"} {
		if _, err := conn.RequestWithContext(ctx, "$JS.API."+api+"."+stream, []byte("{}")); !errors.Is(err, nats.ErrNoResponders) {
			t.Errorf("%s is answered (%v)", api, err)
		}
	}
}

// readStored reads the one message of the stream in the two ways that subscribers use.
func readStored(ctx context.Context, t *testing.T, conn *nats.Conn, stream string) {
	t.Helper()
	reader, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := reader.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := consumer.Next(); err != nil || string(msg.Data()) != "leaf" {
		t.Errorf("stored: %v, %v", msg, err)
	}
	log, err := reader.Stream(ctx, stream)
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := log.GetMsg(ctx, 1); err != nil || string(msg.Data) != "leaf" {
		t.Errorf("by sequence: %v, %v", msg, err)
	}
}
