// What a superuser does to the database is found by the audit of the whole log, and by the pack that is made of it.

package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
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

func mustKeys(t *testing.T, texts ...string) []note.Verifier {
	t.Helper()
	keys, err := merkle.ParseKeys(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (s *sealed) checker() evidence.Checker {
	return evidence.Checker{Log: s.log, Sealed: s.reader, Blinding: make([]byte, 32), Views: s.views, Outside: s.outside}
}

// reopened is the log as a process sees it that has none of it in memory.
func (s *sealed) reopened(t *testing.T) *eventstore.Log {
	t.Helper()
	log, err := eventstore.Open(t.Context(), eventstore.Config{URL: s.url, Keys: s.keys})
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
		"token: a row changed where the last use is not stored": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE projections SET position = position - 1 WHERE name = 'tokens'`, `UPDATE tokens SET revoked_at = NULL, revoked_by = NULL`)
		}, "read model tokens"},
		"token: a row dropped": {func(t *testing.T, s *sealed) { s.superuser(t, `DELETE FROM tokens WHERE name = 'deploy'`) }, "read model tokens"},
		"token: a row invented": {func(t *testing.T, s *sealed) {
			s.superuser(t, `INSERT INTO tokens SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid()))).* FROM tokens t WHERE name = 'deploy'`)
		}, "read model tokens"},
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
		"block: one inserted in the middle": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE blocks SET last_position = last_position + 100, first_position = first_position + 100 WHERE last_position > 9`,
				`INSERT INTO blocks SELECT 10, 10, term, timeline, recorded_at, leaves, tally, sealed, writer, writer_seq + 1000 FROM blocks WHERE last_position = 9`,
				`UPDATE blocks SET last_position = last_position - 99, first_position = first_position - 99 WHERE last_position > 100`)
		}, "blocks"},
		"block: renumbered": {func(t *testing.T, s *sealed) {
			s.superuser(t, change("blocks", "leaves", `"trail_position":5,`, `"trail_position":6,`), change("decisions", "leaf", `"trail_position":5,`, `"trail_position":6,`))
		}, "trail"},
		"block: its end dropped": {func(t *testing.T, s *sealed) {
			s.superuser(t, `DELETE FROM blocks WHERE last_position > (SELECT max(last_position) FROM blocks) - 2`)
		}, "epochs"},
		"the whole database rolled back": {func(t *testing.T, s *sealed) {
			const first = `(SELECT position FROM epochs WHERE position > 0 ORDER BY number LIMIT 1)`
			for _, table := range []string{"blocks WHERE last_position", "decisions WHERE position", "tree_steps WHERE position", "tree_trails WHERE position"} {
				s.superuser(t, `DELETE FROM `+table+` > `+first)
			}
			s.superuser(t, `DELETE FROM epochs WHERE position > `+first)
		}, "epochs"},
		"every epoch dropped, and an event changed": {func(t *testing.T, s *sealed) {
			s.superuser(t, `DELETE FROM epochs`, change("blocks", "leaves", "createRisk", "createTask"))
		}, "events tree"},
		"an epoch dropped": {func(t *testing.T, s *sealed) { s.superuser(t, `DELETE FROM epochs WHERE number = 1`) }, "epoch"},
		"an epoch unreadable": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE epochs SET record = convert_to('{"v":2}', 'UTF8') WHERE number = 1`)
		}, "epochs"},
		"a second epoch under a number": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE epochs SET record = (SELECT record FROM epochs WHERE number = 0) WHERE number = 1`)
		}, "epoch"},
		"key swapped": {func(t *testing.T, s *sealed) {
			one, err := s.reader.Epoch(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := merkle.OpenCheckpoint(one.Checkpoint, mustKeys(t, s.key)...)
			if err != nil {
				t.Fatal(err)
			}
			forged, err := opened.Sign(s.forge)
			if err != nil {
				t.Fatal(err)
			}
			s.superuser(t, fmt.Sprintf(`UPDATE epochs SET checkpoint = '\x%x' WHERE number = 1`, forged))
		}, "checkpoint"},
		"decision: copy unreadable": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE decisions SET leaf = convert_to('{}', 'UTF8') WHERE type = 'token.revoked'`)
		}, "decisions"},
		"erased without an erasure event": {func(t *testing.T, s *sealed) { s.superuser(t, `DELETE FROM subject_keys`) }, "personal values"},
		"personal values dropped":         {func(t *testing.T, s *sealed) { s.superuser(t, `UPDATE blocks SET sealed = NULL`) }, "personal values"},
		"personal values of another block": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE blocks SET sealed = (SELECT sealed FROM blocks WHERE sealed IS NOT NULL ORDER BY last_position LIMIT 1) WHERE sealed IS NOT NULL`)
		}, "blocks"},
		"an epoch replaced": {func(t *testing.T, s *sealed) {
			s.superuser(t, `UPDATE epochs SET checkpoint = (SELECT checkpoint FROM epochs WHERE number = 0) WHERE number = 1`)
		}, "checkpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := seal(t)
			s.stop() // so that it does not refuse, or seal on, meanwhile
			s.quit()
			c.spoil(t, s)
			check := s.checker()
			check.Log = s.reopened(t)
			done, err := check.Check(t.Context())
			var m *evidence.Mismatch
			if !errors.As(err, &m) || !strings.Contains(m.What, c.what) || m.Position == 0 && done.Events > 0 {
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

// What was erased on record cannot be opened, and is no alarm; nor is an erasure that
// comes while the audit reads.
func TestErasuresOnRecordPassTheAudit(t *testing.T) {
	t.Parallel()
	s := seal(t)
	s.checks(t)
	erase := func() {
		_, err := s.log.Append(t.Context(), events.Request{Batches: []events.Batch{{
			Stream: events.OrganizationStream(s.ledger.org), Trail: s.ledger.trail(), Meta: events.Meta{Actor: s.ledger.actor, Reason: "asked for"},
			Events: []events.Event{events.OrganizationNetworkDataErased{}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	once := sync.OnceFunc(erase)
	during := s.checker()
	during.Log = s.reopened(t)
	during.Pace = func(context.Context, int) error { once(); return nil }
	if _, err := during.Check(t.Context()); err != nil {
		t.Errorf("while it was erased: %v", err)
	}
	s.checks(t)
	s.ledger.requests = nil
	s.ledger.source(s.ledger.token("later"))
	s.tell(t, s.ledger.requests) // its values are sealed under another key
	s.checks(t)
}

// checks audits the log as another process would, and finds nothing.
func (s *sealed) checks(t *testing.T) {
	t.Helper()
	c := s.checker()
	c.Log = s.reopened(t)
	if done, err := c.Check(t.Context()); err != nil {
		t.Errorf("%+v, %v", done, err)
	}
}

// turned does something whenever the audit goes on to read blocks.
type turned struct {
	evidence.FullLog
	before func()
}

func (l turned) Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error] {
	l.before()
	return l.FullLog.Blocks(ctx, after, follow)
}

// A read model that a rebuild replaces between the audit's look at its position and at its rows is as good as before:
// the snapshot sees none of the rows that took over.
func TestARebuildInTheMiddleOfAnAuditIsNoMismatch(t *testing.T) {
	t.Parallel()
	s := seal(t)
	check, reads := s.checker(), 0
	check.Log = turned{s.log, func() {
		if reads++; reads < 2 || reads > 3 {
			return
		}
		if err := s.runner.Rebuild(t.Context(), "tokens", nil); err != nil {
			t.Error(err)
		}
	}}
	done, err := check.Check(t.Context())
	if err != nil || done.Rows < done.Events {
		t.Errorf("%+v, %v", done, err)
	}
	if reads < 4 { // the whole log, and the tokens until nothing replaces them
		t.Errorf("the audit began to read %d times", reads)
	}
}
