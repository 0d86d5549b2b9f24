// Checkpoints: whose signature counts, which texts are refused, and forks.

package merkle_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

const origin = "ledger.example/one"

type keyPair struct {
	signer   note.Signer
	verifier note.Verifier
	text     string // of the verifier key
}

func newKey(t testing.TB, name string) keyPair {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{must[note.Signer](t)(note.NewSigner(private)), must[note.Verifier](t)(note.NewVerifier(public)), public}
}

func TestOpenCheckpointCountsOnlyTheLogsOwnKeys(t *testing.T) {
	t.Parallel()
	key, rotated, witness, other := newKey(t, origin), newKey(t, origin), newKey(t, "witness.example"), newKey(t, "ledger.example/two")
	tree, _ := grow(5)
	checkpoint := merkle.Checkpoint{Origin: origin, Size: 5, Root: tree.Root()}
	signed := must[[]byte](t)(checkpoint.Sign(key.signer))
	cosigned := must[[]byte](t)(checkpoint.Sign(key.signer, witness.signer))
	body, _, _ := strings.Cut(string(signed), "\n\n")
	byOther := must[[]byte](t)(note.Sign(&note.Note{Text: body + "\n"}, other.signer))
	forged := []byte(strings.Replace(string(signed), "\n5\n", "\n6\n", 1))
	for name, c := range map[string]struct {
		signed []byte
		keys   []note.Verifier
		want   error
	}{
		"the key":               {signed, []note.Verifier{key.verifier}, nil},
		"one key of two":        {signed, []note.Verifier{rotated.verifier, key.verifier}, nil},
		"with a witness":        {cosigned, []note.Verifier{key.verifier}, nil},
		"with a known witness":  {cosigned, []note.Verifier{key.verifier, witness.verifier}, nil},
		"only the witness":      {cosigned, []note.Verifier{witness.verifier}, merkle.ErrSignature},
		"no key":                {signed, nil, merkle.ErrSignature},
		"another key":           {signed, []note.Verifier{rotated.verifier}, merkle.ErrSignature},
		"another log's key":     {byOther, []note.Verifier{other.verifier}, merkle.ErrSignature},
		"a changed size":        {forged, []note.Verifier{key.verifier}, merkle.ErrSignature},
		"no signature":          {[]byte(body + "\n"), []note.Verifier{key.verifier}, merkle.ErrMalformed},
		"nothing":               {nil, []note.Verifier{key.verifier}, merkle.ErrMalformed},
		"more than is accepted": {[]byte(strings.Repeat("x", 2<<20)), []note.Verifier{key.verifier}, merkle.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened, err := merkle.OpenCheckpoint(c.signed, c.keys...)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.want == nil && opened != checkpoint || c.want != nil && opened != (merkle.Checkpoint{}) {
				t.Errorf("opened as %+v", opened)
			}
		})
	}
}

// A right signature does not make a body readable that this package would not write.
func TestOpenCheckpointRefusesOtherBodies(t *testing.T) {
	t.Parallel()
	key := newKey(t, origin)
	tree, _ := grow(5)
	root, empty := tree.Root().String(), merkle.EmptyRoot.String()
	for name, body := range map[string]string{
		"extension line":     origin + "\n5\n" + root + "\nextension\n",
		"header of tlog":     "go.sum database tree\n5\n" + root + "\n",
		"no root":            origin + "\n5\n",
		"leading zero":       origin + "\n05\n" + root + "\n",
		"negative size":      origin + "\n-5\n" + root + "\n",
		"size above 2^53":    origin + "\n9007199254740992\n" + root + "\n",
		"short root":         origin + "\n5\n" + root[:40] + "\n",
		"nothing with root":  origin + "\n0\n" + root + "\n",
		"five without roots": origin + "\n5\n" + empty + "\n",
		"empty origin":       "\n5\n" + root + "\n",
	} {
		signed := must[[]byte](t)(note.Sign(&note.Note{Text: body}, key.signer))
		if opened, err := merkle.OpenCheckpoint(signed, key.verifier); !errors.Is(err, merkle.ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, opened, err)
		}
	}
}

func TestSignRefusesWhatCouldNotBeOpened(t *testing.T) {
	t.Parallel()
	tree, _ := grow(5)
	for name, c := range map[string]struct {
		signer     string
		checkpoint merkle.Checkpoint
	}{
		"another log's key": {"ledger.example/two", merkle.Checkpoint{Origin: origin, Size: 5, Root: tree.Root()}},
		"no origin":         {"x", merkle.Checkpoint{Size: 5, Root: tree.Root()}},
		"a two-line origin": {"x", merkle.Checkpoint{Origin: "x\n5", Size: 5, Root: tree.Root()}},
		"a wide origin":     {"ŀog", merkle.Checkpoint{Origin: "ŀog", Size: 5, Root: tree.Root()}},
		"a negative size":   {origin, merkle.Checkpoint{Origin: origin, Size: -1, Root: tree.Root()}},
		"a root of nothing": {origin, merkle.Checkpoint{Origin: origin, Size: 0, Root: tree.Root()}},
	} {
		if signed, err := c.checkpoint.Sign(newKey(t, c.signer).signer); err == nil {
			t.Errorf("%s: signed as %s", name, signed)
		}
	}
	if _, err := (merkle.Checkpoint{Origin: origin, Root: merkle.EmptyRoot}).Sign(newKey(t, origin).signer); err != nil {
		t.Errorf("an empty log: %v", err)
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	one, two := newKey(t, origin), newKey(t, origin)
	keys := must[[]note.Verifier](t)(merkle.ParseKeys(one.text, two.text, one.text+"\n"))
	if len(keys) != 2 {
		t.Errorf("%d keys of two", len(keys))
	}
	tree, _ := grow(1)
	signed := must[[]byte](t)(merkle.Checkpoint{Origin: origin, Size: 1, Root: tree.Root()}.Sign(one.signer))
	if _, err := merkle.OpenCheckpoint(signed, keys...); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"", "nonsense", one.text[:len(one.text)-4], origin + "+00000000+" + one.text[len(one.text)-44:]} {
		if _, err := merkle.ParseKeys(one.text, text); !errors.Is(err, merkle.ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestExtendsTellsForksFromGrowth(t *testing.T) {
	t.Parallel()
	tree, leaves := grow(9)
	at := func(size int64) merkle.Checkpoint {
		return merkle.Checkpoint{Origin: origin, Size: size, Root: naiveRoot(leaves[:size])}
	}
	proof := must[merkle.Proof](t)(merkle.ProveConsistency(tree, 4, 9))
	rewritten := at(4)
	rewritten.Root[0] ^= 1
	elsewhere := at(4)
	elsewhere.Origin = "ledger.example/two"
	for name, c := range map[string]struct {
		older, newer merkle.Checkpoint
		proof        merkle.Proof
		want         error
	}{
		"growth":            {at(4), at(9), proof, nil},
		"standing still":    {at(9), at(9), nil, nil},
		"from nothing":      {at(0), at(9), nil, nil},
		"rewritten history": {rewritten, at(9), proof, merkle.ErrFork},
		"two of one size":   {rewritten, at(4), nil, merkle.ErrFork},
		"shrinking":         {at(9), at(4), proof, merkle.ErrFork},
		"no proof":          {at(4), at(9), nil, merkle.ErrFork},
		"another log":       {elsewhere, at(9), proof, merkle.ErrFork},
	} {
		if err := c.newer.Extends(c.older, c.proof); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
