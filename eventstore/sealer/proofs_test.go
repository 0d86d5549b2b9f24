// What is sealed is what the events say, and everything can be proved from it.

package sealer_test

import (
	"errors"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

// busy makes a history of three organizations, sealed now and then, with trails
// and a log that reach over several tiles.
func (w *world) busy() []sealer.Sealed {
	w.Helper()
	var sealed []sealer.Sealed
	w.found()
	w.found()
	w.use(0, 300)
	sealed = append(sealed, w.seal())
	w.use(1, 3)
	w.use(0, 1)
	sealed = append(sealed, w.seal())
	w.found()
	w.use(2, 600)
	w.use(0, 255)
	return append(sealed, w.seal())
}

func TestEpochsAreWhatTheEventsSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	sealed := w.busy()
	all := w.events()
	for _, s := range sealed {
		var tree merkle.Tree
		trails := map[events.TrailID]*merkle.Tree{}
		for _, r := range all[:s.Epoch.Size] {
			tree.Append(r.LeafHash)
			if trails[r.Trail] == nil {
				trails[r.Trail] = new(merkle.Tree)
			}
			trails[r.Trail].Append(r.LeafHash)
			if !r.RecordedAt.Before(s.Epoch.Time) {
				t.Fatalf("epoch %d of %s holds an event of %s", s.Epoch.Number, s.Epoch.Time, r.RecordedAt)
			}
		}
		if tree.Root() != s.Epoch.Root || s.Epoch.Organizations != int64(len(trails)) {
			t.Fatalf("%+v; the events have root %v, %d trails", s.Epoch, tree.Root(), len(trails))
		}
		for i, org := range w.orgs[:s.Epoch.Organizations] {
			trail := events.OrganizationTrail(org)
			head, err := w.reader.Head(t.Context(), s, trail)
			if err != nil || head.Index != int64(i) || head.Size != trails[trail].Size() || head.Root != trails[trail].Root() {
				t.Fatalf("%+v, %v; the events have %d, %v", head, err, trails[trail].Size(), trails[trail].Root())
			}
			if err := merkle.VerifyInclusion(head.Index, s.Epoch.Organizations, merkle.LeafHash(head.Line), s.Epoch.Heads, head.Proof); err != nil {
				t.Fatal(err)
			}
			edge, err := w.reader.Frontier(t.Context(), s, trail)
			if err != nil || edge.Root() != head.Root {
				t.Fatal(edge.Size(), err)
			}
		}
		w.proveSome(s, all, trails)
	}
	for _, org := range w.orgs {
		if head, err := w.reader.Head(t.Context(), sealed[0], events.OrganizationTrail(org)); org == w.orgs[2] && !errors.Is(err, sealer.ErrNotHeld) {
			t.Fatalf("%+v, %v; the organization came later", head, err)
		}
	}
}

// proveSome proves the events at the edges of tiles and some others.
func (w *world) proveSome(s sealer.Sealed, all []events.Recorded, trails map[events.TrailID]*merkle.Tree) {
	w.Helper()
	positions := []int64{1, 255, 256, 257, s.Epoch.Size, rand.Int64N(s.Epoch.Size) + 1}
	for _, p := range positions {
		r := all[p-1]
		proof, err := w.reader.EventInclusion(w.Context(), s, r.Position)
		if err != nil {
			w.Fatal(err)
		}
		if err := merkle.VerifyInclusion(p-1, s.Epoch.Size, r.LeafHash, s.Epoch.Root, proof); err != nil {
			w.Fatal(err)
		}
		proof, err = w.reader.TrailInclusion(w.Context(), s, r.Trail, r.TrailPosition)
		if err != nil {
			w.Fatal(err)
		}
		trail := trails[r.Trail]
		if err := merkle.VerifyInclusion(int64(r.TrailPosition)-1, trail.Size(), r.LeafHash, trail.Root(), proof); err != nil {
			w.Fatal(err)
		}
	}
	if _, err := w.reader.EventInclusion(w.Context(), s, events.Position(s.Epoch.Size+1)); !errors.Is(err, sealer.ErrNotHeld) {
		w.Fatalf("an event after the epoch: %v", err)
	}
}

func TestEvidenceFromTheReaderVerifies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	sealed := w.busy()
	all := w.events()
	for organization := range w.orgs {
		for from := -1; from < len(sealed)-1; from++ {
			evidence, leaves := w.evidence(organization, from, sealed, all)
			keys, err := w.reader.Keys(sealed[0])
			if err != nil {
				t.Fatal(err)
			}
			proven, err := merkle.Auditor{Keys: keys, Pinned: true, Index: indexOf}.Verify(evidence, leaves)
			if err != nil {
				t.Fatalf("organization %d from %d: %v", organization, from, err)
			}
			if proven.Closing.Number != sealed[len(sealed)-1].Epoch.Number {
				t.Fatalf("%+v", proven)
			}
		}
	}
}

func indexOf(first []byte) (int64, error) {
	r, err := events.Decode(first)
	if err != nil {
		return 0, err
	}
	return r.Event.(events.OrganizationCreated).Index, nil
}

func (w *world) evidence(organization, from int, sealed []sealer.Sealed, all []events.Recorded) (merkle.Evidence, iter.Seq2[merkle.Leaf, error]) {
	w.Helper()
	ctx, trail, last := w.Context(), events.OrganizationTrail(w.orgs[organization]), sealed[len(sealed)-1]
	check := func(err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
	}
	var err error
	e := merkle.Evidence{Start: time.Unix(0, 0), End: last.Epoch.Time}
	e.Closing, err = w.reader.Bound(ctx, last, trail)
	check(err)
	if from >= 0 {
		opening, err := w.reader.Bound(ctx, sealed[from], trail)
		check(err)
		e.Opening, e.Start = &opening, sealed[from].Epoch.Time
		e.Consistency, err = w.reader.Consistency(ctx, sealed[from], last)
		check(err)
		e.Frontier, err = w.reader.Frontier(ctx, sealed[from], trail)
		check(err)
	}
	e.FirstProof, err = w.reader.TrailInclusion(ctx, last, trail, 1)
	check(err)
	var leaves []merkle.Leaf
	for _, r := range all {
		if r.Trail != trail {
			continue
		}
		if r.TrailPosition == 1 {
			e.First = r.Leaf
		}
		if int64(r.TrailPosition) > e.Frontier.Size() {
			leaves = append(leaves, merkle.Leaf{TrailPosition: int64(r.TrailPosition), Bytes: r.Leaf})
		}
	}
	return e, func(yield func(merkle.Leaf, error) bool) {
		for _, l := range leaves {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func TestEpochsAreFoundByTimeAndPosition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	sealed := w.busy()
	for _, s := range sealed {
		for name, ask := range map[string]func() (sealer.Sealed, error){
			"number":       func() (sealer.Sealed, error) { return w.reader.Epoch(t.Context(), s.Epoch.Number) },
			"at or after":  func() (sealer.Sealed, error) { return w.reader.AtOrAfter(t.Context(), s.Epoch.Time) },
			"at or before": func() (sealer.Sealed, error) { return w.reader.AtOrBefore(t.Context(), s.Epoch.Time) },
			"just before": func() (sealer.Sealed, error) {
				return w.reader.AtOrAfter(t.Context(), s.Epoch.Time.Add(-time.Microsecond))
			},
		} {
			if found, err := ask(); err != nil || found.Epoch != s.Epoch {
				t.Fatalf("by %s: %+v, %v; want %+v", name, found.Epoch, err, s.Epoch)
			}
		}
		holding, err := w.reader.Holding(t.Context(), events.Position(s.Epoch.Size))
		if err != nil || holding.Epoch.Size < s.Epoch.Size || holding.Epoch.Number > s.Epoch.Number {
			t.Fatalf("%+v, %v", holding, err)
		}
	}
	if s, err := w.reader.AtOrAfter(t.Context(), time.Now().Add(time.Hour)); !errors.Is(err, sealer.ErrNotSealed) {
		t.Fatalf("%+v, %v", s, err)
	}
	if s, err := w.reader.AtOrBefore(t.Context(), time.Unix(0, 0)); !errors.Is(err, sealer.ErrNotSealed) {
		t.Fatalf("%+v, %v", s, err)
	}
}
