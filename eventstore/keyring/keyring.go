// The ring: named secret keys with versions, and what they wrap.

// Package keyring holds the secret keys of an installation, kept in one file
// apart from the database: the peppers of token MACs, the keys that wrap the subject
// keys of personal values, the keys that sign checkpoints and the one that blinds
// heads. Whoever has the database alone can neither verify a guessed token, nor read a
// personal value, nor sign a log.
package keyring

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/tokenledger/tokenledger/events"
)

// The names of the keys in the ring.
const (
	Pepper        = "pepper"         // MACs of tokens
	KeyEncryption = "key_encryption" // wraps subject keys
	Signing       = "signing"        // Ed25519 seeds, of checkpoints
	Blinding      = "blinding"       // salts of heads
)

// keySize is the length of a generated key in bytes, and the least accepted.
const keySize = 32

var (
	// ErrNoKey is returned for a key name or version that the ring does not have.
	ErrNoKey = errors.New("the key file does not hold this key")
	// ErrOpen is returned for a box that the key does not open: another key, or
	// altered bytes.
	ErrOpen = errors.New("cannot be opened with this key")
)

// Ring is a set of named keys, for use from any goroutine. A key in it never changes
// and never goes; new versions come with [File.Follow]. It prints as nothing but its
// name, so that no log can tell a key.
type Ring struct {
	current atomic.Pointer[map[string]versions] // the map is immutable
}

func ringOf(keys map[string]versions) *Ring {
	r := new(Ring)
	r.current.Store(&keys)
	return r
}

// keys are those of now; what belongs together is looked up in one of its answers.
func (r *Ring) keys() map[string]versions {
	if keys := r.current.Load(); keys != nil {
		return *keys
	}
	return nil
}

// versions are the keys that have had one name. New material is made with the
// active version; the others still open what was made with them.
type versions struct {
	Active int            `json:"active"`
	Keys   map[int][]byte `json:"versions"`
}

// Generate makes a ring of fresh keys, which only lives in memory.
func Generate() *Ring { return (&Ring{}).completed() }

// required are the keys without which there is no ring. The others came later: a
// file that lacks them is completed.
var (
	required = []string{Pepper, KeyEncryption}
	complete = []string{Pepper, KeyEncryption, Signing, Blinding}
)

func (r *Ring) lacks() bool {
	return slices.ContainsFunc(complete, func(name string) bool { return len(r.keys()[name].Keys) == 0 })
}

// completed is the ring with fresh keys where it has none.
func (r *Ring) completed() *Ring {
	full := map[string]versions{}
	maps.Copy(full, r.keys())
	for _, name := range complete {
		if len(full[name].Keys) == 0 {
			full[name] = versions{Active: 1, Keys: map[int][]byte{1: random(keySize)}}
		}
	}
	return ringOf(full)
}

func (r *Ring) validate() error {
	var problems []error
	for _, name := range required {
		if _, ok := r.keys()[name]; !ok {
			problems = append(problems, fmt.Errorf("%s: %w", name, ErrNoKey))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.keys())) {
		problems = append(problems, r.keys()[name].validate(name))
	}
	return errors.Join(problems...)
}

func (v versions) validate(name string) error {
	var problems []error
	if _, ok := v.Keys[v.Active]; !ok {
		problems = append(problems, fmt.Errorf("%s: active version %d: %w", name, v.Active, ErrNoKey))
	}
	for _, n := range slices.Sorted(maps.Keys(v.Keys)) {
		switch size := len(v.Keys[n]); {
		case n < 1 || size < keySize:
			problems = append(problems, fmt.Errorf("%s: version %d: want a number from 1 and %d bytes or more", name, n, keySize))
		case (name == KeyEncryption || name == Signing) && size != keySize:
			problems = append(problems, fmt.Errorf("%s: version %d: want exactly %d bytes", name, n, keySize))
		}
	}
	return errors.Join(problems...)
}

// Peppers gives the keys of token MACs by version, and the version that new
// MACs are made with.
func (r *Ring) Peppers() (active int, keys map[int][]byte) {
	v := r.keys()[Pepper]
	keys = make(map[int][]byte, len(v.Keys))
	for n, key := range v.Keys {
		keys[n] = slices.Clone(key)
	}
	return v.Active, keys
}

// ActiveKeyEncryption is the version that wraps new subject keys.
func (r *Ring) ActiveKeyEncryption() int { return r.keys()[KeyEncryption].Active }

// WrapSubjectKey encrypts a subject's key so that it can be stored; kek is the
// version of the key-encryption key. The box opens only for the same log and
// subject.
func (r *Ring) WrapSubjectKey(origin string, subject events.SubjectID, key events.SubjectKey) (wrapped []byte, kek int, err error) {
	v := r.keys()[KeyEncryption]
	aead, err := r.kek(v.Active)
	if err != nil {
		return nil, 0, err
	}
	return seal(aead, key[:], bind("subject key", origin, string(subject))), v.Active, nil
}

// UnwrapSubjectKey is the reverse of [Ring.WrapSubjectKey]. The error wraps
// [ErrNoKey] or [ErrOpen].
func (r *Ring) UnwrapSubjectKey(origin string, subject events.SubjectID, wrapped []byte, kek int) (events.SubjectKey, error) {
	aead, err := r.kek(kek)
	if err != nil {
		return events.SubjectKey{}, err
	}
	plain, err := open(aead, wrapped, bind("subject key", origin, string(subject)))
	if err == nil && len(plain) != len(events.SubjectKey{}) {
		err = ErrOpen
	}
	if err != nil {
		return events.SubjectKey{}, fmt.Errorf("the key of subject %s: %w", subject, err)
	}
	return events.SubjectKey(plain), nil
}

func (r *Ring) kek(version int) (cipher.AEAD, error) {
	key, ok := r.keys()[KeyEncryption].Keys[version]
	if !ok {
		return nil, fmt.Errorf("%s version %d: %w", KeyEncryption, version, ErrNoKey)
	}
	return chacha20poly1305.NewX(key)
}

// Format implements [fmt.Formatter] for every verb: a ring prints no key.
func (r *Ring) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("keyring")) }

// LogValue implements [slog.LogValuer]: a ring logs no key.
func (r *Ring) LogValue() slog.Value { return slog.StringValue("keyring") }

// seal gives nonce ‖ ciphertext. The nonce of XChaCha20-Poly1305 is long enough
// to be drawn at random for as many boxes as a key may ever make.
func seal(aead cipher.AEAD, plain, bound []byte) []byte {
	nonce := random(aead.NonceSize())
	return aead.Seal(nonce, nonce, plain, bound)
}

func open(aead cipher.AEAD, box, bound []byte) ([]byte, error) {
	n := aead.NonceSize()
	if len(box) < n {
		return nil, ErrOpen
	}
	plain, err := aead.Open(nil, box[:n], box[n:], bound)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// bind is the additional data of a box: what it is for and where it belongs,
// each part with its length before it, so that no two contexts read alike.
func bind(parts ...string) []byte {
	var b []byte
	for _, p := range append([]string{"tokenledger/1"}, parts...) {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// random cannot fail: crypto/rand ends the program rather than return few bytes.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
