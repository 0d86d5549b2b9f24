// Package eventstoretest gives tests a log: databases made in an instant from a
// migrated template, on one private Postgres for each test process, and the
// contract of the event store as tests.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { eventstoretest.Main(m) }
package eventstoretest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// Main runs the tests of a package, ends the servers that they started, and fails
// if a goroutine is left.
func Main(m *testing.M, ignore ...goleak.Option) {
	code := m.Run()
	for _, s := range []*server{&fast, &durable} {
		if err := s.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if code == 0 {
		if err := goleak.Find(ignore...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// Postgres is the URL, for a superuser, of a fresh database that is migrated and
// has an empty log with an origin of its own. It is dropped when the test ends.
// The server does not survive a power cut, which makes it fast.
func Postgres(tb testing.TB) string {
	tb.Helper()
	return fast.database(tb, templateName)
}

// EmptyPostgres is like [Postgres], but the database is not migrated.
func EmptyPostgres(tb testing.TB) string {
	tb.Helper()
	return fast.database(tb, "template1")
}

// DurablePostgres is like [Postgres] on a server with its usual, durable
// settings: for measurements.
func DurablePostgres(tb testing.TB) string {
	tb.Helper()
	return durable.database(tb, templateName)
}

const templateName = "tokenledger_template"

// The servers of this test process. They are the process's only global state:
// a Postgres for each test would take seconds.
var (
	fast = server{settings: map[string]string{
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
		"max_connections": "400", "shared_buffers": "64MB", "autovacuum": "off",
	}}
	durable = server{settings: map[string]string{
		"max_connections": "200", "shared_buffers": "256MB", "max_wal_size": "4GB",
	}}
)

// server is a private Postgres that is started by the first test that needs it.
type server struct {
	settings map[string]string

	once     sync.Once // guards all below
	dir      string
	postgres *embedded.Postgres
	err      error

	made atomic.Int64 // databases
}

func (s *server) start() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if s.dir, s.err = os.MkdirTemp("", "tokenledger-test-"); s.err != nil {
		return
	}
	if s.err = os.Chmod(s.dir, 0o711); s.err != nil { // the server may run as another user
		return
	}
	if s.postgres, s.err = embedded.StartPostgres(ctx, embedded.PostgresConfig{Dir: s.dir, Settings: s.settings}); s.err != nil {
		return
	}
	s.err = s.makeTemplate(ctx)
}

// makeTemplate makes the database that others are copies of. Its log has no name
// yet, so that each copy gets one of its own.
func (s *server) makeTemplate(ctx context.Context) error {
	if err := s.exec(ctx, "postgres", "CREATE DATABASE "+templateName); err != nil {
		return err
	}
	if err := eventstore.Migrate(ctx, s.url(templateName), ""); err != nil {
		return err
	}
	return s.exec(ctx, templateName,
		"ALTER TABLE tokenledger.log DISABLE TRIGGER append_only_rows",
		"DELETE FROM tokenledger.log",
		"ALTER TABLE tokenledger.log ENABLE ALWAYS TRIGGER append_only_rows")
}

func (s *server) database(tb testing.TB, template string) string {
	tb.Helper()
	s.once.Do(s.start)
	if s.err != nil {
		tb.Fatalf("the Postgres of the tests: %v", s.err)
	}
	name := fmt.Sprintf("test_%d", s.made.Add(1))
	if err := s.exec(tb.Context(), "postgres", "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		tb.Fatalf("create a database: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.exec(context.Background(), "postgres", "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop a database: %v", err)
		}
	})
	if template == templateName {
		if err := s.exec(tb.Context(), name, "INSERT INTO tokenledger.log DEFAULT VALUES"); err != nil {
			tb.Fatalf("name the log: %v", err)
		}
	}
	return s.url(name)
}

func (s *server) url(database string) string {
	u, err := url.Parse(s.postgres.URL())
	if err != nil {
		panic(err) // it was made by a function of ours
	}
	u.Path = "/" + database
	return u.String()
}

func (s *server) exec(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, s.url(database))
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

func (s *server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	if s.postgres != nil {
		err = s.postgres.Stop(ctx)
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
	return err
}
