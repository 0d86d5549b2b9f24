// The wire formats against golden vectors that a program in another language computed.

package merkle_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

type golden struct {
	Trees []struct {
		Size           int64
		Root, Frontier string
	}
	Inclusion []struct {
		Size, Index int64
		Proof       string
	}
	Consistency []struct {
		Older, Newer int64
		Proof        string
	}
	BlindingKey string
	Heads       []struct {
		Index, Size int64
		Root, Line  string
	}
	Epoch, FirstEpoch, EpochLeafHash   string
	SignerKey, VerifierKey, Checkpoint string
}

func readGolden(t testing.TB) golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestGoldenTreesAndProofs(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	tree, leaves := grow(300)
	for _, want := range g.Trees {
		var edge, read merkle.Frontier
		for _, leaf := range leaves[:want.Size] {
			edge.Append(leaf)
		}
		text := must[[]byte](t)(edge.MarshalText())
		if edge.Root().String() != want.Root || string(text) != want.Frontier {
			t.Errorf("%d leaves: root %v, frontier %s", want.Size, edge.Root(), text)
		}
		if err := read.UnmarshalText([]byte(want.Frontier)); err != nil || read.Root() != edge.Root() || read.Size() != want.Size {
			t.Errorf("%d leaves: frontier is read as %v, %v", want.Size, read.Root(), err)
		}
	}
	for _, want := range g.Inclusion {
		checkProof(t, want.Proof)(merkle.ProveInclusion(tree, want.Index, want.Size))
	}
	for _, want := range g.Consistency {
		checkProof(t, want.Proof)(merkle.ProveConsistency(tree, want.Older, want.Newer))
	}
}

func checkProof(t testing.TB, want string) func(merkle.Proof, error) {
	return func(proof merkle.Proof, err error) {
		t.Helper()
		text := must[[]byte](t)(proof.MarshalText())
		var read merkle.Proof
		if err != nil || string(text) != want {
			t.Errorf("proof %s, %v; want %s", text, err, want)
		}
		if err := read.UnmarshalText([]byte(want)); err != nil || !reflect.DeepEqual(read, proof) {
			t.Errorf("%s is read as %v, %v", want, read, err)
		}
	}
}

func TestGoldenHeadsAndEpochs(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	blinder := must[*merkle.Blinder](t)(merkle.NewBlinder(must[[]byte](t)(hex.DecodeString(g.BlindingKey))))
	var heads []merkle.Head
	for _, h := range g.Heads {
		tree, _ := grow(int(h.Size))
		heads = append(heads, merkle.Head{Index: h.Index, Size: h.Size, Root: tree.Root()})
	}
	headsTree := must[*merkle.Tree](t)(blinder.HeadsTree(41, heads))
	for i, h := range g.Heads {
		if line := must[[]byte](t)(heads[i].Line()); string(line) != h.Line {
			t.Errorf("head %s, want %s", line, h.Line)
		}
		if read, err := merkle.ParseHead([]byte(h.Line)); err != nil || read != heads[i] {
			t.Errorf("%s is read as %+v, %v", h.Line, read, err)
		}
	}

	events, _ := grow(11)
	continued, _ := grow(9)
	for text, epoch := range map[string]merkle.Epoch{
		g.Epoch: {
			Number: 41, Time: time.Date(2026, 3, 1, 8, 9, 10, 120_000, time.UTC), Size: 11, Root: events.Root(),
			Organizations: 3, Heads: headsTree.Root(),
		},
		g.FirstEpoch: {
			Time: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Root: merkle.EmptyRoot, Heads: merkle.EmptyRoot,
			Continues: &merkle.Checkpoint{Origin: "ledger.example/one", Size: 9, Root: continued.Root()},
		},
	} {
		if line := must[[]byte](t)(epoch.Line()); string(line) != text {
			t.Errorf("epoch %s, want %s", line, text)
		}
		if read, err := merkle.ParseEpoch([]byte(text)); err != nil || !reflect.DeepEqual(read, epoch) {
			t.Errorf("%s is read as %+v, %v", text, read, err)
		}
	}
	if hash := merkle.LeafHash([]byte(g.Epoch)); hash.String() != g.EpochLeafHash {
		t.Errorf("leaf hash %v, want %s", hash, g.EpochLeafHash)
	}
}

func TestGoldenCheckpoint(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	tree, _ := grow(9)
	checkpoint := merkle.Checkpoint{Origin: "ledger.example/one", Size: 9, Root: tree.Root()}
	signer := must[note.Signer](t)(note.NewSigner(g.SignerKey))
	if signed := must[[]byte](t)(checkpoint.Sign(signer)); string(signed) != g.Checkpoint {
		t.Errorf("signed as %s, want %s", signed, g.Checkpoint)
	}
	keys := must[[]note.Verifier](t)(merkle.ParseKeys(g.VerifierKey))
	if opened, err := merkle.OpenCheckpoint([]byte(g.Checkpoint), keys...); err != nil || opened != checkpoint {
		t.Errorf("opened as %+v, %v", opened, err)
	}
}
