// Writing an archive: blocks in order, then what proves them.

package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/internal/atomicfile"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

// Log is where the blocks come from.
type Log interface {
	Origin() string
	Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error]
}

// Exporter writes archives of a log.
type Exporter struct {
	Log       Log
	Sealed    *sealer.Reader
	Signer    func(origin string) (note.Signer, error) // of a log of epochs
	Generator string
	Progress  func(at events.Position) // may be nil
}

// Name is the name of the file for a partition.
func Name(p eventstore.Partition) string {
	return fmt.Sprintf("%012d-%012d%s", p.First, p.Last, suffix)
}

const suffix = ".jsonl.zst"

// Export writes the archive of a partition to a file, which appears only once it is whole and
// on disk.
func (e Exporter) Export(ctx context.Context, p eventstore.Partition, path string) (m Manifest, err error) {
	aside, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-") // mode 0600
	if err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(aside.Name()))
		}
	}()
	m, err = e.write(ctx, p, aside)
	if err = errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return m, fmt.Errorf("archive %s: %w", p.Table, err)
	}
	if err := os.Rename(aside.Name(), path); err != nil {
		return m, err
	}
	return m, atomicfile.SyncDir(filepath.Dir(path))
}

func (e Exporter) write(ctx context.Context, p eventstore.Partition, to io.Writer) (Manifest, error) {
	m := Manifest{Format: Format, Origin: e.Log.Origin(), First: int64(p.First), Last: int64(p.Last), Generator: e.Generator}
	edge, err := e.Sealed.EventsFrontier(ctx, m.First-1)
	if err != nil {
		return m, err
	}
	if m.Frontier, err = edge.MarshalBinary(); err != nil {
		return m, err
	}
	w, err := newWriter(to)
	if err != nil {
		return m, err
	}
	for b, err := range e.Log.Blocks(ctx, p.First-1, false) {
		if err != nil {
			return m, err
		}
		if err := w.block(b, &edge); err != nil {
			return m, err
		}
		if m.Blocks++; m.Blocks == 1 {
			m.From = b.RecordedAt
		}
		m.To = b.RecordedAt
		if e.Progress != nil {
			e.Progress(b.Last)
		}
		if b.Last >= p.Last {
			break
		}
	}
	if edge.Size() != m.Last {
		return m, fmt.Errorf("the blocks read end at position %d", edge.Size())
	}
	if m.Proof, err = e.prove(ctx, m.Last); err != nil {
		return m, err
	}
	m.Digest, m.Root = hex.EncodeToString(w.digest.Sum(nil)), edge.Root().String()
	return m, e.finish(w, m)
}

// prove shows that the events tree up to a position is the beginning of the one that the first
// epoch which holds it has signed.
func (e Exporter) prove(ctx context.Context, last int64) (p Proof, err error) {
	epoch, err := e.Sealed.Holding(ctx, events.Position(last))
	if err != nil {
		return p, fmt.Errorf("position %d: %w", last, err)
	}
	p.Log, p.Epoch, p.Checkpoint = e.Sealed.Origin(epoch), string(epoch.Record), string(epoch.Checkpoint)
	if p.Inclusion, err = e.Sealed.EpochInclusion(ctx, epoch, epoch); err != nil {
		return p, err
	}
	p.Consistency, err = e.Sealed.EventsPrefix(ctx, last, epoch)
	return p, err
}

// finish adds the manifest, signed with the key of its checkpoint, and the places of frames.
func (e Exporter) finish(w *writer, m Manifest) error {
	signer, err := e.Signer(m.Proof.Log)
	if err != nil {
		return fmt.Errorf("the signing key: %w", err)
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return err
	}
	signed, err := sign(manifest, signer)
	if err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.places.Manifest = w.offset
	w.lines.Write(append(manifest, '\n'))
	w.lines.Write(signed)
	if err := w.flush(); err != nil {
		return err
	}
	return w.footer()
}

// writer cuts lines into frames and remembers where each begins.
type writer struct {
	to      io.Writer
	encoder *zstd.Encoder
	lines   bytes.Buffer
	frame   []byte
	digest  hash.Hash
	offset  int64
	places  places
}

func newWriter(to io.Writer) (*writer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	return &writer{to: to, encoder: encoder, digest: sha256.New()}, err
}

func (w *writer) block(b *eventstore.Block, edge *merkle.Frontier) error {
	if err := grow(b, edge); err != nil {
		return err
	}
	s := b.Stored()
	line, err := lineOf(s, edge.Root())
	if err != nil {
		return err
	}
	if w.lines.Len() == 0 {
		w.places.Frames = append(w.places.Frames, place{s.First, w.offset})
	}
	for _, part := range [][]byte{line, s.Leaves} {
		w.lines.Write(part)
		w.digest.Write(part)
	}
	if w.lines.Len() < frameBytes {
		return nil
	}
	return w.flush()
}

// grow pushes the leaves of a block, and checks its lines and tally on the way.
func grow(b *eventstore.Block, edge *merkle.Frontier) error {
	return b.Lines(func(line eventstore.Line) error {
		edge.Append(merkle.LeafHash(line.Leaf))
		return nil
	})
}

func (w *writer) flush() error {
	if w.lines.Len() == 0 {
		return nil
	}
	w.frame = w.encoder.EncodeAll(w.lines.Bytes(), w.frame[:0])
	w.lines.Reset()
	return w.write(w.frame)
}

func (w *writer) write(b []byte) error {
	n, err := w.to.Write(b)
	w.offset += int64(n)
	return err
}

func (w *writer) footer() error {
	text, err := json.Marshal(w.places)
	if err != nil {
		return err
	}
	frame := binary.LittleEndian.AppendUint32(nil, skippable)
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(text)+footerSize))
	frame = append(frame, text...)
	return w.write(binary.LittleEndian.AppendUint64(frame, uint64(w.offset)))
}
