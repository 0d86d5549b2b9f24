// The stored form of a frontier has one spelling and comes back as it was.

package merkle_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

func TestAStoredFrontierGoesOnAsTheTreeDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var edge, again merkle.Frontier
		for range rapid.IntRange(0, 600).Draw(t, "before") {
			edge.Append(merkle.LeafHash([]byte{1}))
		}
		stored, err := edge.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(stored); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 40).Draw(t, "after") {
			edge.Append(merkle.LeafHash([]byte{2}))
			again.Append(merkle.LeafHash([]byte{2}))
		}
		if again.Size() != edge.Size() || again.Root() != edge.Root() {
			t.Fatalf("%d, %v; want %d, %v", again.Size(), again.Root(), edge.Size(), edge.Root())
		}
	})
}

func FuzzStoredFrontier(f *testing.F) {
	var edge merkle.Frontier
	for range 7 {
		stored, _ := edge.MarshalBinary()
		f.Add(stored)
		edge.Append(merkle.LeafHash(stored))
	}
	f.Add(bytes.Repeat([]byte{0xff}, 8+62*32))
	f.Fuzz(func(t *testing.T, stored []byte) {
		var edge merkle.Frontier
		if err := edge.UnmarshalBinary(stored); err != nil {
			if !errors.Is(err, merkle.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again, err := edge.MarshalBinary(); err != nil || !bytes.Equal(again, stored) {
			t.Fatalf("%x became %x, %v", stored, again, err)
		}
	})
}
