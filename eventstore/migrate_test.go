// Migrations: at once from several processes, with few rights, and seen by Open.

package eventstore_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestSeveralProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	for range 3 {
		database := eventstoretest.EmptyPostgres(t)
		for _, schema := range []string{"", "", "other"} {
			group.Go(func() {
				if err := eventstore.Migrate(t.Context(), database+"&pool_max_conns=3", schema); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
}

func TestTwoSchemasAreTwoLogs(t *testing.T) {
	t.Parallel()
	database := eventstoretest.Postgres(t)
	const schema = `Other "one"`
	if err := eventstore.Migrate(t.Context(), database, schema); err != nil {
		t.Fatal(err)
	}
	one := eventstoretest.Start(t, eventstore.Config{URL: database})
	other := eventstoretest.Start(t, eventstore.Config{URL: database, Schema: schema})
	if one.Origin() == other.Origin() {
		t.Fatal("they have the same origin")
	}
	k := eventstoretest.NewToken(uuid.New())
	for _, log := range []*eventstore.Log{one, other} {
		if receipt := mustAppend(t, log, k.Create()); receipt.Last() != 1 {
			t.Fatalf("the first event stands at %d", receipt.Last())
		}
	}
}

func TestOpenWantsAMigratedDatabase(t *testing.T) {
	t.Parallel()
	if _, err := eventstore.Open(t.Context(), eventstore.Config{URL: eventstoretest.EmptyPostgres(t)}); !errors.Is(err, eventstore.ErrNotMigrated) {
		t.Error(err)
	}
	database := eventstoretest.Postgres(t)
	run(t, connect(t, database), `UPDATE goose_db_version SET version_id = 0`)
	if _, err := eventstore.Open(t.Context(), eventstore.Config{URL: database}); !errors.Is(err, eventstore.ErrNotMigrated) {
		t.Error(err)
	}
	if _, err := eventstore.Open(t.Context(), eventstore.Config{}); err == nil {
		t.Error("a configuration without a URL is taken")
	}
}

// TestCheckSeesWhatBecameOfTheDatabase: a log that is open notices a schema that
// went back, as a restore makes it, and another log in its place.
func TestCheckSeesWhatBecameOfTheDatabase(t *testing.T) {
	t.Parallel()
	database := eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: database})
	if err := log.Check(t.Context()); err != nil {
		t.Error(err)
	}
	admin := connect(t, database)
	run(t, admin, `UPDATE goose_db_version SET version_id = version_id - 1`)
	if err := log.Check(t.Context()); !errors.Is(err, eventstore.ErrNotMigrated) {
		t.Errorf("an older schema: got %v", err)
	}
	run(t, admin, `UPDATE goose_db_version SET version_id = version_id + 1`)
	run(t, admin, `ALTER TABLE log DISABLE TRIGGER ALL`)
	run(t, admin, `UPDATE log SET origin = gen_random_uuid()`)
	if err := log.Check(t.Context()); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("another log: got %v", err)
	}
}

func TestUserWithFewRightsIsToldWhatToAskFor(t *testing.T) {
	t.Parallel()
	database := eventstoretest.EmptyPostgres(t)
	admin := connect(t, database)
	name := "poor_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	run(t, admin, `CREATE ROLE `+name+` LOGIN PASSWORD 'secret'`)
	t.Cleanup(func() {
		if _, err := admin.Exec(context.Background(), `DROP OWNED BY `+name+` CASCADE; DROP ROLE `+name); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "secret")
	err = eventstore.Migrate(t.Context(), u.String(), "")
	if !errors.Is(err, eventstore.ErrNotPermitted) || strings.Contains(err.Error(), "secret") {
		t.Fatal(err)
	}
	_, wanted, _ := strings.Cut(err.Error(), "run:\n")
	for line := range strings.Lines(wanted) {
		if !strings.HasPrefix(line, "CREATE ROLE") { // this cluster has the roles
			run(t, admin, line)
		}
	}
	if err := eventstore.Migrate(t.Context(), u.String(), ""); err != nil {
		t.Fatal(err)
	}
	log := eventstoretest.Start(t, eventstore.Config{URL: u.String()})
	mustAppend(t, log, eventstoretest.NewToken(uuid.New()).Create())
}
