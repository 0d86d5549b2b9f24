// A ledger in miniature, which makes the evidence that the tests of Verify then spoil.

package merkle_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// epochTime is when epoch n is closed: one a minute.
func epochTime(n int64) time.Time { return dawn.Add(time.Duration(n) * time.Minute) }

// ledger holds all events of some organizations and everything that was sealed of them.
type ledger struct {
	t       testing.TB
	key     keyPair
	blinder *merkle.Blinder
	events  merkle.Tree
	trails  [][][]byte // by organization, the leaves
	log     merkle.Tree
	sealed  []sealed
}

// sealed is one epoch with what is needed to prove from it.
type sealed struct {
	record, checkpoint []byte
	heads              []merkle.Head
	tree               *merkle.Tree
}

func newLedger(t testing.TB) *ledger {
	return &ledger{t: t, key: newKey(t, origin), blinder: must[*merkle.Blinder](t)(merkle.NewBlinder(make([]byte, 32)))}
}

// found adds an organization, whose first event carries its index.
func (l *ledger) found() {
	index := len(l.trails)
	l.trails = append(l.trails, nil)
	l.add(index, fmt.Sprintf("founding %d", index))
}

func (l *ledger) use(organization, times int) {
	for i := range times {
		l.add(organization, fmt.Sprintf("use %d of %d", i, organization))
	}
}

func (l *ledger) add(organization int, what string) {
	leaf := fmt.Appendf(nil, "%d %s", len(l.trails[organization])+1, what)
	l.trails[organization] = append(l.trails[organization], leaf)
	l.events.Append(merkle.LeafHash(leaf))
}

// lie changes what an epoch says before it is signed, as only the holder of the key can.
type lie func(*merkle.Epoch, *[]merkle.Head)

func (l *ledger) seal(lies ...lie) {
	n := l.log.Size()
	epoch := merkle.Epoch{Number: n, Time: epochTime(n), Size: l.events.Size(), Root: l.events.Root()}
	var heads []merkle.Head
	for i, trail := range l.trails {
		edge := frontierOf(trail)
		heads = append(heads, merkle.Head{Index: int64(i), Size: edge.Size(), Root: edge.Root(), Salt: l.blinder.Salt(int64(i), n)})
	}
	for _, lie := range lies {
		lie(&epoch, &heads)
	}
	tree := new(merkle.Tree)
	for _, head := range heads {
		tree.Append(merkle.LeafHash(must[[]byte](l.t)(head.Line())))
	}
	epoch.Organizations, epoch.Heads = tree.Size(), tree.Root()
	record := must[[]byte](l.t)(epoch.Line())
	l.log.Append(merkle.LeafHash(record))
	checkpoint := merkle.Checkpoint{Origin: origin, Size: l.log.Size(), Root: l.log.Root()}
	l.sealed = append(l.sealed, sealed{record, must[[]byte](l.t)(checkpoint.Sign(l.key.signer)), heads, tree})
}

func frontierOf(leaves [][]byte) (edge merkle.Frontier) {
	for _, leaf := range leaves {
		edge.Append(merkle.LeafHash(leaf))
	}
	return edge
}

// bound proves epoch n under its own checkpoint.
func (l *ledger) bound(n int64, organization int) merkle.Bound {
	s := l.sealed[n]
	b := merkle.Bound{
		Checkpoint: slices.Clone(s.checkpoint), Epoch: slices.Clone(s.record),
		EpochProof: must[merkle.Proof](l.t)(merkle.ProveInclusion(&l.log, n, n+1)),
	}
	if organization < len(s.heads) {
		b.Head = must[[]byte](l.t)(s.heads[organization].Line())
		b.HeadProof = must[merkle.Proof](l.t)(merkle.ProveInclusion(s.tree, int64(organization), s.tree.Size()))
	}
	return b
}

// pack is evidence together with its events.
type pack struct {
	merkle.Evidence
	leaves []merkle.Leaf
}

// pack makes the evidence of one organization between two epochs; from -1 is the beginning.
func (l *ledger) pack(organization int, from, to int64) pack {
	p := pack{Evidence: merkle.Evidence{Start: epochTime(from), End: epochTime(to), Closing: l.bound(to, organization)}}
	trail := l.trails[organization][:l.sealed[to].heads[organization].Size]
	var after int64
	if from >= 0 {
		opening := l.bound(from, organization)
		p.Opening = &opening
		p.Consistency = must[merkle.Proof](l.t)(merkle.ProveConsistency(&l.log, from+1, to+1))
		if heads := l.sealed[from].heads; organization < len(heads) {
			after = heads[organization].Size
		}
		p.Frontier = frontierOf(trail[:after])
	}
	var tree merkle.Tree
	for i, leaf := range trail {
		tree.Append(merkle.LeafHash(leaf))
		if at := int64(i) + 1; at > after {
			p.leaves = append(p.leaves, merkle.Leaf{Line: at - after, TrailPosition: at, Bytes: slices.Clone(leaf), Listed: merkle.LeafHash(leaf)})
		}
	}
	p.First = slices.Clone(trail[0])
	p.FirstProof = must[merkle.Proof](l.t)(merkle.ProveInclusion(&tree, 0, tree.Size()))
	return p
}

// each gives the events as a reader of the file would.
func (p pack) each() iter.Seq2[merkle.Leaf, error] {
	return func(yield func(merkle.Leaf, error) bool) {
		for _, leaf := range p.leaves {
			if !yield(leaf, nil) {
				return
			}
		}
	}
}

// auditor expects the organization of that index.
func (l *ledger) auditor() merkle.Auditor {
	return merkle.Auditor{Keys: []note.Verifier{l.key.verifier}, Pinned: true, Index: indexOf}
}

var errNotFounding = errors.New("this event founds no organization")

func indexOf(first []byte) (index int64, err error) {
	if !bytes.HasPrefix(first, []byte("1 founding ")) {
		return 0, errNotFounding
	}
	_, err = fmt.Sscanf(string(first), "1 founding %d", &index)
	return index, err
}

// lyingPack seals epoch 1 with a lie and makes the evidence from epoch 0 to it, with all events.
func (l *ledger) lyingPack(organization int, lie lie) pack {
	l.seal(lie)
	head := &l.sealed[1].heads[organization]
	told := must[[]byte](l.t)(head.Line())
	head.Size = int64(len(l.trails[organization])) // so that pack takes the whole trail
	p := l.pack(organization, 0, 1)
	p.Closing.Head = told
	return p
}
