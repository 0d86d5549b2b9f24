// The written forms: scalars that have one spelling only, proofs and frontiers a hash a line.

package merkle

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"time"
)

// ErrMalformed says that a text is not in the form that this package writes. There is exactly one
// spelling for each thing, since a text with two would have two hashes.
var ErrMalformed = errors.New("the text does not have its canonical form")

const (
	hashText   = 44 // characters of a hash in base64
	timeLayout = "2006-01-02T15:04:05.000000Z"

	// maxProof is more hashes than a tree of MaxSize can ask for.
	maxProof = 64
)

func appendHash(b []byte, h Hash) []byte { return base64.StdEncoding.AppendEncode(b, h[:]) }

// reader takes a text apart from left to right. After the first thing that is not as it should be
// it is bad, and gives zeros.
type reader struct {
	rest []byte
	bad  bool
}

// take cuts n bytes off, or none.
func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.rest) {
		r.bad = true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) literal(s string) {
	if string(r.take(len(s))) != s {
		r.bad = true
	}
}

// has cuts s off if the text goes on with it.
func (r *reader) has(s string) bool {
	if r.bad || !bytes.HasPrefix(r.rest, []byte(s)) {
		return false
	}
	r.rest = r.rest[len(s):]
	return true
}

// size reads a number from 0 to MaxSize without leading zeros.
func (r *reader) size() int64 {
	n := 0
	for n < len(r.rest) && r.rest[n] >= '0' && r.rest[n] <= '9' {
		n++
	}
	digits := r.take(n)
	v, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || v > MaxSize || digits[0] == '0' && n > 1 {
		r.bad = true
		return 0
	}
	return v
}

func (r *reader) hash() (h Hash) {
	text := r.take(hashText)
	var raw [hashText]byte
	// The decoder passes over line breaks, but then 44 characters are too few for 32 bytes.
	n, err := base64.StdEncoding.Strict().Decode(raw[:], text)
	if r.bad || err != nil || n != len(h) {
		r.bad = true
		return Hash{}
	}
	copy(h[:], raw[:])
	return h
}

func (r *reader) time() time.Time {
	text := string(r.take(len(timeLayout)))
	t, err := time.Parse(timeLayout, text)
	if err != nil || t.Format(timeLayout) != text {
		r.bad = true
		return time.Time{}
	}
	return t
}

// name reads an origin, which ends where its alphabet does.
func (r *reader) name() string {
	n := 0
	for n < len(r.rest) && isNameByte(r.rest[n]) {
		n++
	}
	name := r.take(n)
	r.bad = r.bad || n == 0
	return string(name)
}

// isNameByte leaves out what a key name may not hold (space, plus) and what JSON would escape.
func isNameByte(c byte) bool {
	return c > ' ' && c <= '~' && c != '+' && c != '"' && c != '\\'
}

// end gives an error unless the text was read to its end without a fault.
func (r *reader) end(what string) error {
	if r.bad || len(r.rest) != 0 {
		return fmt.Errorf("%s: %w", what, ErrMalformed)
	}
	return nil
}

// MarshalText writes a hash a line.
func (p Proof) MarshalText() ([]byte, error) {
	text := make([]byte, 0, len(p)*(hashText+1))
	for _, h := range p {
		text = append(appendHash(text, h), '\n')
	}
	return text, nil
}

// UnmarshalText reads what MarshalText wrote.
func (p *Proof) UnmarshalText(text []byte) error {
	r := reader{rest: text}
	read := Proof{}
	for len(r.rest) > 0 && !r.bad {
		read = append(read, r.hash())
		r.literal("\n")
		r.bad = r.bad || len(read) > maxProof
	}
	if err := r.end("proof"); err != nil {
		return err
	}
	*p = read
	return nil
}

// MarshalText writes the size, then the root of each perfect subtree from left to right, a line each.
func (f Frontier) MarshalText() ([]byte, error) {
	text := append(strconv.AppendInt(nil, f.size, 10), '\n')
	for level := bits.Len64(uint64(f.size)) - 1; level >= 0; level-- {
		if f.size>>level&1 == 1 {
			text = append(appendHash(text, f.peaks[level]), '\n')
		}
	}
	return text, nil
}

// UnmarshalText reads what MarshalText wrote.
func (f *Frontier) UnmarshalText(text []byte) error {
	r := reader{rest: text}
	var read Frontier
	read.size = r.size()
	r.literal("\n")
	for level := bits.Len64(uint64(read.size)) - 1; level >= 0; level-- {
		if read.size>>level&1 == 1 {
			read.peaks[level] = r.hash()
			r.literal("\n")
		}
	}
	if err := r.end("frontier"); err != nil {
		return err
	}
	*f = read
	return nil
}
