// A log whose beginning was archived: audited, exported, replayed and built anew, with the archive and without.

package evidence_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/archive"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// cutAt is a position in the middle of the story's first half.
const cutAt = 12

// cutLog is a sealed story whose first partition is archived and detached, on record.
type cutLog struct {
	*sealed
	archive string
	last    events.Position
}

func sealAndCut(t *testing.T) cutLog {
	t.Helper()
	c := cutLog{sealed: seal(t, cutAt)}
	partitions, err := c.log.Partitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := partitions[0]
	c.last, c.archive = p.Last, filepath.Join(t.TempDir(), archive.Name(p))
	exporter := archive.Exporter{Log: c.log, Sealed: c.reader, Signer: func(string) (note.Signer, error) { return c.sign, nil }}
	m, err := exporter.Export(t.Context(), p, c.archive)
	if err != nil {
		t.Fatal(err)
	}
	f, r, err := archive.OpenFile(c.archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	proven, err := r.Verify(mustKeys(t, c.key), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.log.CountTrails(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.tell(t, []events.Request{{Batches: []events.Batch{{
		Stream: events.InstallationStream, Trail: events.OperatorTrail, Meta: events.Meta{Actor: c.ledger.actor},
		Events: []events.Event{events.InstallationEventsArchived{First: m.First, Last: m.Last, Root: m.Root, Digest: m.Digest}},
	}}}})
	if err := eventstore.Detach(t.Context(), c.url, eventstore.DefaultSchema, p, proven.Edge); err != nil {
		t.Fatal(err)
	}
	c.end = c.sealNow(t)
	return c
}

// bare is the log as another process has it, without the archive; whole is with it.
func (c cutLog) bare(t *testing.T) *eventstore.Log { return c.reopened(t) }

func (c cutLog) whole(t *testing.T) *eventstore.Log {
	t.Helper()
	log, err := eventstore.Open(t.Context(), eventstore.Config{URL: c.url, Keys: c.keys, Archives: &archive.Directory{
		Path:      c.archive,
		Verifiers: func(string) ([]note.Verifier, error) { return merkle.ParseKeys(c.key) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

func TestTheAuditOfALogThatWasCut(t *testing.T) {
	t.Parallel()
	c := sealAndCut(t)
	c.stop()
	check := c.checker()
	check.Log = c.whole(t)
	whole, err := check.Check(t.Context())
	if err != nil || whole.Archived != 0 || whole.Events != int64(whole.Position) {
		t.Errorf("with the archive: %+v, %v", whole, err)
	}
	check.Log = c.bare(t)
	part, err := check.Check(t.Context())
	if err != nil || part.Archived != c.last || part.From < c.last || part.Position != whole.Position || part.Rows != whole.Rows ||
		part.Trails != whole.Trails || part.Epochs != whole.Epochs || part.Events != int64(part.Position-part.From) {
		t.Errorf("without the archive: %+v, %v; with it %+v", part, err, whole)
	}
}

func TestTheAuditOfALogThatWasCutFindsWhatASuperuserDid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  string
		what string
	}{
		"a later event": {`UPDATE blocks SET leaves = convert_to(replace(convert_from(leaves, 'UTF8'), 'createRisk', 'createTask'), 'UTF8')`, "events tree"},
		"the edge":      {`UPDATE tree_edges SET frontier = set_byte(frontier, 9, 255 - get_byte(frontier, 9))`, "events tree"},
		"a trail's tree": {`UPDATE tree_trails SET frontier = set_byte(frontier, 9, 255 - get_byte(frontier, 9))
			WHERE trail IN (SELECT trail FROM tree_organizations)`, "heads"},
		"an archived line in its trail": {`UPDATE trails_segments SET leaves = convert_to(replace(convert_from(leaves, 'UTF8'), 'createEvidence', 'deleteEvidence'), 'UTF8')`, "read model trails"},
		"a token's row":                 {`UPDATE tokens SET description = 'another'`, "read model tokens"},
		"an old checkpoint":             {`UPDATE epochs SET checkpoint = (SELECT checkpoint FROM epochs WHERE number = 1) WHERE number = 0`, "checkpoint"},
		"the record of the archive":     {`DELETE FROM decisions WHERE type = 'installation.events_archived'`, "blocks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cut := sealAndCut(t)
			cut.stop() // so that it does not refuse, or seal on, meanwhile
			cut.quit()
			cut.superuser(t, c.sql)
			check := cut.checker()
			check.Log = cut.bare(t)
			done, err := check.Check(t.Context())
			var m *evidence.Mismatch
			if !errors.As(err, &m) || !strings.Contains(m.What, c.what) {
				t.Errorf("%+v, %v, want %s", done, err, c.what)
			}
		})
	}
}

func TestAPackOfATimeThatWasArchived(t *testing.T) {
	t.Parallel()
	c := sealAndCut(t)
	export := func(log *eventstore.Log, disclose ...string) ([]byte, error) {
		exporter := c.exporter
		exporter.Log = log
		order := c.everything()
		order.Disclose = disclose
		var pack bytes.Buffer
		plan, err := exporter.Plan(t.Context(), order)
		if err == nil {
			err = plan.Write(t.Context(), &pack)
		}
		return pack.Bytes(), err
	}
	pack, err := export(c.bare(t))
	if err != nil {
		t.Fatal(err)
	}
	both(t, pack, merkle.Verified, c.key)
	if pack, err = export(c.bare(t), "address"); !errors.Is(err, events.ErrArchived) || len(pack) > 0 {
		t.Errorf("%d bytes, %v", len(pack), err)
	}
	if pack, err = export(c.whole(t), "address"); err != nil || !bytes.Contains(pack, []byte(`"field":"address"`)) {
		t.Fatal(err)
	}
	both(t, pack, merkle.Verified, c.key)
}

func TestAReplayOfALogThatWasCut(t *testing.T) {
	t.Parallel()
	c := sealAndCut(t)
	if _, err := evidence.Replay(t.Context(), evidence.Log{Blocks: c.bare(t)}, evidence.Point{}); !errors.Is(err, events.ErrArchived) {
		t.Errorf("without the archive: %v", err)
	}
	s, err := evidence.Replay(t.Context(), evidence.Log{Blocks: c.whole(t)}, evidence.Point{})
	if err != nil || len(s.Organizations) != 2 || s.Organizations[c.ledger.org] == nil {
		t.Errorf("with the archive: %+v, %v", s, err)
	}
	if err := c.rebuild(t, c.bare(t)); !errors.Is(err, events.ErrArchived) {
		t.Errorf("a read model is built anew without the archive: %v", err)
	}
	if err := c.rebuild(t, c.whole(t)); err != nil {
		t.Errorf("a read model is built anew with the archive: %v", err)
	}
	check := c.checker()
	check.Log = c.whole(t)
	if _, err := check.Check(t.Context()); err != nil {
		t.Errorf("what was built anew: %v", err)
	}
}

// rebuild builds a read model with personal values anew from a log.
func (c cutLog) rebuild(t *testing.T, log *eventstore.Log) error {
	t.Helper()
	pool, err := projections.OpenPool(t.Context(), c.url, eventstore.DefaultSchema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	runner, err := projections.NewRunner(t.Context(), projections.RunnerConfig{Log: log, Pool: pool, Projections: projections.All()})
	if err != nil {
		t.Fatal(err)
	}
	return runner.Rebuild(t.Context(), "directory", nil)
}
