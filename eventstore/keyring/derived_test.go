// Boxes of derived keys: they open for their purpose, in every process, and not otherwise.

package keyring

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

func TestSealer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	ring, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs, other, foreign := sealer(t, ring, "a"), sealer(t, again, "a"), sealer(t, ring, "b"), sealer(t, Generate(), "a")
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed := mine.Seal(plain)
		if got, err := theirs.Open(sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("another process reads %x, %v", got, err)
		}
		for name, s := range map[string]*Sealer{"another purpose": other, "another ring": foreign} {
			if _, err := s.Open(sealed); !errors.Is(err, ErrOpen) {
				t.Fatalf("%s: got %v, want %v", name, err, ErrOpen)
			}
		}
		bent := bytes.Clone(sealed)
		bent[rapid.IntRange(0, len(bent)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if got, err := mine.Open(bent); err == nil {
			t.Fatalf("an altered box opens as %x", got)
		}
	})
}

func TestSealerKeepsOldVersions(t *testing.T) {
	t.Parallel()
	old := Generate()
	sealed := sealer(t, old, "a").Seal([]byte("x"))
	v := old.keys()[KeyEncryption]
	rotated := ringOf(map[string]versions{
		Pepper:        old.keys()[Pepper],
		KeyEncryption: {Active: 2, Keys: map[int][]byte{1: v.Keys[1], 2: random(keySize)}},
	})
	if got, err := sealer(t, rotated, "a").Open(sealed); err != nil || string(got) != "x" {
		t.Errorf("after a rotation: %q, %v", got, err)
	}
	if _, err := sealer(t, old, "a").Open(sealer(t, rotated, "a").Seal(nil)); !errors.Is(err, ErrNoKey) {
		t.Errorf("a version that is not there: %v", err)
	}
	for _, short := range [][]byte{nil, {1}, {0x80}, {1, 2, 3}} {
		if _, err := sealer(t, old, "a").Open(short); !errors.Is(err, ErrOpen) {
			t.Errorf("%x: got %v", short, err)
		}
	}
}

func sealer(t *testing.T, r *Ring, purpose string) *Sealer {
	t.Helper()
	s, err := r.Sealer(purpose)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
