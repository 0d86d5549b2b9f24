// The stored form of a frontier: for tables, where one is written for each trail and epoch.

package merkle

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// AppendBinary appends the size, 8 bytes with the highest first, then the root of each perfect
// subtree from left to right.
func (f Frontier) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint64(b, uint64(f.size))
	for level := bits.Len64(uint64(f.size)) - 1; level >= 0; level-- {
		if f.size>>level&1 == 1 {
			b = append(b, f.peaks[level][:]...)
		}
	}
	return b, nil
}

// MarshalBinary is [Frontier.AppendBinary] to nothing.
func (f Frontier) MarshalBinary() ([]byte, error) { return f.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote. The error wraps [ErrMalformed].
func (f *Frontier) UnmarshalBinary(b []byte) error {
	malformed := fmt.Errorf("frontier: %w", ErrMalformed)
	if len(b) < 8 {
		return malformed
	}
	size := binary.BigEndian.Uint64(b)
	b = b[8:]
	if size > MaxSize || len(b) != bits.OnesCount64(size)*len(Hash{}) {
		return malformed
	}
	read := Frontier{size: int64(size)}
	for level := bits.Len64(size) - 1; level >= 0; level-- {
		if size>>level&1 == 1 {
			b = b[copy(read.peaks[level][:], b):]
		}
	}
	*f = read
	return nil
}
