// Package secret is the token value: how it is made, read, masked, found in text, removed from
// text, and compared with what is stored of it. It does no I/O beyond the readers it is given.
//
// A value is `tola_` (organization token) or `tolp_` (personal token), then 64 characters of
// base62: the token's id (22, public), the secret (36, about 214 bits) and a CRC-32 of all that
// stands before it (6). Whoever holds the value is the token; therefore a [Value] shows itself
// masked everywhere, and only [Value.Reveal] gives it away.
package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
)

// Length is the number of bytes of every token value.
const Length = prefixLength + idLength + secretLength + checksumLength

const (
	prefixLength   = 5
	idLength       = 22
	secretLength   = 36
	checksumLength = 6

	idEnd     = prefixLength + idLength
	secretEnd = idEnd + secretLength

	ellipsis = "…"
)

// Kind says whose token a value is. The byte is the letter that tells the two prefixes apart.
type Kind byte

// The two kinds of token.
const (
	Organization Kind = 'a' // the value begins with tola_
	Personal     Kind = 'p' // the value begins with tolp_
)

// String gives the prefix of the kind's values, "tola_" or "tolp_".
func (k Kind) String() string {
	switch k {
	case Organization:
		return "tola_"
	case Personal:
		return "tolp_"
	default:
		return ""
	}
}

func (k Kind) known() bool { return k == Organization || k == Personal }

// ID is the token's public identity: the 16 bytes of its UUID.
type ID [16]byte

// String gives the id in the usual spelling of a UUID.
func (id ID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// ShortID gives the id as it stands in the value: 22 characters of base62.
func ShortID(id ID) string {
	var text [idLength]byte
	putID(text[:], id)
	return string(text[:])
}

// Masked gives the form in which a value may be shown: the prefix, the 22-character id and an ellipsis.
func Masked(kind Kind, id ID) string { return kind.String() + ShortID(id) + ellipsis }

// Value is a whole token value. Printing, logging or encoding it in any way gives the masked
// form. The zero Value is no token and masks as the empty string.
type Value struct {
	kind Kind
	id   ID
	// The text hides behind a function because fmt and other printers read unexported fields by
	// reflection, past every method of this type, when a Value is a field of something larger.
	text func() string
}

// ErrRandom says that the source of randomness failed or cannot be random.
var ErrRandom = errors.New("the source of randomness gave nothing usable")

// New makes a value for the token with this id. Outside of tests, random is crypto/rand.Reader.
func New(kind Kind, id ID, random io.Reader) (Value, error) {
	if !kind.known() {
		return Value{}, fmt.Errorf("make a token value: %d is no kind of token", byte(kind))
	}
	var text [Length]byte
	copy(text[:], kind.String())
	putID(text[prefixLength:idEnd], id)
	if err := drawBase62(text[idEnd:secretEnd], random); err != nil {
		return Value{}, fmt.Errorf("make a token value: %w", err)
	}
	putBase62(text[secretEnd:], 0, uint64(crc32.ChecksumIEEE(text[:secretEnd])))
	return hide(kind, id, string(text[:])), nil
}

func hide(kind Kind, id ID, text string) Value {
	return Value{kind: kind, id: id, text: func() string { return text }}
}

// drawBase62 fills dst with characters that are all equally likely: of the 256 byte values it
// uses the 248 that are a whole multiple of 62, and draws again for the others.
func drawBase62(dst []byte, random io.Reader) error {
	const usable = 256 / base * base
	var drawn [secretLength]byte
	// One byte in 32 is drawn again, so a source that is not done after 16 rounds is broken.
	for range 16 {
		batch := drawn[:len(dst)]
		if _, err := io.ReadFull(random, batch); err != nil {
			return fmt.Errorf("%w: %w", ErrRandom, err)
		}
		for _, b := range batch {
			if uint64(b) < usable {
				dst[0] = alphabet[uint64(b)%base]
				dst = dst[1:]
			}
		}
		if len(dst) == 0 {
			return nil
		}
	}
	return ErrRandom
}

func putID(dst []byte, id ID) {
	putBase62(dst, binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:]))
}

// Reveal gives the value itself. Its callers are few: the answer that shows it once, and the MAC.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return v.text()
}

// Kind says whose token it is.
func (v Value) Kind() Kind { return v.kind }

// ID is the token's public identity.
func (v Value) ID() ID { return v.id }

// Masked gives the form that may be shown.
func (v Value) Masked() string {
	if v.text == nil {
		return ""
	}
	return Masked(v.kind, v.id)
}

// Fingerprint is the base64 of the value's SHA-256: it finds the token of a leaked value without showing it.
func (v Value) Fingerprint() string {
	sum := sha256.Sum256([]byte(v.Reveal()))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// String gives the masked form.
func (v Value) String() string { return v.Masked() }

// GoString gives the masked form.
func (v Value) GoString() string { return v.Masked() }

// Format writes the masked form, whatever the verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.Masked()) }

// MarshalText gives the masked form.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.Masked()), nil }

// UnmarshalText always fails: what was encoded is masked, and there is no way back from it. A value
// that comes from outside goes through [Parse].
func (v *Value) UnmarshalText([]byte) error {
	return errors.New("a token value cannot be decoded: its encoded form is masked")
}

// MarshalJSON gives the masked form as a string, which never needs an escape.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + v.Masked() + `"`), nil }

// LogValue gives the masked form.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.Masked()) }
