// Fuzz targets for everything that reads what others wrote. Their corpus is under testdata/fuzz.

package merkle_test

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// anySignature is a verifier that takes any signature by its key, so that fuzzing reaches what is signed.
type anySignature struct{ note.Verifier }

func (anySignature) Verify(_, _ []byte) bool { return true }

func FuzzOpenCheckpoint(f *testing.F) {
	g := readGolden(f)
	f.Add([]byte(g.Checkpoint))
	f.Add([]byte(g.Checkpoint + "— witness.example AAAAAAAAAAAA\n"))
	keys := must[[]note.Verifier](f)(merkle.ParseKeys(g.VerifierKey))
	signer := must[note.Signer](f)(note.NewSigner(g.SignerKey))
	f.Fuzz(func(t *testing.T, signed []byte) {
		c, err := merkle.OpenCheckpoint(signed, anySignature{keys[0]})
		if err != nil {
			if !errors.Is(err, merkle.ErrMalformed) && !errors.Is(err, merkle.ErrSignature) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		again := must[[]byte](t)(c.Sign(signer))
		text, _, _ := bytes.Cut(again, []byte("\n\n"))
		if !bytes.HasPrefix(signed, text) {
			t.Fatalf("%q is read as %+v, which is written %q", signed, c, again)
		}
		if _, err := merkle.OpenCheckpoint(signed, keys...); err == nil && !bytes.HasPrefix([]byte(g.Checkpoint), text) {
			t.Fatalf("forged: %q", signed)
		}
	})
}

// FuzzTexts: no text form panics, and what is read is written back byte for byte.
func FuzzTexts(f *testing.F) {
	g := readGolden(f)
	for _, seed := range []string{
		g.Epoch, g.FirstEpoch, g.Heads[0].Line, g.Trees[8].Frontier, g.Inclusion[3].Proof,
		"tile/0/x001/234.p/7", "tile/entries/000", "\x00\x01a\x00\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for form, read := range readers {
			back, err := read(text)
			if err == nil && !bytes.Equal(back, text) {
				t.Fatalf("%s: %q is written back as %q", form, text, back)
			}
			if err != nil && !errors.Is(err, merkle.ErrMalformed) {
				t.Fatalf("%s: an error of another kind: %v", form, err)
			}
		}
	})
}

// FuzzProofs: no proof, index or size from outside panics or hangs, and none passes but the honest one.
func FuzzProofs(f *testing.F) {
	g := readGolden(f)
	for _, p := range g.Inclusion {
		f.Add(p.Index, p.Size, []byte(p.Proof))
	}
	for _, p := range g.Consistency {
		f.Add(p.Older, p.Newer, []byte(p.Proof))
	}
	tree, leaves := grow(300)
	f.Fuzz(func(t *testing.T, part, whole int64, text []byte) {
		var proof merkle.Proof
		if proof.UnmarshalText(text) != nil {
			return
		}
		leaf, older, newer := leaves[0], merkle.EmptyRoot, merkle.EmptyRoot
		if part >= 0 && part < 300 {
			leaf = leaves[part]
			older = must[merkle.Hash](t)(merkle.RootAt(tree, part))
		}
		if whole >= 0 && whole <= 300 {
			newer = must[merkle.Hash](t)(merkle.RootAt(tree, whole))
		}
		if merkle.VerifyInclusion(part, whole, leaf, newer, proof) == nil {
			checkProof(t, string(text))(merkle.ProveInclusion(tree, part, whole))
		}
		if merkle.VerifyConsistency(part, whole, older, newer, proof) == nil && whole <= 300 {
			checkProof(t, string(text))(merkle.ProveConsistency(tree, part, whole))
		}
	})
}
