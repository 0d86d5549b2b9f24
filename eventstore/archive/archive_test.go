// An archive holds its partition, proves it, and stands in for it once it is gone.

package archive

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

func TestAnArchiveHoldsItsPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 2 {
		p := w.partition(i)
		path := w.export(p)
		m, proven := w.verified(path)
		if m.First != int64(p.First) || m.Last != int64(p.Last) || m.Blocks != p.Blocks || proven.Events != m.Last-m.First+1 || m.Origin != w.log.Origin() {
			t.Fatalf("%+v, %+v of %+v", m, proven, p)
		}
		var want [][]byte
		for _, r := range w.all[m.First-1 : m.Last] {
			want = append(want, r.Leaf)
		}
		if got := leaves(t, path); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("%d leaves, want %d", len(got), len(want))
		}
	}
}

// leaves decompresses an archive as any program does, and takes the leaves.
func leaves(t *testing.T, path string) (all [][]byte) {
	t.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	content, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(content) {
		if bytes.HasPrefix(line, []byte(`{"format":1,`)) {
			all = append(all, bytes.TrimSuffix(line, []byte("\n")))
		}
	}
	return all
}

func TestTheLogGoesOnWithoutAPartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 2 {
		p := w.partition(0)
		path := w.export(p)
		m, proven := w.verified(path)
		w.detach(p, m, proven)
		if first, err := w.log.First(t.Context()); err != nil || int64(first) != m.Last+1 {
			t.Fatal(i, first, err)
		}
		w.mustLack(m)
	}
	w.append(w.token.Batch(events.TokenUsed{Action: "createEvidence", Resource: "evidence/after"}))
	again := eventstoretest.Start(t, eventstore.Config{URL: w.url, Keys: w.ring}) // another process counts trails from what is left
	receipt, err := again.Append(t.Context(), w.token.Use())
	if err != nil || int64(receipt.Placed[0].Position) != int64(len(w.all))+4 {
		t.Fatal(receipt, err)
	}
	if _, err := w.reader.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mustHaveAll()
	w.mustProve()
}

// mustLack reads where the archive is not at hand: refused, and told why; what follows is read.
func (w *world) mustLack(m Manifest) {
	w.Helper()
	bare := w.reopened(nil)
	for _, after := range []events.Position{0, events.Position(m.Last - 1)} {
		for _, err := range bare.ReadAll(w.Context(), after) {
			if !errors.Is(err, events.ErrArchived) || errors.Is(err, eventstore.ErrCorrupt) {
				w.Fatalf("after %d: %v", after, err)
			}
			break
		}
	}
	n := m.Last
	for r, err := range bare.ReadAll(w.Context(), events.Position(m.Last)) {
		if n++; err != nil || int64(r.Position) != n {
			w.Fatal(n, r.Position, err)
		}
	}
	if archived, err := bare.Archived(w.Context()); err != nil || int64(archived) != m.Last {
		w.Fatal(archived, err)
	}
}

// mustHaveAll reads everything again, from archives as far as they go, personal values included.
func (w *world) mustHaveAll() {
	w.Helper()
	log := w.reopened(w.archives())
	n := 0
	for r, err := range log.ReadAll(w.Context(), 0) {
		if err != nil {
			w.Fatal(err)
		}
		if n < len(w.all) && !bytes.Equal(r.Leaf, w.all[n].Leaf) {
			w.Fatalf("position %d reads differently", r.Position)
		}
		if e, ok := r.Event.(events.UserCreated); ok && e.Email.Value != "ada@example.com" {
			w.Fatalf("the address reads %q", e.Email.Value)
		}
		n++
	}
	if n != len(w.all)+4 {
		w.Fatalf("%d events, want %d", n, len(w.all)+4)
	}
	by := events.Meta{Actor: events.System("test")}
	id, _, _ := w.user.IDs()
	w.append(events.Batch{Stream: w.user, Trail: events.UserTrail(id), Meta: by, Events: []events.Event{events.UserErased{}}})
	again := w.reopened(w.archives())
	for r, err := range again.ReadAll(w.Context(), 0) {
		if e, ok := r.Event.(events.UserCreated); err != nil || ok && e.Email.Value != "" {
			w.Fatalf("after the erasure the address in the archive reads %q, %v", e.Email.Value, err)
		}
	}
}

// mustProve proves events that the database still holds, next to the edge as well, without archives.
func (w *world) mustProve() {
	w.Helper()
	bare := w.reopened(nil)
	reader := w.readerOf(bare)
	sealed, err := reader.Latest(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	first, err := bare.First(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for r, err := range bare.ReadAll(w.Context(), first-1) {
		if err != nil || int64(r.Position) > sealed.Epoch.Size {
			break
		}
		proof, err := reader.EventInclusion(w.Context(), sealed, r.Position)
		if err == nil {
			err = merkle.VerifyInclusion(int64(r.Position)-1, sealed.Epoch.Size, merkle.Hash(r.LeafHash), sealed.Epoch.Root, proof)
		}
		if err != nil {
			w.Fatalf("position %d, first %d: %v", r.Position, first, err)
		}
	}
	if _, err := reader.EventInclusion(w.Context(), sealed, 5); !errors.Is(err, events.ErrArchived) {
		w.Fatalf("an archived event: %v", err)
	}
	var proof merkle.Proof
	whole := w.readerOf(w.reopened(w.archives()))
	if proof, err = whole.EventInclusion(w.Context(), sealed, 5); err == nil {
		err = merkle.VerifyInclusion(4, sealed.Epoch.Size, merkle.Hash(w.all[4].LeafHash), sealed.Epoch.Root, proof)
	}
	if err != nil {
		w.Fatalf("an archived event, with its archive: %v", err)
	}
}

func TestAGapThatNoEventExplainsIsCorruption(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.partition(0)
	_, proven := w.verified(w.export(p))
	if err := eventstore.Detach(t.Context(), w.url, eventstore.DefaultSchema, p, proven.Edge); err != nil {
		t.Fatal(err)
	}
	for _, err := range w.reopened(w.archives()).ReadAll(t.Context(), 0) {
		if !errors.Is(err, eventstore.ErrCorrupt) {
			t.Fatal(err)
		}
	}
}

func TestDroppingTakesWhatWasDetached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.partition(0)
	if err := eventstore.Drop(t.Context(), w.url, eventstore.DefaultSchema, p.Table); err == nil {
		t.Fatal("a partition of the log was dropped")
	}
	m, proven := w.verified(w.export(p))
	w.detach(p, m, proven)
	if err := eventstore.Drop(t.Context(), w.url, eventstore.DefaultSchema, p.Table); err != nil {
		t.Fatal(err)
	}
	if w.partition(0).First != events.Position(m.Last+1) {
		t.Fatalf("%+v", w.partition(0))
	}
}

func TestArchivesOfOthersArePassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.export(w.partition(0))
	if blocks, err := w.archives().Blocks(t.Context(), "00000000-0000-0000-0000-000000000000", 0); err != nil || len(blocks) != 0 {
		t.Fatal(len(blocks), err)
	}
	if blocks, err := (&Directory{Path: w.dir + "/none"}).Blocks(t.Context(), w.log.Origin(), 0); err != nil || len(blocks) != 0 {
		t.Fatal(len(blocks), err)
	}
}
