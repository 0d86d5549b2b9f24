// Package service wires the ledger: the log and its database, the relay and its
// broker, projections, verifier and HTTP, and the order in which they start and end.
package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// stopLimit bounds how long a server that this process started may take to end.
const stopLimit = 30 * time.Second

// Store is the log, its keys and, in the embedded default, its Postgres.
type Store struct {
	Log     *eventstore.Log
	Ring    *keyring.Ring
	Peppers *secret.Peppers
	URL     string

	keys     keyring.File
	config   eventstore.Config
	postgres *embedded.Postgres
}

// OpenStore brings up the log: key file, Postgres, migrations. Close ends it.
func OpenStore(ctx context.Context, c config.Config, logger *slog.Logger) (*Store, error) {
	return openStore(ctx, c, observers{}, logger)
}

func openStore(ctx context.Context, c config.Config, watch observers, logger *slog.Logger) (*Store, error) {
	s, err := openDatabase(ctx, c, logger)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, eventstore.Config{
		URL: s.URL, Schema: c.Schema, Keys: s.Ring, Archives: Archives(c, s.Ring), Logger: logger,
		Tracer: watch.tracer, Queries: watch.queries, Meter: watch.meter,
	})
}

// openDatabase is the store without its log: key file, Postgres, migrations.
func openDatabase(ctx context.Context, c config.Config, logger *slog.Logger) (_ *Store, err error) {
	// Searchable by all, since the private Postgres runs as another user; what is
	// secret inside has modes of its own.
	if err := os.MkdirAll(c.Data, 0o711); err != nil {
		return nil, fmt.Errorf("the data directory (TOKENLEDGER_DATA): %w", err)
	}
	s := &Store{URL: c.DatabaseURL, keys: c.Keys()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.Ring, err = s.keys.LoadOrCreate(); err != nil {
		return nil, fmt.Errorf("the key file (TOKENLEDGER_KEY_FILE): %w", err)
	}
	if s.Peppers, err = peppers(s.Ring); err != nil {
		return nil, err
	}
	if c.Embedded() {
		if s.postgres, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{Dir: c.Data, Log: logger}); err != nil {
			return nil, err
		}
		s.URL = s.postgres.URL()
	}
	if err := migrate(ctx, c, s.URL); err != nil {
		return nil, err
	}
	return s, nil
}

// open opens the log. What was brought up for it ends if that fails.
func (s *Store) open(ctx context.Context, c eventstore.Config) (_ *Store, err error) {
	s.config = c
	if s.Log, err = eventstore.Open(ctx, c); err != nil {
		if errors.Is(err, eventstore.ErrNotMigrated) {
			err = fmt.Errorf("%w; run `tokenledger migrate` with the migrator's login (TOKENLEDGER_DATABASE_MIGRATOR_URL)", err)
		}
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// migrate does it as the login that the settings have for it, or else as the service's.
func migrate(ctx context.Context, c config.Config, url string) error {
	variable := "TOKENLEDGER_DATABASE_URL"
	if c.MigratorURL != "" {
		url, variable = c.MigratorURL, "TOKENLEDGER_DATABASE_MIGRATOR_URL"
	}
	if err := eventstore.Migrate(ctx, url, c.Schema); err != nil {
		return fmt.Errorf("the database (%s): %w", variable, err)
	}
	return nil
}

// Migrate brings an external database to what this program needs, and nothing else.
func Migrate(ctx context.Context, c config.Config) error {
	if err := migrate(ctx, c, c.DatabaseURL); err != nil {
		return err
	}
	log, err := eventstore.Open(ctx, eventstore.Config{URL: cmp.Or(c.MigratorURL, c.DatabaseURL), Schema: c.Schema})
	if err != nil {
		return err
	}
	log.Close()
	return nil
}

func peppers(ring *keyring.Ring) (*secret.Peppers, error) {
	active, keys := ring.Peppers()
	versions := make(map[secret.PepperVersion][]byte, len(keys))
	for v, k := range keys {
		versions[secret.PepperVersion(v)] = k
	}
	return secret.NewPeppers(secret.PepperVersion(active), versions)
}

// Close ends what OpenStore brought up. The log must not run any more.
func (s *Store) Close() error {
	if s.Log != nil {
		s.Log.Close()
	}
	if s.postgres == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	return s.postgres.Stop(ctx)
}

// watch returns an error when the private Postgres ends by itself.
func (s *Store) watch(ctx context.Context) error {
	if s.postgres == nil {
		<-ctx.Done()
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-s.postgres.Done():
		return fmt.Errorf("the private Postgres ended: %w", s.postgres.Err())
	}
}

// WithLog runs do with a log that takes appends, for what needs it alone and
// for a moment. A log runs once, so this is one of its own.
func (s *Store) WithLog(ctx context.Context, do func(context.Context, *eventstore.Log) error) error {
	log, err := eventstore.Open(ctx, s.config)
	if err != nil {
		return err
	}
	defer log.Close()
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- log.Run(running) }()
	err = do(ctx, log)
	stop()
	if runErr := <-ended; runErr != nil && !errors.Is(runErr, context.Canceled) {
		err = errors.Join(err, runErr)
	}
	return err
}
