// What the readers of one organization see, and what they do not.

package projections_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// admin is a connection of a superuser.
func (w *world) admin() *pgx.Conn {
	w.t.Helper()
	return w.dial(w.url)
}

func (w *world) dial(url string) *pgx.Conn {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// pool acts as the projector.
func (w *world) pool() *pgxpool.Pool {
	w.t.Helper()
	pool, err := projections.OpenPool(w.t.Context(), w.url, eventstore.DefaultSchema)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(pool.Close)
	return pool
}

func scan[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) (v T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// tenant fills every read model with something of an organization's own, and makes the
// organization a login. word stands in what its people wrote.
func (w *world) tenant(org uuid.UUID, word string) (login *pgx.Conn, name string) {
	w.t.Helper()
	trail := events.OrganizationTrail(org)
	user, personal, token := newID(), newID(), newID()
	w.append(events.UserStream(user), events.UserTrail(user), events.UserCreated{
		Email: events.Personal{Subject: events.UserStream(user), Value: word + "@example.com"},
	}, events.UserIdentityLinked{Issuer: "https://" + word + ".example.com", Subject: events.Personal{Subject: events.UserStream(user), Value: word}})
	w.append(events.MembershipStream(org, user), trail, events.MembershipStarted{
		Organization: org, User: user, Role: events.RoleMember, Until: time.Now().Add(time.Hour),
	})
	w.append(events.InvitationStream(newID()), trail, events.InvitationIssued{
		Organization: org, User: user, Role: events.RoleMember, ExpiresAt: time.Now().Add(time.Hour), Digest: word,
	})
	w.append(events.OrganizationStream(org), trail, events.OrganizationWebhookAdded{Webhook: newID(), URL: "https://" + word + ".example.com/hook"},
		events.OrganizationPolicyChanged{After: events.Policy{ReviewEvery: events.Seconds(1)}})
	w.append(events.TokenStream(token), trail, events.TokenCreated{
		Kind: events.OrganizationKind, Organization: org, Name: word, Scopes: []string{"evidence:write"}, Fingerprint: word,
	})
	w.append(events.TokenStream(personal), events.UserTrail(user), events.TokenCreated{
		Kind: events.PersonalKind, Owner: user, Name: word, Scopes: []string{"evidence:write"}, Fingerprint: word + "-p",
	})
	w.append(events.GrantStream(personal, org), trail, events.GrantGiven{
		Token: personal, Organization: org, User: user, Name: word, Scopes: []string{"evidence:write"},
	})
	for _, of := range []uuid.UUID{token, personal} {
		for _, address := range []string{"192.0.2.1", "198.51.100.1"} { // the second one is a finding
			seen := events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(org), Value: address}}
			w.append(events.TokenStream(of), trail, seen, events.TokenUsed{Source: -1, Action: word})
		}
		w.append(events.TokenStream(of), trail, events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Action: word})
	}
	name = "reader_" + strings.ReplaceAll(newID().String(), "-", "")
	_, err := eventstore.CreateReader(w.t.Context(), w.url, "", eventstore.Reader{Login: name, Organization: org}, "secret of "+word, 3)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		login.Close(context.Background())
		if err := eventstore.RemoveReader(context.Background(), w.url, "", name); err != nil && !errors.Is(err, eventstore.ErrReader) {
			w.t.Error(err)
		}
	})
	login = w.dial(w.login(name, "secret of "+word))
	return login, name
}

// login is the database's URL for another user.
func (w *world) login(name, password string) string {
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	u.User = url.UserPassword(name, password)
	return u.String()
}

func rowsOf(t *testing.T, conn *pgx.Conn, relation string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT v::text FROM `+relation+` AS v`)
	if err != nil {
		t.Fatalf("%s: %v", relation, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", relation, err)
	}
	return all
}

func TestAReaderSeesTheRowsOfOneOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, _ := w.tenant(w.orgs[0], "acme")
	two, _ := w.tenant(w.orgs[1], "umbrella")
	r := w.reader()
	w.caughtUp(r)
	if _, err := projections.NewVerifierSnapshots(t.Context(), w.pool()); err != nil {
		t.Fatal(err)
	}
	admin := w.admin()
	for _, org := range w.orgs { // hours and actions are written when they are over
		for table, rest := range map[string]string{"usage_hours": "now(), 1, 0", "usage_actions": "'createEvidence', 1, 0, now()"} {
			sql := "INSERT INTO tokenledger_views." + table + " VALUES ($1, $2, " + rest + ")"
			if _, err := admin.Exec(t.Context(), sql, newID(), events.OrganizationTrail(org)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, rel := range relations(t, admin) {
		if !rel.readable() {
			for _, sql := range []string{"SELECT FROM " + rel.Name, "SELECT count(*) FROM " + rel.Name} {
				denied(t, one, sql)
			}
			continue
		}
		all, ofOne, ofTwo := rowsOf(t, admin, rel.Name), rowsOf(t, one, rel.Name), rowsOf(t, two, rel.Name)
		if len(ofOne) == 0 || len(ofTwo) == 0 || len(ofOne)+len(ofTwo) > len(all) {
			t.Errorf("%s: of %d rows one sees %d, the other %d", rel.Name, len(all), len(ofOne), len(ofTwo))
		}
		for who, c := range map[string]struct {
			rows    []string
			foreign []string
		}{
			"the first":  {ofOne, []string{w.orgs[1].String(), "umbrella", "756d6272656c6c61"}}, // bytea is in hexadecimal
			"the second": {ofTwo, []string{w.orgs[0].String(), "acme", "61636d65"}},
		} {
			for _, row := range c.rows {
				for _, word := range c.foreign {
					if strings.Contains(row, word) {
						t.Errorf("%s: %s sees %s in %.200s", rel.Name, who, word, row)
					}
				}
			}
		}
		for _, sql := range []string{"DELETE FROM " + rel.Name, "INSERT INTO " + rel.Name + " DEFAULT VALUES"} {
			denied(t, one, sql)
		}
	}
	// A personal token stands in no organization's list; its grant does.
	if n := scan[int](t, one, `SELECT count(*) FROM tokens WHERE kind = 'personal'`); n != 0 {
		t.Errorf("sees %d personal tokens", n)
	}
}

// denied fails the test unless a statement is refused for want of rights, with every
// setting that a login can change for itself.
func denied(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	err := pgx.BeginTxFunc(t.Context(), conn, pgx.TxOptions{AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), sql)
		if err == nil {
			return errors.New("it was done")
		}
		return err
	})
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "42501" {
		t.Errorf("%s: %v", sql, err)
	}
}

func TestAReaderCannotBecomeMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, name := w.tenant(w.orgs[0], "acme")
	r := w.reader()
	w.caughtUp(r)
	for _, sql := range []string{
		"SET ROLE " + eventstore.RoleOperator, "SET ROLE " + eventstore.RoleProjector, "SET ROLE " + eventstore.RoleAppender,
		"SET ROLE " + eventstore.RoleMigrator, "SELECT FROM tokenledger.events", "SELECT tokenledger.reader_organization()",
		"SELECT FROM tokenledger.readers", "UPDATE tokenledger.readers SET organization = '" + w.orgs[1].String() + "'",
		"CREATE TABLE tokenledger_views.mine ()", "ALTER TABLE tokenledger_views.tokens_r1b1 DISABLE ROW LEVEL SECURITY",
		"SET SESSION AUTHORIZATION postgres", "SELECT pg_read_file('/etc/passwd')", "COPY (SELECT 1) TO PROGRAM 'id'",
		"ALTER ROLE " + name + " BYPASSRLS",
	} {
		if _, err := one.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s was done", sql)
		}
	}
	// What it may set changes nothing of what it sees.
	for _, sql := range []string{"SET ROLE " + eventstore.RoleReader, "SET default_transaction_read_only = off", "RESET ROLE"} {
		if _, err := one.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if got := scan[[]uuid.UUID](t, one, `SELECT array_agg(id) FROM directory_organizations`); len(got) != 1 || got[0] != w.orgs[0] {
			t.Errorf("after %s it sees %v", sql, got)
		}
	}
	if _, err := one.Exec(t.Context(), `SET row_security = off`); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Exec(t.Context(), `SELECT FROM tokens`); err == nil {
		t.Error("reads past row-level security")
	}
	if err := eventstore.RemoveReader(t.Context(), w.url, "", name); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Exec(t.Context(), `SET row_security = on`); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := one.QueryRow(t.Context(), `SELECT count(*) FROM tokenledger_views.tokens`).Scan(&n); err == nil && n > 0 {
		t.Errorf("a login that was taken away sees %d tokens", n)
	}
	if _, err := pgx.Connect(t.Context(), w.login(name, "secret of acme")); err == nil {
		t.Error("a login that was taken away comes in")
	}
}

func TestWhoCannotBeAReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, taken := w.tenant(w.orgs[0], "acme")
	admin := w.admin()
	strong := "strong_" + strings.ReplaceAll(newID().String(), "-", "")
	copies := "copies_" + strings.ReplaceAll(newID().String(), "-", "")
	files := "files_" + strings.ReplaceAll(newID().String(), "-", "")
	bound := "bound_" + strings.ReplaceAll(newID().String(), "-", "")
	for _, sql := range []string{
		"CREATE ROLE " + strong + " LOGIN", "GRANT " + eventstore.RoleOperator + " TO " + strong, "CREATE ROLE " + bound + " LOGIN",
		"CREATE ROLE " + copies + " LOGIN REPLICATION", "CREATE ROLE " + files + " LOGIN", "GRANT pg_read_server_files TO " + files,
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(context.Background(), "DROP ROLE "+strings.Join([]string{strong, copies, files}, ", ")); err != nil {
			t.Error(err)
		}
	})
	for name, r := range map[string]eventstore.Reader{
		"an organization that is not there": {Login: "reader_x", Organization: newID()},
		"another organization's":            {Login: taken, Organization: w.orgs[1]},
		"a superuser":                       {Login: "postgres", Organization: w.orgs[0]},
		"a role of the service":             {Login: eventstore.RoleProjector, Organization: w.orgs[0]},
		"an operator":                       {Login: strong, Organization: w.orgs[0]},
		"one who copies the server":         {Login: copies, Organization: w.orgs[0]},
		"one who reads the server's files":  {Login: files, Organization: w.orgs[0]},
		"no name":                           {Login: "x; DROP TABLE", Organization: w.orgs[0]},
	} {
		if _, err := eventstore.CreateReader(t.Context(), w.url, "", r, "p", 1); !errors.Is(err, eventstore.ErrReader) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := eventstore.RemoveReader(t.Context(), w.url, "", strong); !errors.Is(err, eventstore.ErrReader) {
		t.Errorf("took a login away that reads for nobody: %v", err)
	}
	// One that exists is bound, twice as well as once.
	for range 2 {
		if _, err := eventstore.CreateReader(t.Context(), w.url, "", eventstore.Reader{Login: bound, Organization: w.orgs[1]}, "p", 1); err != nil {
			t.Error(err)
		}
	}
	all, err := eventstore.Readers(t.Context(), w.url, "")
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, r := range all {
		if r.Login == taken && r.Organization != w.orgs[0] || r.Login == bound && r.Organization != w.orgs[1] || r.CreatedAt.IsZero() {
			t.Errorf("listed as %+v", r)
		}
	}
	if err := eventstore.RemoveReader(t.Context(), w.url, "", bound); err != nil {
		t.Error(err)
	}
}

// TestReadersOfADatabaseThatWasOpenToThem: tables and views of an older program are put
// under row-level security by the next one, and until then show readers nothing.
func TestReadersOfADatabaseThatWasOpenToThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, _ := w.tenant(w.orgs[0], "acme")
	r := w.reader()
	w.caughtUp(r)
	r.stop()
	admin := w.admin()
	var table string
	if err := admin.QueryRow(t.Context(), `SELECT tablename FROM pg_tables WHERE tablename ~ '^tokens_r[0-9]+b1$'`).Scan(&table); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{ // as an older program makes it
		"SET ROLE " + eventstore.RoleProjector, "SET search_path = tokenledger_views",
		"DROP POLICY readers_1 ON " + table, "DROP POLICY readers_1_operators ON " + table, "ALTER TABLE " + table + " DISABLE ROW LEVEL SECURITY",
		"REVOKE ALL ON " + table + " FROM tokenledger_reader",
		"DROP VIEW tokens", "CREATE VIEW tokens AS SELECT * FROM " + table,
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	denied(t, one, "SELECT FROM tokens")
	denied(t, one, "SELECT FROM "+table)
	w.reader()
	if n := scan[int](t, one, `SELECT count(*) FROM tokens`); n != 1 {
		t.Errorf("sees %d tokens", n)
	}
}
