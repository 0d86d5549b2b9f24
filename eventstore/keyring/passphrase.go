// A key file under a passphrase: argon2id makes the key that wraps all others.

package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// ErrPassphrase is returned where a key file is wrapped by a passphrase that was not
// given, or is another.
var ErrPassphrase = errors.New("the key file is wrapped by a passphrase; name the file that holds it in TOKENLEDGER_KEY_PASSPHRASE_FILE")

// lockedFile is the key file's shape under a passphrase.
type lockedFile struct {
	Format int    `json:"format"`
	Argon2 argon  `json:"argon2id"`
	Box    []byte `json:"box"` // XChaCha20-Poly1305 of the file in clear
}

// argon are the parameters of argon2id, which a file keeps when the defaults change.
type argon struct {
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory_kib"`
	Threads uint8  `json:"threads"`
	Salt    []byte `json:"salt"`
}

// usual is the second recommended option of RFC 9106, section 4.
var usual = argon{Time: 3, Memory: 64 << 10, Threads: 4}

func (a argon) key(passphrase []byte) ([]byte, error) {
	// Bounds, so that a file from elsewhere cannot ask for all memory and time.
	if a.Time < 1 || a.Time > 64 || a.Memory < 8*uint32(max(a.Threads, 1)) || a.Memory > 1<<20 || a.Threads < 1 || len(a.Salt) < 16 {
		return nil, fmt.Errorf("argon2id with time %d, memory %d KiB, %d threads and %d bytes of salt is out of range", a.Time, a.Memory, a.Threads, len(a.Salt))
	}
	return argon2.IDKey(passphrase, a.Salt, a.Time, a.Memory, a.Threads, chacha20poly1305.KeySize), nil
}

func (f File) lock(plain []byte) ([]byte, error) {
	locked := lockedFile{Format: lockedFormat, Argon2: usual}
	locked.Argon2.Salt = random(16)
	key, err := locked.Argon2.key(f.Passphrase)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	locked.Box = seal(aead, plain, bind("key file"))
	content, err := json.MarshalIndent(locked, "", "  ")
	return append(content, '\n'), err
}

func (f File) unlock(content []byte) ([]byte, error) {
	var locked lockedFile
	if err := strictly(content, &locked); err != nil {
		return nil, err
	}
	if len(f.Passphrase) == 0 {
		return nil, ErrPassphrase
	}
	key, err := locked.Argon2.key(f.Passphrase)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	plain, err := open(aead, locked.Box, bind("key file"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	return bytes.TrimSpace(plain), nil
}
