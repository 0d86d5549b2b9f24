// Postgres and NATS that the tests run themselves, for services that use those of others.

package e2e_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// shared is what several services have in common.
type shared struct {
	database string // URL of a superuser
	nats     *embedded.NATS
	keyFile  string
	data     string
}

// startShared starts a Postgres and a NATS server. The Postgres survives every
// crash but a power cut, which is faster and which no test here makes.
func startShared(t *testing.T) *shared {
	t.Helper()
	dir := openDir(t)
	sh := &shared{data: dir, keyFile: filepath.Join(dir, "keys.json")}
	sh.database = startPostgres(t, filepath.Join(dir, "db"))
	sh.nats = startNATS(t, filepath.Join(dir, "broker"), "127.0.0.1:0")
	return sh
}

func startPostgres(t *testing.T, dir string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	postgres, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{Dir: dir, Settings: map[string]string{
		"fsync": "off", "full_page_writes": "off", "max_connections": "200",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := postgres.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return postgres.URL()
}

func startNATS(t *testing.T, dir, address string) *embedded.NATS {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	broker, err := embedded.StartNATS(ctx, embedded.NATSConfig{Dir: dir, Listen: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopNATS(t, broker) })
	return broker
}

func stopNATS(t *testing.T, broker *embedded.NATS) {
	t.Helper()
	if err := broker.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// environment is how a service is told of what is shared.
func (sh *shared) environment() []string {
	return []string{
		"TOKENLEDGER_DATABASE_URL=" + sh.database, "TOKENLEDGER_KEY_FILE=" + sh.keyFile,
		"TOKENLEDGER_NATS_URL=" + sh.nats.ClientURL(), "TOKENLEDGER_NATS_CREDS=" + sh.nats.RelayCreds(),
	}
}

// service is one more of those that share it all, not yet started.
func (sh *shared) service(t *testing.T, env ...string) *service {
	t.Helper()
	return newService(t, append(sh.environment(), env...)...)
}

// initialize runs `tokenledger init` with the settings of a service.
func (s *service) initialize(t *testing.T, args ...string) *process {
	t.Helper()
	return run(t, s.env, append([]string{"init"}, args...)...)
}

// freeAddress is one that nothing listens on at this moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}
