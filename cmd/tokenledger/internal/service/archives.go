// Retention: the oldest partitions of the log are exported, and detached when nothing needs them any more.

package service

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/archive"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections"
)

// Archives are those of the directory that the settings name.
func Archives(c config.Config, ring *keyring.Ring) *archive.Directory {
	return &archive.Directory{Path: c.Archives, Verifiers: ring.Verifiers}
}

// retained is the log as its database has it: what needs no archives is not made to read them.
type retained struct{ *eventstore.Log }

// Blocks implements [jetstream.Source].
func (r retained) Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error] {
	return func(yield func(*eventstore.Block, error) bool) {
		first, err := r.First(ctx)
		if err == nil && after+1 < first {
			err = fmt.Errorf("events %d to %d were %w and left the database", after+1, first-1, events.ErrArchived)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		r.Log.Blocks(ctx, after, follow)(yield)
	}
}

// ExportArchive writes the archive of a partition into a directory, unless it is there and verifies. It
// gives the file and whether it is new.
func ExportArchive(ctx context.Context, c config.Config, s *Store, p eventstore.Partition, dir string, progress func(events.Position)) (path string, fresh bool, err error) {
	path = filepath.Join(dir, archive.Name(p))
	if _, err := os.Stat(path); err == nil {
		_, _, err := verifyArchive(path, s, p, nil)
		return path, false, err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return path, false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return path, false, err
	}
	sealed, err := OpenSealed(ctx, c, s)
	if err != nil {
		return path, false, err
	}
	defer sealed.Close()
	exporter := archive.Exporter{
		Log: s.Log, Sealed: sealed, Generator: "tokenledger " + Version(), Progress: progress,
		Signer: func(origin string) (note.Signer, error) { return s.Ring.Signer(origin) },
	}
	_, err = exporter.Export(ctx, p, path)
	return path, true, err
}

// verifyArchive verifies with the installation's own keys that a file is the archive of a partition.
func verifyArchive(path string, s *Store, p eventstore.Partition, each func(eventstore.StoredBlock) error) (m archive.Manifest, proven archive.Proven, err error) {
	f, r, err := archive.OpenFile(path)
	if err != nil {
		return m, proven, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	m = r.Manifest
	if m.Origin != s.Log.Origin() || m.First != int64(p.First) || m.Last != int64(p.Last) || m.Blocks != p.Blocks {
		return m, proven, fmt.Errorf("%s holds the events %d to %d of the log %s; the partition %s holds %d to %d of %s",
			path, m.First, m.Last, m.Origin, p.Table, p.First, p.Last, s.Log.Origin())
	}
	keys, err := s.Ring.Verifiers(m.Proof.Log)
	if err != nil {
		return m, proven, fmt.Errorf("the key file (TOKENLEDGER_KEY_FILE): %w", err)
	}
	if proven, err = r.Verify(keys, each); err != nil {
		return m, proven, fmt.Errorf("%s: %w", path, err)
	}
	return m, proven, nil
}

// Detach takes the oldest partition out of the log, with the archive of exactly that partition at hand. It
// refuses where something still needs the partition: see [needed]. The event comes first, so that there is
// never a gap that the log does not explain; what was interrupted is repeated and goes on.
func Detach(ctx context.Context, c config.Config, s *Store, path, reason string, logger *slog.Logger) (p eventstore.Partition, err error) {
	partitions, err := s.Log.Partitions(ctx)
	if err != nil || len(partitions) == 0 {
		return p, err
	}
	p = partitions[0]
	if p.Pending { // everything else was done
		return p, eventstore.Detach(ctx, cmp.Or(c.MigratorURL, s.URL), c.Schema, p, eventstore.Edge{})
	}
	head, err := s.Log.Head(ctx)
	if err != nil {
		return p, err
	}
	if !p.Full(head) {
		return p, fmt.Errorf("the oldest partition, %s, is still being filled: it takes the events up to position %d, the log ends at %d", p.Table, p.To-1, head)
	}
	m, proven, err := s.compareArchive(ctx, path, p)
	if err != nil {
		return p, err
	}
	if err := needed(ctx, c, s, p.Last, logger); err != nil {
		return p, err
	}
	if err := s.Log.CountTrails(ctx); err != nil {
		return p, err
	}
	err = s.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) error {
		tokens := &aggregate.Tokens{Handler: &aggregate.Handler{Log: log}, Peppers: s.Peppers}
		record := aggregate.RecordArchive{First: m.First, Last: m.Last, Root: m.Root, Digest: m.Digest}
		_, err := (&aggregate.Directory{Tokens: tokens}).RecordArchive(ctx, record, reason)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("record the archive: %w", err)
	}
	return p, eventstore.Detach(ctx, cmp.Or(c.MigratorURL, s.URL), c.Schema, p, proven.Edge)
}

// compareArchive verifies an archive and compares each of its blocks with the database's.
func (s *Store) compareArchive(ctx context.Context, path string, p eventstore.Partition) (archive.Manifest, archive.Proven, error) {
	next, stop := iter.Pull2(retained{s.Log}.Blocks(ctx, p.First-1, false))
	defer stop()
	return verifyArchive(path, s, p, func(archived eventstore.StoredBlock) error {
		b, err, ok := next()
		if !ok {
			err = errors.New("it ends before")
		}
		if err != nil {
			return fmt.Errorf("read the partition at position %d: %w", archived.First, err)
		}
		have := b.Stored()
		if have.First != archived.First || have.Last != archived.Last || have.Writer != archived.Writer || have.WriterSeq != archived.WriterSeq ||
			have.Term != archived.Term || have.Timeline != archived.Timeline || !have.RecordedAt.Equal(archived.RecordedAt) ||
			!bytes.Equal(have.Leaves, archived.Leaves) || !bytes.Equal(have.Sealed, archived.Sealed) {
			return fmt.Errorf("the block from %d to %d is not the one in the database", archived.First, archived.Last)
		}
		return nil
	})
}

// needed says what still needs events up to a position, all at once: read models that have not come so far,
// also those that are being built, the stream on JetStream, and idempotency keys. What needs nothing: the sealer, since the archive's proof is an epoch that holds the last event and whose trees
// are stored; the verifier, which starts from a snapshot or from the copies of decisions, which stay, and
// follows the log from its end.
func needed(ctx context.Context, c config.Config, s *Store, last events.Position, logger *slog.Logger) error {
	var why []error
	pool, err := projections.OpenPool(ctx, cmp.Or(c.ProjectorURL, s.URL), c.Schema)
	if err != nil {
		return err
	}
	defer pool.Close()
	generations, err := projections.Generations(ctx, pool)
	if err != nil {
		return err
	}
	for _, g := range generations {
		if g.Position < last {
			why = append(why, fmt.Errorf("the read model %s (revision %d, build %d) is at position %d", g.Name, g.Revision, g.Build, g.Position))
		}
	}
	if len(generations) == 0 {
		why = append(why, errors.New("there are no read models yet; start the service"))
	}
	end, err := streamEnd(ctx, c, s, logger)
	switch {
	case err != nil:
		why = append(why, fmt.Errorf("how far JetStream is cannot be told: %w", err))
	case end < last:
		why = append(why, fmt.Errorf("the stream on JetStream ends at position %d", end))
	}
	why = append(why, s.Log.Needed(ctx, last))
	if err := errors.Join(why...); err != nil {
		return fmt.Errorf("events up to position %d are still needed:\n%w", last, err)
	}
	return nil
}

func streamEnd(ctx context.Context, c config.Config, s *Store, logger *slog.Logger) (events.Position, error) {
	b, err := openAnyBroker(ctx, c, logger)
	if err != nil {
		return 0, err
	}
	end, err := jetstream.End(ctx, b.conn, s.Log.Origin())
	return end, errors.Join(err, b.close())
}

// DropDetached drops the table of a partition that was detached.
func DropDetached(ctx context.Context, c config.Config, s *Store, p eventstore.Partition) error {
	return eventstore.Drop(ctx, cmp.Or(c.MigratorURL, s.URL), c.Schema, p.Table)
}
