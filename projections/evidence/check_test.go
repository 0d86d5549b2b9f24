// What a superuser does to the database is found by the audit of the whole log, and by the pack that is made of it.

package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/projections/evidence"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

// superuser runs statements as who owns the database, with every trigger off.
func (s *sealed) superuser(t *testing.T, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	run := func(sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	run("SET search_path = " + eventstore.DefaultSchema + "_views, " + eventstore.DefaultSchema)
	run(`DO $$ DECLARE r record; BEGIN
		FOR r IN SELECT format('ALTER TABLE %I.%I DISABLE TRIGGER ALL', schemaname, tablename) AS off FROM pg_tables WHERE schemaname = '` + eventstore.DefaultSchema + `' LOOP EXECUTE r.off; END LOOP; END $$`)
	for _, sql := range statements {
		run(sql)
	}
}

func (s *sealed) checker() evidence.Checker {
	return evidence.Checker{Log: s.log, Sealed: s.reader, Blinding: make([]byte, 32), Views: s.views}
}

// reopened is the log as a process sees it that has none of it in memory.
func (s *sealed) reopened(t *testing.T) *eventstore.Log {
	t.Helper()
	log, err := eventstore.Open(t.Context(), eventstore.Config{URL: s.url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// lie adds an epoch, signed with the log's own key, whose heads are not those of the events.
func (s *sealed) lie(t *testing.T, change func([]merkle.Head)) {
	t.Helper()
	var log merkle.Tree
	var last merkle.Epoch
	for one, err := range s.reader.Epochs(t.Context(), time.Time{}, time.Now().Add(time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		log.Append(merkle.LeafHash(one.Record))
		last = one.Epoch
	}
	trails := map[string]*merkle.Frontier{}
	for rec, err := range (evidence.Log{Blocks: s.log}).All(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if trails[string(rec.Trail)] == nil {
			trails[string(rec.Trail)] = &merkle.Frontier{}
		}
		trails[string(rec.Trail)].Append(merkle.Hash(rec.LeafHash))
	}
	var heads []merkle.Head
	for i, org := range []string{s.ledger.other.String(), s.ledger.org.String()} {
		heads = append(heads, merkle.Head{Index: int64(i), Size: trails[org].Size(), Root: trails[org].Root()})
	}
	change(heads)
	blinder, err := merkle.NewBlinder(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	last.Number++
	last.Time = last.Time.Add(time.Second)
	tree, err := blinder.HeadsTree(last.Number, heads)
	if err != nil {
		t.Fatal(err)
	}
	last.Heads = tree.Root()
	record, err := last.Line()
	if err != nil {
		t.Fatal(err)
	}
	log.Append(merkle.LeafHash(record))
	checkpoint, err := merkle.Checkpoint{Origin: s.sign.Name(), Size: log.Size(), Root: log.Root()}.Sign(s.sign)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `INSERT INTO `+eventstore.DefaultSchema+`.epochs VALUES (1, $1, $2, $3, $4, $5, ''::bytea)`,
		last.Number, last.Time, last.Size, record, checkpoint); err != nil {
		t.Fatal(err)
	}
}

func TestAnHonestLogPassesTheAudit(t *testing.T) {
	t.Parallel()
	s := seal(t)
	done, err := s.checker().Check(t.Context())
	if err != nil || done.Epochs < 2 || done.Events != int64(done.Position) || done.Rows < done.Events {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestAuditFindsWhatASuperuserDid(t *testing.T) {
	t.Parallel()
	change := func(table, column, old, new string) string {
		return `UPDATE ` + table + ` SET ` + column + ` = convert_to(replace(convert_from(` + column + `, 'UTF8'), '` + old + `', '` + new + `'), 'UTF8')
			WHERE position('` + old + `'::bytea IN ` + column + `) > 0`
	}
	for name, c := range map[string]struct {
		spoil func(*testing.T, *sealed)
		what  string
	}{
		"block: byte changed":     {func(t *testing.T, s *sealed) { s.superuser(t, change("blocks", "leaves", "createRisk", "createTask")) }, "events tree"},
		"block: decision changed": {func(t *testing.T, s *sealed) { s.superuser(t, change("blocks", "leaves", `"leaked"`, `"rotted"`)) }, "decisions"},
		"block: decision and its copy changed": {func(t *testing.T, s *sealed) {
			s.superuser(t, change("blocks", "leaves", `"leaked"`, `"rotted"`), change("decisions", "leaf", `"leaked"`, `"rotted"`))
		}, "events tree"},
		"block: dropped in the middle": {func(t *testing.T, s *sealed) { s.superuser(t, `DELETE FROM blocks WHERE last_position = 9`) }, "blocks"},
		"block: swapped": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE blocks b SET leaves = (SELECT leaves FROM blocks WHERE last_position = 19 - b.last_position) WHERE last_position IN (9, 10)`)
		}, "blocks"},
		"decision: copy changed": {func(t *testing.T, s *sealed) { s.superuser(t, change("decisions", "leaf", `"leaked"`, `"rotted"`)) }, "decisions"},
		"decision: copy dropped": {func(t *testing.T, s *sealed) { s.superuser(t, `DELETE FROM decisions WHERE type = 'token.revoked'`) }, "decisions"},
		"token: a row changed": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE tokens SET revoked_at = NULL, revoked_by = NULL`)
		}, "read model tokens"},
		"token: a row dropped":   {func(t *testing.T, s *sealed) { s.superuser(t, `DELETE FROM tokens WHERE name = 'deploy'`) }, "read model tokens"},
		"member: a role changed": {func(t *testing.T, s *sealed) { s.superuser(t, `UPDATE directory_memberships SET role = 'owner'`) }, "read model memberships"},
		"grant: an end undone":   {func(t *testing.T, s *sealed) { s.superuser(t, `UPDATE directory_grants SET ended_at = NULL`) }, "read model grants"},
		"trail: a line changed": {func(t *testing.T, s *sealed) {
			s.superuser(t, change("trails_segments", "leaves", "createRisk", "createTask"))
		}, "read model trails"},
		"trail: a segment dropped": {func(t *testing.T, s *sealed) {
			s.superuser(t, `DELETE FROM trails_segments WHERE trail = '`+s.ledger.other.String()+`'`)
		}, "read model trails"},
		"indexes of two organizations swapped": {func(t *testing.T, s *sealed) {
			s.lie(t, func(h []merkle.Head) {
				h[0].Size, h[0].Root, h[1].Size, h[1].Root = h[1].Size, h[1].Root, h[0].Size, h[0].Root
			})
		}, "heads"},
		"an event left out of its trail's tree": {func(t *testing.T, s *sealed) {
			s.lie(t, func(h []merkle.Head) {
				var short merkle.Frontier
				for rec := range (evidence.Log{Blocks: s.log}).Trail(t.Context(), s.ledger.trail(), 0, 0) {
					if short.Size() < h[1].Size-1 {
						short.Append(merkle.Hash(rec.LeafHash))
					}
				}
				h[1].Size, h[1].Root = short.Size(), short.Root()
			})
		}, "heads"},
		"an epoch replaced": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE epochs SET checkpoint = (SELECT checkpoint FROM epochs WHERE number = 0) WHERE number = 1`)
		}, "checkpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := seal(t)
			s.stop() // so that it does not refuse, or seal on, meanwhile
			c.spoil(t, s)
			check := s.checker()
			check.Log = s.reopened(t)
			done, err := check.Check(t.Context())
			var m *evidence.Mismatch
			if !errors.As(err, &m) || !strings.Contains(m.What, c.what) || m.Position == 0 {
				t.Errorf("%+v, %v, want %s", done, err, c.what)
			}
		})
	}
}

func TestAPackOfATamperedDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  func(*sealed) string
		want merkle.Verdict
	}{
		"a line changed": {func(s *sealed) string {
			return `UPDATE trails_segments SET leaves = convert_to(replace(convert_from(leaves, 'UTF8'), 'createRisk', 'createTask'), 'UTF8')`
		}, merkle.Altered},
		"a line with the time changed": {func(s *sealed) string {
			return `UPDATE trails_segments SET leaves = convert_to(replace(convert_from(leaves, 'UTF8'), '"leaked"', '"mislaid"'), 'UTF8')`
		}, merkle.Altered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := seal(t)
			s.superuser(t, c.sql(s))
			pack := s.export(t, s.later())
			if !bytes.Contains(pack, []byte(verify.Format)) {
				t.Fatal("no pack")
			}
			both(t, pack, c.want, s.key)
		})
	}
}
