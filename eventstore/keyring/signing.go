// The keys of evidence: what signs checkpoints, and what blinds heads.

package keyring

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// ed25519Note is the algorithm byte of signed notes.
const ed25519Note = 1

// Signer signs checkpoints of a log of epochs with this name, by the active key.
func (r *Ring) Signer(origin string) (note.Signer, error) {
	v, ok := r.keys()[Signing]
	if !ok {
		return nil, fmt.Errorf("%s: %w", Signing, ErrNoKey)
	}
	public, err := verifierKey(origin, v.Keys[v.Active])
	if err != nil {
		return nil, err
	}
	// A note's private key is the public one's name and hash, and the seed.
	hash := strings.Split(strings.TrimPrefix(public, origin+"+"), "+")[0]
	seed := append([]byte{ed25519Note}, v.Keys[v.Active]...)
	return note.NewSigner("PRIVATE+KEY+" + origin + "+" + hash + "+" + base64.StdEncoding.EncodeToString(seed))
}

// VerifierKey is the public half of a signing key, as a signed note's verifier key.
type VerifierKey struct {
	Version int
	Active  bool
	Text    string // name+hash+base64
}

// VerifierKeys are those of all versions for a log of epochs with this name, the
// oldest first.
func (r *Ring) VerifierKeys(origin string) ([]VerifierKey, error) {
	v := r.keys()[Signing]
	var keys []VerifierKey
	for _, n := range slices.Sorted(maps.Keys(v.Keys)) {
		text, err := verifierKey(origin, v.Keys[n])
		if err != nil {
			return nil, err
		}
		keys = append(keys, VerifierKey{n, n == v.Active, text})
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: %w", Signing, ErrNoKey)
	}
	return keys, nil
}

// Verifiers check what any version of the key has signed under this name.
func (r *Ring) Verifiers(origin string) ([]note.Verifier, error) {
	keys, err := r.VerifierKeys(origin)
	if err != nil {
		return nil, err
	}
	verifiers := make([]note.Verifier, len(keys))
	for i, k := range keys {
		if verifiers[i], err = note.NewVerifier(k.Text); err != nil {
			return nil, err
		}
	}
	return verifiers, nil
}

func verifierKey(origin string, seed []byte) (string, error) {
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(origin, public)
}

// Blinding is the key of the salts of heads. It has one version for good: proofs of
// old epochs need it as it was.
func (r *Ring) Blinding() ([]byte, error) {
	v, ok := r.keys()[Blinding]
	if !ok {
		return nil, fmt.Errorf("%s: %w", Blinding, ErrNoKey)
	}
	return slices.Clone(v.Keys[v.Active]), nil
}
