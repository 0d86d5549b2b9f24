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
	active  int
	aeads   map[int]cipher.AEAD
	purpose string
}

// Sealer derives the keys of a purpose, one for each version of the ring's.
func (r *Ring) Sealer(purpose string) (*Sealer, error) {
	v := r.keys[KeyEncryption]
	s := &Sealer{active: v.Active, aeads: make(map[int]cipher.AEAD, len(v.Keys)), purpose: purpose}
	for n, key := range v.Keys {
		derived, err := hkdf.Key(sha256.New, key, nil, string(bind("derived", purpose)), chacha20poly1305.KeySize)
		if err != nil {
			return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
		}
		if s.aeads[n], err = chacha20poly1305.NewX(derived); err != nil {
			return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
		}
	}
	return s, nil
}

// Seal gives the version of the key and the box.
func (s *Sealer) Seal(plain []byte) []byte {
	version := binary.AppendUvarint(nil, uint64(s.active))
	return append(version, seal(s.aeads[s.active], plain, bind(s.purpose))...)
}

// Open is the reverse of Seal. The error wraps [ErrNoKey] or [ErrOpen].
func (s *Sealer) Open(sealed []byte) ([]byte, error) {
	version, n := binary.Uvarint(sealed)
	if n <= 0 {
		return nil, ErrOpen
	}
	aead, ok := s.aeads[int(version)]
	if !ok {
		return nil, fmt.Errorf("version %d: %w", version, ErrNoKey)
	}
	return open(aead, sealed[n:], bind(s.purpose))
}
