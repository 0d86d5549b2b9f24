// Reading a value back: first its shape, then its checksum.

package secret

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// What is wrong with a text that should be a token value. No error of this package contains its input.
var (
	ErrShape    = errors.New("this is no token value: a value is tola_ or tolp_ and then 64 letters and digits")
	ErrChecksum = errors.New("this token value is mistyped or incomplete: its checksum does not match")
	ErrShortID  = errors.New("this is no token id: the short form has 22 letters and digits")
)

// Parse reads a whole value, with nothing around it. The error is [ErrShape] or [ErrChecksum]; a
// value that passes may still be unknown, since a checksum proves nothing.
func Parse(s string) (Value, error) {
	var text [Length]byte
	if len(s) != Length {
		return Value{}, ErrShape
	}
	copy(text[:], s)
	kind, id, err := check(&text)
	if err != nil {
		return Value{}, err
	}
	return hide(kind, id, string(text[:])), nil
}

// ParseBytes is Parse for the hot path: it keeps nothing of b and does not allocate.
func ParseBytes(b []byte) (kind Kind, id ID, ok bool) {
	if len(b) != Length {
		return 0, ID{}, false
	}
	kind, id, err := check((*[Length]byte)(b))
	return kind, id, err == nil
}

// ParseShortID reads the 22-character form of an id. Every id has one spelling only.
func ParseShortID(s string) (ID, error) {
	if len(s) != idLength {
		return ID{}, ErrShortID
	}
	var text [idLength]byte
	copy(text[:], s)
	id, ok := readID(text[:])
	if !ok {
		return ID{}, ErrShortID
	}
	return id, nil
}

func check(text *[Length]byte) (Kind, ID, error) {
	kind, ok := prefixAt(text[:])
	if !ok {
		return 0, ID{}, ErrShape
	}
	for _, c := range text[prefixLength:] {
		if !isBase62(c) {
			return 0, ID{}, ErrShape
		}
	}
	id, ok := readID(text[prefixLength:idEnd])
	if !ok { // 22 characters can spell numbers above 128 bits; those are no ids
		return 0, ID{}, ErrShape
	}
	_, sum, _ := readBase62(text[secretEnd:])
	if sum != uint64(crc32.ChecksumIEEE(text[:secretEnd])) {
		return 0, ID{}, ErrChecksum
	}
	return kind, id, nil
}

// prefixAt says which kind's prefix s begins with.
func prefixAt[T string | []byte](s T) (Kind, bool) {
	if len(s) < prefixLength || s[0] != 't' || s[1] != 'o' || s[2] != 'l' || s[4] != '_' {
		return 0, false
	}
	kind := Kind(s[3])
	return kind, kind.known()
}

func readID(text []byte) (id ID, ok bool) {
	hi, lo, ok := readBase62(text)
	if !ok {
		return ID{}, false
	}
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id, true
}
