// Keys made of the ring's own, for what is sealed for a while and kept elsewhere, such as a cookie.

package keyring

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Sealer seals for one purpose, with keys that are derived from the ring's
// key-encryption keys and open nothing that is sealed for another purpose. All
// processes with one key file open each other's boxes.
type Sealer struct {
	ring    *Ring
	purpose string
}

// Sealer derives the keys of a purpose, one for each version of the ring's, also of
// those that come later.
func (r *Ring) Sealer(purpose string) (*Sealer, error) {
	s := &Sealer{r, purpose}
	v := r.keys()[KeyEncryption]
	_, err := s.aead(v.Keys[v.Active])
	return s, err
}

func (s *Sealer) aead(key []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, string(bind("derived", s.purpose)), chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", s.purpose, err)
	}
	return chacha20poly1305.NewX(derived)
}

// Seal gives the version of the key and the box.
func (s *Sealer) Seal(plain []byte) []byte {
	v := s.ring.keys()[KeyEncryption]
	aead, err := s.aead(v.Keys[v.Active])
	if err != nil {
		panic(err) // one was derived when the sealer was made, and nothing but the key differs
	}
	version := binary.AppendUvarint(nil, uint64(v.Active))
	return append(version, seal(aead, plain, bind(s.purpose))...)
}

// Open is the reverse of Seal. The error wraps [ErrNoKey] or [ErrOpen].
func (s *Sealer) Open(sealed []byte) ([]byte, error) {
	version, n := binary.Uvarint(sealed)
	if n <= 0 {
		return nil, ErrOpen
	}
	key, ok := s.ring.keys()[KeyEncryption].Keys[int(version)]
	if !ok {
		return nil, fmt.Errorf("version %d: %w", version, ErrNoKey)
	}
	aead, err := s.aead(key)
	if err != nil {
		return nil, err
	}
	return open(aead, sealed[n:], bind(s.purpose))
}
