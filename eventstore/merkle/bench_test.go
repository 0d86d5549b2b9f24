// What the sealer and the auditor pay for each event.

package merkle_test

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// leafOf is a leaf of the usual length, about 420 bytes.
func leafOf(n int) []byte {
	leaf := append(make([]byte, 0, 512), `{"format":1,"position":`...)
	leaf = strconv.AppendInt(leaf, int64(n), 10)
	return append(leaf, bytes.Repeat([]byte(`,"member":"value"`), 23)...)
}

// BenchmarkBothTrees is the sealer's work: an event's leaf goes into the events tree and into one of
// a thousand trail trees.
func BenchmarkBothTrees(b *testing.B) {
	leaves := make([][]byte, 4096)
	for i := range leaves {
		leaves[i] = leafOf(i)
	}
	var events merkle.Frontier
	trails := make([]merkle.Frontier, 1000)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		hash := merkle.LeafHash(leaves[n%len(leaves)])
		events.Append(hash)
		trails[n*7919%len(trails)].Append(hash)
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "leaves/s")
}

func BenchmarkLeafHash(b *testing.B) {
	leaf := leafOf(1)
	b.SetBytes(int64(len(leaf)))
	b.ReportAllocs()
	for b.Loop() {
		merkle.LeafHash(leaf)
	}
}

// BenchmarkTreeWithNodes is the events tree of a log whose tiles are served.
func BenchmarkTreeWithNodes(b *testing.B) {
	hash := merkle.LeafHash(leafOf(1))
	var edge merkle.Frontier
	var nodes []merkle.Hash
	for b.Loop() {
		nodes = edge.AppendNodes(nodes[:0], hash)
	}
	b.ReportMetric(float64(edge.Size())/b.Elapsed().Seconds(), "leaves/s")
}

func BenchmarkHeadsTreeOf1000(b *testing.B) {
	blinder := must[*merkle.Blinder](b)(merkle.NewBlinder(make([]byte, 32)))
	heads := make([]merkle.Head, 1000)
	for i := range heads {
		heads[i] = merkle.Head{Index: int64(i), Root: merkle.EmptyRoot}
	}
	for b.Loop() {
		must[*merkle.Tree](b)(blinder.HeadsTree(1, heads))
	}
}

// BenchmarkVerify is the auditor's work for a trail of 100,000 events.
func BenchmarkVerify(b *testing.B) {
	const events = 100_000
	l := newLedger(b)
	l.found()
	l.seal()
	for i := range events {
		l.trails[0] = append(l.trails[0], leafOf(i))
		l.events.Append(merkle.Hash{})
	}
	l.seal()
	p := l.pack(0, 0, 1)
	for b.Loop() {
		if _, err := l.auditor().Verify(p.Evidence, p.each()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
}
