// The heads tree of an epoch: one leaf for each organization, which tells nothing of the others.

package merkle

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"strconv"
)

// Head is the state of one organization's trail at an epoch. It is leaf Index of the heads tree,
// so that an epoch cannot hold two heads of one organization.
type Head struct {
	Index int64 // of the organization, given once and for good by its first event
	Size  int64 // of the trail tree, which is the trail position of its last event
	Root  Hash  // of the trail tree
	Salt  [32]byte
}

// Line writes the head in its canonical form, one line of JSON without the line break. These bytes
// are the leaf.
func (h Head) Line() ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("head of organization %d: %w", h.Index, err)
	}
	b := append(make([]byte, 0, 192), `{"v":1,"organization":`...)
	b = strconv.AppendInt(b, h.Index, 10)
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, h.Size, 10)
	b = append(b, `,"root":"`...)
	b = appendHash(b, h.Root)
	b = append(b, `","salt":"`...)
	return append(appendHash(b, h.Salt), `"}`...), nil
}

// ParseHead reads a canonical line. The error wraps [ErrMalformed].
func ParseHead(line []byte) (Head, error) {
	r := reader{rest: line}
	var h Head
	r.literal(`{"v":1,"organization":`)
	h.Index = r.size()
	r.literal(`,"size":`)
	h.Size = r.size()
	r.literal(`,"root":"`)
	h.Root = r.hash()
	r.literal(`","salt":"`)
	h.Salt = r.hash()
	r.literal(`"}`)
	if err := r.end("head"); err != nil {
		return Head{}, err
	}
	if err := h.check(); err != nil {
		return Head{}, fmt.Errorf("head: %w: %w", ErrMalformed, err)
	}
	return h, nil
}

func (h Head) check() error {
	if h.Index < 0 || h.Index >= MaxSize || h.Size < 0 || h.Size > MaxSize {
		return fmt.Errorf("index %d or size %d is out of range", h.Index, h.Size)
	}
	if (h.Size == 0) != (h.Root == EmptyRoot) {
		return fmt.Errorf("the root of an empty tree goes with size 0 and with no other")
	}
	return nil
}

// Blinder makes the salts of heads. Without the salt of a head, which only its own organization is
// shown, its hash in someone else's proof cannot be compared with guesses. It is not safe for
// concurrent use.
type Blinder struct {
	mac   hash.Hash
	input [16]byte
	out   [32]byte
}

// BlinderLength is the least number of bytes of a blinding key.
const BlinderLength = 32

// NewBlinder takes the blinding key of the log.
func NewBlinder(key []byte) (*Blinder, error) {
	if len(key) < BlinderLength {
		return nil, fmt.Errorf("the blinding key has %d bytes; it needs at least %d", len(key), BlinderLength)
	}
	return &Blinder{mac: hmac.New(sha256.New, key)}, nil
}

// Salt is HMAC-SHA-256(key, index ‖ epoch), both as 8 bytes, the highest first.
func (b *Blinder) Salt(index, epoch int64) [32]byte {
	binary.BigEndian.PutUint64(b.input[:8], uint64(index))
	binary.BigEndian.PutUint64(b.input[8:], uint64(epoch))
	b.mac.Reset()
	b.mac.Write(b.input[:])
	b.mac.Sum(b.out[:0])
	return b.out
}

// HeadsTree salts the heads of an epoch in place and builds their tree. heads[i] is that of
// organization i.
func (b *Blinder) HeadsTree(epoch int64, heads []Head) (*Tree, error) {
	tree := new(Tree)
	for i := range heads {
		if heads[i].Index != int64(i) {
			return nil, fmt.Errorf("heads tree of epoch %d: place %d holds the head of organization %d", epoch, i, heads[i].Index)
		}
		heads[i].Salt = b.Salt(int64(i), epoch)
		line, err := heads[i].Line()
		if err != nil {
			return nil, fmt.Errorf("heads tree of epoch %d: %w", epoch, err)
		}
		tree.Append(LeafHash(line))
	}
	return tree, nil
}
