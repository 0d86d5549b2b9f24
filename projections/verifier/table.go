// The table of tokens: records one behind the other, and an index that finds them by id.

package verifier

import (
	"hash/maphash"
	"iter"

	"github.com/google/uuid"
)

// tokenTable has the tokens in the order in which they were met. None is ever
// taken out, so a record stays where it is, and a walk may be interrupted while
// others are added. A map of a million takes half as much again: it has the ids and a
// pointer each in places of which half are free.
type tokenTable struct {
	pieces []*[tokensInPiece]token
	n      int
	seed   maphash.Seed
	// index has the number of a record, and 0 where there is none, at the first free
	// place after the one that its id's hash names. A quarter of it, at least, is free.
	index []uint32
}

// tokensInPiece makes a piece a whole number of the allocator's pages.
const tokensInPiece = 1024

func newTokenTable() *tokenTable {
	return &tokenTable{seed: maphash.MakeSeed(), index: make([]uint32, 16)}
}

func (t *tokenTable) len() int { return t.n }

// at is the record of a number that the index has.
func (t *tokenTable) at(number uint32) *token {
	i := int(number - 1)
	return &t.pieces[i/tokensInPiece][i%tokensInPiece]
}

// place is where the index has the id's number, or would have it.
func (t *tokenTable) place(id uuid.UUID) int {
	last := len(t.index) - 1
	for p := int(maphash.Bytes(t.seed, id[:])) & last; ; p = (p + 1) & last {
		if number := t.index[p]; number == 0 || t.at(number).id == id {
			return p
		}
	}
}

// get gives the token, or nil.
func (t *tokenTable) get(id uuid.UUID) *token {
	if number := t.index[t.place(id)]; number != 0 {
		return t.at(number)
	}
	return nil
}

// entry gives the token, and makes it if there is none.
func (t *tokenTable) entry(id uuid.UUID) *token {
	p := t.place(id)
	if number := t.index[p]; number != 0 {
		return t.at(number)
	}
	if t.n == len(t.pieces)*tokensInPiece {
		t.pieces = append(t.pieces, new([tokensInPiece]token))
	}
	t.n++
	t.index[p] = uint32(t.n)
	made := t.at(uint32(t.n))
	made.id = id
	if 4*t.n > 3*len(t.index) {
		t.spread()
	}
	return made
}

// spread makes the index twice as large.
func (t *tokenTable) spread() {
	t.index = make([]uint32, 2*len(t.index))
	for number := uint32(1); number <= uint32(t.n); number++ {
		t.index[t.place(t.at(number).id)] = number
	}
}

// all walks over the tokens, and over those that are added meanwhile.
func (t *tokenTable) all() iter.Seq2[uuid.UUID, *token] {
	return func(yield func(uuid.UUID, *token) bool) {
		for i := 0; i < t.n; i++ {
			if tok := t.at(uint32(i + 1)); !yield(tok.id, tok) {
				return
			}
		}
	}
}
