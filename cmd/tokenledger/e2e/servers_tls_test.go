// Postgres and NATS of others, both by TLS with certificates on both sides, and logins
// of Postgres that may each do one thing.

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/certs/certstest"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// tlsPostgres listens by TLS alone and wants of each login but the superuser a
// certificate that is made out to it.
type tlsPostgres struct {
	t       *testing.T
	ca      *certstest.Authority
	address string
	admin   *pgx.Conn // over the socket
}

func startTLSPostgres(t *testing.T, ca *certstest.Authority) *tlsPostgres {
	t.Helper()
	dir := openDir(t)
	cert, key := ca.Issue("postgres", nextYear, "127.0.0.1")
	hba := filepath.Join(dir, "hba.conf")
	if err := os.WriteFile(hba, []byte("local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	data := filepath.Join(dir, "db")
	first, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{Dir: data}) // which makes the cluster, and listens nowhere
	if err != nil {
		t.Fatal(err)
	}
	super := first.URL()
	own := filepath.Join(data, "postgres")
	command, err := os.ReadFile(filepath.Join(own, "postmaster.opts"))
	if err := errors.Join(err, first.Stop(ctx)); err != nil {
		t.Fatal(err)
	}
	owner := ownerOf(t, own)
	for name, from := range map[string]string{"server.crt": cert, "server.key": key, "ca.crt": ca.File, "hba.conf": hba} {
		replace(t, filepath.Join(own, name), from)
		if err := os.Chown(filepath.Join(own, name), owner.uid, owner.gid); err != nil { // a key is for the server's user alone
			t.Fatal(err)
		}
	}
	host, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	program, _, _ := strings.Cut(string(command), " ")
	runAs(t, owner, program, "-D", own, "-c", "fsync=off", "-c", "listen_addresses="+host, "-c", "port="+port, "-c", "unix_socket_directories="+own,
		"-c", "hba_file="+filepath.Join(own, "hba.conf"), "-c", "ssl=on", "-c", "ssl_cert_file=server.crt", "-c", "ssl_key_file=server.key", "-c", "ssl_ca_file=ca.crt")
	u, err := url.Parse(super)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = "", url.Values{"host": {own}, "port": {port}}.Encode()
	p := &tlsPostgres{t: t, ca: ca, address: net.JoinHostPort(host, port)}
	await(t, "Postgres is ready", func() bool {
		p.admin, err = pgx.Connect(t.Context(), u.String())
		return err == nil
	})
	t.Cleanup(func() { p.admin.Close(context.Background()) })
	return p
}

// login makes one with rights, and gives its URL.
func (p *tlsPostgres) login(name string, statements ...string) string {
	p.t.Helper()
	p.run(append([]string{"CREATE ROLE " + name + " LOGIN PASSWORD 'secret of " + name + "'"}, statements...)...)
	return p.url(name, "verify-full", p.ca)
}

func (p *tlsPostgres) run(statements ...string) {
	p.t.Helper()
	for _, sql := range statements {
		if _, err := p.admin.Exec(p.t.Context(), sql); err != nil {
			p.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// url is of a login with a certificate; authority is whom it trusts.
func (p *tlsPostgres) url(name, mode string, authority *certstest.Authority) string {
	cert, key := p.ca.Issue(name, nextYear)
	q := url.Values{"sslmode": {mode}, "sslrootcert": {authority.File}, "sslcert": {cert}, "sslkey": {key}}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(name, "secret of "+name), Host: p.address, Path: "/ledger", RawQuery: q.Encode()}
	return u.String()
}

// startTLSNATS lets in whoever shows a certificate of the authority, and no other.
func startTLSNATS(t *testing.T, ca *certstest.Authority) string {
	t.Helper()
	cert, key := ca.Issue("nats", nextYear, "127.0.0.1")
	conf := filepath.Join(openDir(t), "nats.conf")
	text := fmt.Sprintf(`listen: "127.0.0.1:-1"
jetstream { store_dir: %q }
tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }
`, filepath.Join(filepath.Dir(conf), "store"), cert, key, ca.File)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	opts.NoSigs, opts.NoLog = true, true
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(startLimit) {
		t.Fatal("NATS is not ready")
	}
	return s.ClientURL()
}

// TestWithTheLeastThatItNeeds: a service whose logins may each do one thing, over
// connections that are encrypted and whose ends are both verified.
func TestWithTheLeastThatItNeeds(t *testing.T) {
	t.Parallel()
	ca, stranger := certstest.New(t, openDir(t)), certstest.New(t, openDir(t))
	db, broker := startTLSPostgres(t, ca), startTLSNATS(t, ca)
	db.run("CREATE DATABASE ledger")
	migrator := db.login("migrator", "ALTER ROLE migrator CREATEROLE", "GRANT CREATE ON DATABASE ledger TO migrator")
	natsCert, natsKey := ca.Issue("relay", nextYear)
	env := []string{
		"TOKENLEDGER_DATABASE_MIGRATOR_URL=" + migrator, "TOKENLEDGER_NATS_URL=" + broker,
		"TOKENLEDGER_NATS_CA_FILE=" + ca.File, "TOKENLEDGER_NATS_CERT_FILE=" + natsCert, "TOKENLEDGER_NATS_KEY_FILE=" + natsKey,
	}

	// No service without the migrator's work; who does it is no service.
	s := newService(t, append(env, "TOKENLEDGER_DATABASE_URL="+migrator)...)
	run(t, s.env, "migrate").exits(t, 0)
	appender := db.login("appender", "GRANT tokenledger_appender TO appender")
	projector := db.login("projector", "GRANT tokenledger_projector TO projector")
	s.env = append(s.env, "TOKENLEDGER_DATABASE_URL="+appender, "TOKENLEDGER_DATABASE_PROJECTOR_URL="+projector)
	service := withoutSetting(s.env, "TOKENLEDGER_DATABASE_MIGRATOR_URL") // which the service needs no more
	s.env = service
	s.initialize(t, "--organization", "Example", "--email", "owner@example.com").exits(t, 0)
	s.start(t)
	if strings.Contains(s.Stderr.String(), "not by TLS") {
		t.Error("warns of connections that are verified")
	}
	token := s.createToken(t, map[string]any{"name": "kept", "scopes": []string{"evidence:write"}})
	await(t, "the event is published", func() bool {
		p := run(t, s.env, "tail", "--from", "1", "--no-follow", "--output", "json")
		return strings.Contains(p.Stdout.String(), token.ID)
	})
	var logins []string
	rows, err := db.admin.Query(t.Context(), `SELECT DISTINCT usename::text || CASE WHEN ssl THEN ' by ' || version ELSE ' in clear' END
		FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE datname = 'ledger' ORDER BY 1`)
	if err == nil {
		logins, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if got := strings.Join(logins, ", "); err != nil || got != "appender by TLSv1.3, projector by TLSv1.3" {
		t.Errorf("connected are %s (%v)", got, err)
	}

	// A reader of the organization, as an operator makes one.
	owner := append(service, "TOKENLEDGER_DATABASE_MIGRATOR_URL="+migrator)
	org := s.ask(t, `{ organizations(first: 1) { edges { node { id } } } }`, nil).text(t, "organizations.edges.0.node.id")
	file := filepath.Join(openDir(t), "reader.url")
	run(t, owner, "reader", "create", "--organization", org, "--login", "warehouse", "--write-to", file).exits(t, 0)
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "sslcert") || !strings.Contains(string(text), "verify-full") {
		t.Fatalf("the reader's URL: %v", err)
	}
	if list := run(t, owner, "reader", "list", "--output", "csv"); !strings.Contains(list.Stdout.String(), "warehouse,"+org) {
		t.Errorf("listed: %s", list.Output())
	}
	readers := strings.TrimSpace(string(text)) + "&" + parametersOf(t, db.url("warehouse", "verify-full", ca))
	await(t, "the reader sees the token", func() bool {
		conn, err := pgx.Connect(t.Context(), readers)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		var n int
		return conn.QueryRow(t.Context(), `SELECT count(*) FROM tokens WHERE name = 'kept'`).Scan(&n) == nil && n == 1
	})
	if out := run(t, owner, "psql", "--", "-Atc", "SELECT count(*) > 0 FROM events"); strings.TrimSpace(out.Stdout.String()) != "t" {
		t.Errorf("psql by TLS: %s", out.Output())
	}
	run(t, owner, "reader", "remove", "warehouse", "--yes").exits(t, 0)

	t.Run("nobody in between", func(t *testing.T) {
		for name, c := range map[string]struct{ url, says string }{
			"a Postgres that another vouches for": {db.url("appender", "verify-full", stranger), "certificate"},
			"another host's certificate":          {strings.Replace(appender, "127.0.0.1", "localhost", 1), "certificate"},
			"no certificate of one's own":         {withoutParameter(t, appender, "sslcert", "sslkey"), "certificate"},
			"another login's certificate":         {strings.Replace(projector, "projector:", "appender:", 1), "authentication failed"},
		} {
			p := run(t, append(service, "TOKENLEDGER_DATABASE_URL="+c.url), "init", "--recover")
			if p.wait(t) == 0 || !strings.Contains(p.Stderr.String(), c.says) {
				t.Errorf("%s: %s", name, p.Output())
			}
		}
		p := run(t, append(service, "TOKENLEDGER_NATS_CA_FILE="+stranger.File), "tail", "--no-follow", "--from", "1")
		p.exits(t, 1, "certificate")
	})
}

func withoutSetting(env []string, name string) (kept []string) {
	for _, kv := range env {
		if !strings.HasPrefix(kv, name+"=") {
			kept = append(kept, kv)
		}
	}
	return kept
}

func withoutParameter(t *testing.T, raw string, names ...string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for _, name := range names {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// parametersOf are the certificate and key of a URL.
func parametersOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(withoutParameter(t, raw, "sslmode", "sslrootcert"))
	if err != nil {
		t.Fatal(err)
	}
	return u.RawQuery
}
