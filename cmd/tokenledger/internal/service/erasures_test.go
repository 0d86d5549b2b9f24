// The list of erasures: it outlives a restore, and crashes while it is written.

package service

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// installation is a log with an organization and a user who left.
type installation struct {
	*testing.T
	*Store
	dir       string
	org, user uuid.UUID
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	url := eventstoretest.Postgres(t)
	ring := keyring.Generate()
	i := &installation{T: t, dir: t.TempDir(), Store: &Store{URL: url, Ring: ring, config: eventstore.Config{URL: url, Keys: ring}}}
	var err error
	if i.Peppers, err = peppers(ring); err != nil {
		t.Fatal(err)
	}
	i.reopen()
	err = i.WithLog(t.Context(), func(ctx context.Context, log *eventstore.Log) error {
		tokens := &aggregate.Tokens{Handler: &aggregate.Handler{Log: log}, Peppers: i.Peppers}
		begun, err := (&aggregate.Directory{Tokens: tokens}).Initialize(ctx, aggregate.Initialization{
			Origin: log.Origin(), Organization: "acme", Owner: aggregate.Profile{Email: "ada@example.com", DisplayName: "Ada"},
		})
		if err != nil {
			return err
		}
		i.org, i.user = begun.Organization, begun.User
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	i.happened(events.UserDeactivated{})
	return i
}

// happened records what happened to the user.
func (i *installation) happened(e events.Event) {
	i.Helper()
	err := i.WithLog(i.Context(), func(ctx context.Context, log *eventstore.Log) error {
		_, err := log.Append(ctx, events.Request{Batches: []events.Batch{{
			Stream: events.UserStream(i.user), Trail: events.UserTrail(i.user), Meta: events.Meta{Actor: events.System("test")},
			Events: []events.Event{e},
		}}})
		return err
	})
	if err != nil {
		i.Fatal(err)
	}
	i.reopen()
}

// state is what the log says of the user.
func (i *installation) state() (u aggregate.User) {
	i.Helper()
	for r, err := range i.Log.ReadStream(i.Context(), events.UserStream(i.user), 0) {
		if err != nil {
			i.Fatal(err)
		}
		u = aggregate.UserDecider.Evolve(u, r.Event.(events.UserEvent))
	}
	return u
}

// reopen forgets what this process knows of the log.
func (i *installation) reopen() {
	i.Helper()
	log, err := eventstore.Open(i.Context(), i.config)
	if err != nil {
		i.Fatal(err)
	}
	i.Cleanup(log.Close)
	i.Log = log
}

func (i *installation) email() string {
	i.Helper()
	for r, err := range i.Log.ReadAll(i.Context(), 0) {
		if err != nil {
			i.Fatal(err)
		}
		if created, ok := r.Event.(events.UserCreated); ok {
			return created.Email.Value
		}
	}
	return ""
}

// snapshot and restore stand in for a backup of the database: what the erasure changes
// is written back, by hands that may do anything.
func (i *installation) snapshot() (restore func()) {
	i.Helper()
	conn, err := pgx.Connect(i.Context(), i.URL)
	if err != nil {
		i.Fatal(err)
	}
	i.Cleanup(func() { _ = conn.Close(context.Background()) })
	exec := func(statements ...string) {
		i.Helper()
		for _, sql := range statements {
			if _, err := conn.Exec(i.Context(), sql); err != nil {
				i.Fatalf("%s: %v", sql, err)
			}
		}
	}
	exec("SET search_path = tokenledger", "CREATE TABLE backup_keys AS TABLE subject_keys", "CREATE TABLE backup_streams AS TABLE streams",
		"CREATE TABLE backup_head AS SELECT max(last_position) AS at FROM blocks")
	return func() {
		i.Helper()
		exec(`DO $$ DECLARE t record; BEGIN
			FOR t IN SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger WHERE NOT tgisinternal LOOP
				EXECUTE 'ALTER TABLE ' || t.name || ' DISABLE TRIGGER USER';
			END LOOP; END $$`,
			"DELETE FROM blocks WHERE last_position > (SELECT at FROM backup_head)", "DELETE FROM decisions WHERE position > (SELECT at FROM backup_head)",
			"TRUNCATE subject_keys, streams", "INSERT INTO subject_keys TABLE backup_keys", "INSERT INTO streams TABLE backup_streams")
		i.reopen()
	}
}

func (i *installation) apply() events.Position {
	i.Helper()
	last, err := erasuresOf(i.dir, i.Store).apply(i.Context(), i.Store, slog.New(slog.DiscardHandler))
	if err != nil {
		i.Fatal(err)
	}
	i.reopen()
	return last
}

func TestARestoreBringsNothingBack(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	if i.email() != "ada@example.com" {
		t.Fatal(i.email())
	}
	restore := i.snapshot()
	at, err := EraseSubject(t.Context(), i.dir, i.Store, events.UserStream(i.user), "asked for")
	if err != nil || at == 0 {
		t.Fatal(at, err)
	}
	i.reopen()
	if i.email() != "" {
		t.Fatal("the address can still be read")
	}
	if again, err := EraseSubject(t.Context(), i.dir, i.Store, events.UserStream(i.user), "asked for"); err != nil || again != 0 {
		t.Fatalf("erased a second time at %d, %v", again, err)
	}
	if i.apply() != 0 {
		t.Fatal("a start without a restore erased something")
	}
	restore()
	if i.email() != "ada@example.com" {
		t.Fatal("the restore restored nothing")
	}
	if again := i.apply(); again != at || i.email() != "" {
		t.Fatalf("after the restore: erased at %d, the address is %q", again, i.email())
	}
	if i.apply() != 0 {
		t.Fatal("the next start erased it once more")
	}
}

// Who was deactivated after the backup was made, and then erased, comes back active: he has to leave again.
func TestWhomARestoreBringsBackActiveIsLetInNoMore(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.happened(events.UserReactivated{})
	restore := i.snapshot()
	i.happened(events.UserDeactivated{})
	if _, err := EraseSubject(t.Context(), i.dir, i.Store, events.UserStream(i.user), "asked for"); err != nil {
		t.Fatal(err)
	}
	restore()
	if !i.state().Active() {
		t.Fatal("the restore did not bring him back active")
	}
	if i.apply() == 0 {
		t.Fatal("nothing was erased again")
	}
	if u := i.state(); u.Active() || !u.Erased || i.email() != "" {
		t.Errorf("after the start he is %+v, the address %q", u, i.email())
	}
	if i.apply() != 0 {
		t.Error("the next start erased him once more")
	}
}

func TestTheListIsCompletedFromTheLog(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	elsewhere := t.TempDir() // another machine's
	for _, subject := range []events.SubjectID{events.UserStream(i.user), events.OrganizationStream(i.org)} {
		if _, err := EraseSubject(t.Context(), elsewhere, i.Store, subject, "asked for"); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(i.dir, "erasures.jsonl")
	if err := os.WriteFile(path, []byte(`{"origin":"ha`), 0o600); err != nil { // half a line, after a crash
		t.Fatal(err)
	}
	i.reopen()
	if i.apply() != 0 {
		t.Fatal("something was erased")
	}
	kept, err := erasuresOf(i.dir, i.Store).kept()
	if err != nil || len(kept) != 2 {
		t.Fatalf("%+v, %v", kept, err)
	}
}

// An erasure whose line could not be written is asked for again, and then it is.
func TestARepeatedErasureIsListedOnce(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	full := filepath.Join(i.dir, "not a directory")
	if err := os.WriteFile(full, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := EraseSubject(t.Context(), full, i.Store, events.UserStream(i.user), "asked for"); err == nil {
		t.Fatal("the list was written to nowhere")
	}
	recorded, err := i.Log.Erasures(t.Context())
	if err != nil || len(recorded) != 1 {
		t.Fatal(recorded, err)
	}
	for range 2 {
		if at, err := EraseSubject(t.Context(), i.dir, i.Store, events.UserStream(i.user), "asked for"); err != nil || at != 0 {
			t.Fatal(at, err)
		}
		kept, err := erasuresOf(i.dir, i.Store).kept()
		if err != nil || len(kept) != 1 || !kept[0].At.Equal(recorded[0].At) {
			t.Fatalf("%+v, %v; want one line of %v", kept, err, recorded[0].At)
		}
	}
}

func TestOnlyWhoLeftIsErased(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	for _, subject := range []events.SubjectID{events.UserStream(uuid.New()), events.OrganizationStream(uuid.New()), events.TokenStream(i.user)} {
		if _, err := EraseSubject(t.Context(), i.dir, i.Store, subject, "x"); err == nil {
			t.Errorf("%s was erased", subject)
		}
	}
	if _, err := EraseSubject(t.Context(), i.dir, i.Store, events.UserStream(i.user), " "); err == nil {
		t.Error("erased without a reason")
	}
}
