// The verifier's snapshot in Postgres: one at a time, whole, in order, and replaced by one process.

package projections_test

import (
	"bytes"
	"iter"
	"slices"
	"testing"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

func TestTheNewestSnapshotIsKeptWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	var processes []*projections.VerifierSnapshots
	for range 2 {
		s, err := projections.NewVerifierSnapshots(t.Context(), r.pool)
		if err != nil {
			t.Fatal(err)
		}
		processes = append(processes, s)
	}
	a, b := processes[0], processes[1]
	check := func(at events.Position, want ...[]byte) {
		t.Helper()
		newest, err := b.Newest(t.Context())
		if err != nil || newest != at {
			t.Fatalf("at %d, %v; want %d", newest, err, at)
		}
		var got [][]byte
		for part, err := range b.Parts(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, slices.Clone(part))
		}
		if !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%d parts, want %d: %.40q", len(got), len(want), got)
		}
	}
	check(0)
	var parts [][]byte
	for i := range 12 { // more than sort alike as texts
		parts = append(parts, bytes.Repeat([]byte{byte(i)}, 1+i*1000))
	}
	if err := a.Replace(t.Context(), 7, slices.Values(parts)); err != nil {
		t.Fatal(err)
	}
	check(7, parts...)
	// While one process writes, the other leaves it to it.
	err := a.Replace(t.Context(), 9, iter.Seq[[]byte](func(yield func([]byte) bool) {
		if err := b.Replace(t.Context(), 8, slices.Values(parts)); err != nil {
			t.Error(err)
		}
		check(7, parts...)
		yield([]byte("new"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	check(9, []byte("new"))
}
