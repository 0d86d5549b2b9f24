// Retention: the oldest partition of a running ledger is exported, detached and dropped, and everything goes on.

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

// startPartitioned starts a service on a log whose first partition ends at a position.
func startPartitioned(t *testing.T, cut int64) (*shared, *service) {
	t.Helper()
	sh := startShared(t)
	if err := eventstore.Migrate(t.Context(), sh.database, ""); err != nil {
		t.Fatal(err)
	}
	eventstoretest.Partition(t, sh.database, cut)
	s := sh.service(t, "TOKENLEDGER_AUDIT_RATE=0")
	s.initialize(t, "--organization", "Demo", "--email", "admin@example.com").exits(t, 0)
	s.start(t)
	return sh, s
}

func TestTheOldestPartitionLeavesTheDatabase(t *testing.T) {
	t.Parallel()
	const cut = 40
	_, s := startPartitioned(t, cut)
	old := s.createToken(t, map[string]any{"name": "old", "scopes": []string{"read"}})
	for i := range cut {
		s.createToken(t, map[string]any{"name": fmt.Sprintf("token-%d", i), "scopes": []string{"read"}})
	}

	// Exported, and verified with the key alone.
	dir := filepath.Join(s.data, "archives")
	var file string
	await(t, "the partition is sealed and exported", func() bool {
		p := s.command(t, "archive", "export", "--before", "1000")
		files, _ := filepath.Glob(filepath.Join(dir, "*.jsonl.zst"))
		if p.Wait(stopLimit); len(files) == 1 {
			file = files[0]
		}
		return file != ""
	})
	key := strings.TrimSpace(s.command(t, "keys", "list", "--public").Stdout.String())
	says(t, run(t, nil, "archive", "verify", file, "--key", key).Stdout.String(), "verified", "positions 1 to ")
	says(t, run(t, nil, "archive", "verify", file, "--key", key, "--output", "json").Stdout.String(), `"verdict":"verified"`, `"first":1,`)
	run(t, nil, "archive", "verify", file).exits(t, 2, "--key")
	says(t, s.command(t, "archive", "export", "--older-than", "400d").Stdout.String(), "no partition")
	says(t, s.command(t, "archive", "export", "--before", "1000").Stdout.String(), "was there")
	says(t, s.command(t, "archive", "export", "--before", "1000", "--output", "csv").Stdout.String(), "FILE,NEW,FIRST,LAST,BLOCKS\n", ",no,1,")

	// Refused while something needs it, and without a word of why.
	detach := []string{"archive", "detach", file, "--reason", "two years old", "--yes", "--drop"}
	s.command(t, "archive", "detach", file, "--reason", "x").exits(t, 2, "--yes")
	s.sql(t, `INSERT INTO tokenledger.idempotency SELECT 'c', 'k', '\x00', 3, 4, clock_timestamp()`)
	s.command(t, detach...).exits(t, 1, "idempotency keys")
	s.sql(t, `DELETE FROM tokenledger.idempotency`)
	other := filepath.Join(openDir(t), "other.jsonl.zst")
	broken, err := os.ReadFile(file)
	if err == nil {
		broken[len(broken)/3] ^= 1
		err = os.WriteFile(other, broken, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.command(t, "archive", "detach", other, "--reason", "x", "--yes").exits(t, 1)
	s.command(t, detach...).exits(t, 0)
	s.command(t, detach...).exits(t, 1, "still being filled")

	// The service goes on, with old tokens and new ones, and every command finds the archive.
	if got := s.ask(t, `query($id: ID!) { apiToken(id: $id) { name } }`, map[string]any{"id": old.ID}).text(t, "apiToken.name"); got != "old" {
		t.Errorf("the old token is %q", got)
	}
	says(t, string(s.ask(t, `{ auditEvents(types: ["token.created"], first: 1) { totalCount } }`, nil).Body), fmt.Sprintf(`"totalCount":%d`, cut+1))
	s.createToken(t, map[string]any{"name": "after", "scopes": []string{"read"}})
	says(t, s.command(t, "audit", "check").Stdout.String(), "no mismatch")
	s.command(t, "projections", "rebuild", "tokens").exits(t, 0)

	// Without the archive, whoever would need it is told so, and all others answer.
	away := filepath.Join(openDir(t), filepath.Base(file))
	if err := os.Rename(file, away); err != nil {
		t.Fatal(err)
	}
	s.stop(t)
	s.start(t)
	says(t, s.command(t, "audit", "check").Stdout.String(), "no mismatch", "not read: events 1 to ")
	s.command(t, "replay").exits(t, 1, "archived", "--archives")
	at := regexp.MustCompile(`"position":"?(\d+)`).FindSubmatch(s.ask(t, `{ auditEvents(types: ["token.created"], first: 1) { edges { node { position } } } }`, nil).Body)
	if at == nil {
		t.Fatal("the first token has no position")
	}
	refused := s.send(t, s.Token, fmt.Sprintf(`{ eventProof(position: %s) { leaf } }`, at[1]), nil)
	says(t, string(refused.Body), `"code":"NOT_FOUND"`, "archived")
	s.command(t, "projections", "rebuild", "tokens").exits(t, 1, "archived")
	says(t, s.command(t, "replay", "--archives", away).Stdout.String(), `"name":"old"`)
	s.createToken(t, map[string]any{"name": "later", "scopes": []string{"read"}})
	if got := s.sql(t, `SELECT data ->> 'first' FROM tokenledger.events WHERE type = 'installation.events_archived'`); got != "1" {
		t.Errorf("the archive on record begins at %q", got)
	}
}

// TestAPartitionStaysWhileReadModelsOrTheStreamNeedIt: each of them is held up, alone, and detaching names it, records
// nothing, and succeeds once it has come.
func TestAPartitionStaysWhileReadModelsOrTheStreamNeedIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hold func(t *testing.T, sh *shared) (release func())
		says string
	}{
		"a read model":            {holdUsage, "the read model usage (revision"},
		"the stream on JetStream": {holdStream, "the stream on JetStream ends at position"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const cut = 40
			sh, s := startPartitioned(t, cut)
			token := s.createToken(t, map[string]any{"name": "old", "scopes": []string{"evidence:write"}})
			release := c.hold(t, sh)
			for range cut {
				s.allowed(t, token.Value, "createEvidence")
			}
			var file string
			await(t, "the partition is sealed and exported", func() bool {
				s.command(t, "archive", "export", "--before", "1000")
				if files, _ := filepath.Glob(filepath.Join(s.data, "archives", "*.jsonl.zst")); len(files) == 1 {
					file = files[0]
				}
				return file != ""
			})

			detach := []string{"archive", "detach", file, "--reason", "two years old", "--yes"}
			var refused string
			await(t, "nothing else is in the way", func() bool { // the others come on, this one does not
				p := s.command(t, detach...)
				p.exits(t, 1, "are still needed")
				refused = p.Stderr.String()
				return strings.Count(refused, "is at position")+strings.Count(refused, "JetStream") == 1
			})
			says(t, refused, c.says)
			const recorded = `SELECT count(*)::text FROM tokenledger.decisions WHERE type = 'installation.events_archived'`
			if n := s.sql(t, recorded); n != "0" {
				t.Errorf("%s archives are on record before the partition may leave", n)
			}
			release()
			await(t, "the partition leaves", func() bool { return s.command(t, detach...).Cmd.ProcessState.ExitCode() == 0 })
			if n := s.sql(t, recorded); n != "1" {
				t.Errorf("%s archives are on record", n)
			}
			says(t, run(t, nil, "archive", "verify", file, "--key", strings.TrimSpace(s.command(t, "keys", "list", "--public").Stdout.String())).Stdout.String(), "verified")
			s.allowed(t, token.Value, "createEvidence")
		})
	}
}

// holdUsage keeps the checkpoint of the read model of uses where it is.
func holdUsage(t *testing.T, sh *shared) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), sh.database)
	if err == nil {
		_, err = conn.Exec(t.Context(), "BEGIN; SELECT FROM tokenledger_views.projections WHERE name = 'usage' FOR UPDATE")
	}
	if err != nil {
		t.Fatal(err)
	}
	release = func() { _ = conn.Close(context.WithoutCancel(t.Context())) }
	t.Cleanup(release)
	return release
}

// holdStream leaves the stream as it is: JetStream takes no message more.
func holdStream(t *testing.T, sh *shared) (release func()) {
	t.Helper()
	conn, err := nats.Connect(sh.nats.ClientURL(), nats.UserCredentials(sh.nats.RelayCreds()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "TOKENLEDGER_"+origin(t, sh.database))
	if err != nil {
		t.Fatal(err)
	}
	before := stream.CachedInfo().Config
	full := before
	full.Discard, full.MaxMsgs = jetstream.DiscardNew, int64(stream.CachedInfo().State.Msgs)
	set := func(c jetstream.StreamConfig) {
		if _, err := js.UpdateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	set(full)
	return func() { set(before) }
}

// sql runs a statement as a superuser and gives the first value of the first row.
func (s *service) sql(t *testing.T, statement string) (value string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, _ := conn.Query(t.Context(), statement) // its error comes out of the rows
	if rows.Next() {
		err = rows.Scan(&value)
	}
	rows.Close()
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}
