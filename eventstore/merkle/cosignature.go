// Cosignatures: what a witness says of a checkpoint (C2SP tlog-cosignature, cosignature/v1).

package merkle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// cosignatureAlgorithm is the byte that tells keys of cosignatures from those of notes.
const cosignatureAlgorithm = 4

// cosigner is one half or both of a witness's key.
type cosigner struct {
	name    string
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	now     func() time.Time
}

// NewCosigner signs checkpoints as a witness of that name, with the time that now
// tells, from an Ed25519 seed.
func NewCosigner(name string, seed []byte, now func() time.Time) (note.Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("a witness's key is made of %d bytes, not %d", ed25519.SeedSize, len(seed))
	}
	if err := (Checkpoint{Origin: name, Root: EmptyRoot}).check(); err != nil {
		return nil, fmt.Errorf("name of a witness: %w", err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	return &cosigner{name: name, public: private.Public().(ed25519.PublicKey), private: private, now: now}, nil
}

// WitnessKey is the verifier key of a cosigner, name+hash+base64.
func WitnessKey(s note.Signer) string {
	key := append([]byte{cosignatureAlgorithm}, s.(*cosigner).public...)
	return fmt.Sprintf("%s+%08x+%s", s.Name(), s.KeyHash(), base64.StdEncoding.EncodeToString(key))
}

// ParseWitnessKey reads a witness's verifier key. The error wraps [ErrMalformed].
func ParseWitnessKey(text string) (note.Verifier, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(text), "+")
	hash, encoded, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != cosignatureAlgorithm {
		return nil, fmt.Errorf("witness key %.200q: %w", text, ErrMalformed)
	}
	c := &cosigner{name: name, public: key[1:]}
	if err := (Checkpoint{Origin: name, Root: EmptyRoot}).check(); err != nil || fmt.Sprintf("%08x", c.KeyHash()) != hash {
		return nil, fmt.Errorf("witness key %.200q: %w: its name and hash do not fit the key", text, ErrMalformed)
	}
	return c, nil
}

// Name implements [note.Signer] and [note.Verifier].
func (c *cosigner) Name() string { return c.name }

// KeyHash implements [note.Signer] and [note.Verifier].
func (c *cosigner) KeyHash() uint32 {
	h := sha256.New()
	h.Write([]byte(c.name + "\n"))
	h.Write([]byte{cosignatureAlgorithm})
	h.Write(c.public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// Sign implements [note.Signer]: eight bytes of time, then the signature.
func (c *cosigner) Sign(body []byte) ([]byte, error) {
	at := uint64(c.now().Unix())
	signed := binary.BigEndian.AppendUint64(nil, at)
	return append(signed, ed25519.Sign(c.private, cosigned(at, body))...), nil
}

// Verify implements [note.Verifier].
func (c *cosigner) Verify(body, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	return at <= math.MaxInt64 && ed25519.Verify(c.public, cosigned(at, body), signature[8:])
}

func cosigned(at uint64, body []byte) []byte {
	message := append([]byte("cosignature/v1\ntime "), strconv.FormatUint(at, 10)...)
	return append(append(message, '\n'), body...)
}

// Cosign gives the witness's line for a checkpoint that was opened and checked before.
func Cosign(checkpoint []byte, witness note.Signer) ([]byte, error) {
	body, _, ok := bytes.Cut(checkpoint, []byte("\n\n"))
	if !ok {
		return nil, fmt.Errorf("cosign: %w", ErrMalformed)
	}
	signed, err := note.Sign(&note.Note{Text: string(body) + "\n"}, witness)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	_, line, _ := bytes.Cut(signed, []byte("\n\n"))
	return line, nil
}

// Cosignature is a line that a witness has added.
type Cosignature struct {
	Line []byte // ended by a newline
	Time time.Time
}

// OpenCosignature finds the witness's line among the signature lines that came for a
// checkpoint, or gives [ErrSignature].
func OpenCosignature(checkpoint, lines []byte, witness note.Verifier) (Cosignature, error) {
	body, _, ok := bytes.Cut(checkpoint, []byte("\n\n"))
	if !ok || len(lines) > maxCheckpoint {
		return Cosignature{}, fmt.Errorf("cosignature: %w", ErrMalformed)
	}
	opened, err := note.Open(slices.Concat(body, []byte("\n\n"), lines), note.VerifierList(witness))
	if err != nil {
		return Cosignature{}, fmt.Errorf("%w: cosignature by %s: %w", ErrSignature, witness.Name(), err)
	}
	signature := opened.Sigs[0]
	raw, err := base64.StdEncoding.DecodeString(signature.Base64)
	if err != nil || len(raw) != 4+8+ed25519.SignatureSize {
		return Cosignature{}, fmt.Errorf("%w: cosignature by %s: %w", ErrSignature, witness.Name(), ErrMalformed)
	}
	at := time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC()
	return Cosignature{Line: []byte("— " + signature.Name + " " + signature.Base64 + "\n"), Time: at}, nil
}
