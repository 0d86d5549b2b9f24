// Checkpoints: the log of epochs at one size, as a C2SP signed note (tlog-checkpoint).

package merkle

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is what a log of epochs was at one size. Its note has three lines, origin, size and
// root, and never an extension line: those would be signed but not in the log.
type Checkpoint struct {
	Origin string // the log's name, and that of its key; printable ASCII without space, plus, quote and backslash
	Size   int64
	Root   Hash
}

// What can be wrong with a checkpoint.
var (
	ErrSignature = errors.New("no key that was given has signed this checkpoint")
	ErrFork      = errors.New("the two checkpoints are not of one log: its history was rewritten or there are two")
)

// maxCheckpoint bounds what is read: three lines and a hundred signatures of witnesses fit in.
const maxCheckpoint = 1 << 20

func (c Checkpoint) check() error {
	if c.Origin == "" || strings.ContainsFunc(c.Origin, func(r rune) bool { return r > '~' || !isNameByte(byte(r)) }) {
		return fmt.Errorf("%q cannot be the origin of a log: use printable ASCII without spaces, quotes, plus and backslash", c.Origin)
	}
	if c.Size < 0 || c.Size > MaxSize {
		return fmt.Errorf("a log of %d records is out of range", c.Size)
	}
	if (c.Size == 0) != (c.Root == EmptyRoot) {
		return errors.New("the root of an empty log goes with size 0 and with no other")
	}
	return nil
}

// Sign writes the checkpoint as a note. The first signer is the log's own and bears its origin as name.
func (c Checkpoint) Sign(log note.Signer, more ...note.Signer) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	if log.Name() != c.Origin {
		return nil, fmt.Errorf("sign checkpoint: the key of %q cannot sign for the log %q", log.Name(), c.Origin)
	}
	body := append([]byte(c.Origin), '\n')
	body = append(strconv.AppendInt(body, c.Size, 10), '\n')
	body = append(appendHash(body, c.Root), '\n')
	signers := slices.Insert(slices.Clone(more), 0, log)
	signed, err := note.Sign(&note.Note{Text: string(body)}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint reads a signed checkpoint that one of the log keys has signed under the log's own
// origin; signatures by others, such as witnesses, are passed over. The error wraps
// [ErrMalformed] or [ErrSignature].
func OpenCheckpoint(signed []byte, keys ...note.Verifier) (Checkpoint, error) {
	if len(signed) > maxCheckpoint {
		return Checkpoint{}, fmt.Errorf("checkpoint of %d bytes: %w", len(signed), ErrMalformed)
	}
	opened, err := note.Open(signed, note.VerifierList(keys...))
	var unsigned *note.UnverifiedNoteError
	var forged *note.InvalidSignatureError
	switch {
	case errors.As(err, &forged):
		return Checkpoint{}, fmt.Errorf("%w: the signature by %s is false", ErrSignature, forged.Name)
	case errors.As(err, &unsigned):
		return Checkpoint{}, ErrSignature
	case err != nil:
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: %w", ErrMalformed, err)
	}
	c, err := parseCheckpoint([]byte(opened.Text))
	if err != nil {
		return Checkpoint{}, err
	}
	if !slices.ContainsFunc(opened.Sigs, func(s note.Signature) bool { return s.Name == c.Origin }) {
		return Checkpoint{}, fmt.Errorf("%w: the key of another log has", ErrSignature)
	}
	return c, nil
}

// ParseKeys reads verifier keys, name+hash+base64 each, as checkpoints are opened with. A key that
// is given twice counts once. The error wraps [ErrMalformed].
func ParseKeys(texts ...string) ([]note.Verifier, error) {
	var keys []note.Verifier
	seen := map[string]bool{}
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if seen[text] {
			continue
		}
		seen[text] = true
		key, err := note.NewVerifier(text)
		if err != nil {
			return nil, fmt.Errorf("verifier key %.200q: %w: %w", text, ErrMalformed, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseCheckpoint(body []byte) (Checkpoint, error) {
	r := reader{rest: body}
	var c Checkpoint
	c.Origin = r.name()
	r.literal("\n")
	c.Size = r.size()
	r.literal("\n")
	c.Root = r.hash()
	r.literal("\n")
	if err := r.end("checkpoint"); err != nil {
		return Checkpoint{}, err
	}
	if err := c.check(); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: %w", ErrMalformed, err)
	}
	return c, nil
}

// Extends gives [ErrFork] unless the proof shows that this checkpoint's log begins with the older one's.
func (c Checkpoint) Extends(older Checkpoint, proof Proof) error {
	if c.Origin != older.Origin {
		return fmt.Errorf("%w: one is of %q, the other of %q", ErrFork, older.Origin, c.Origin)
	}
	if err := VerifyConsistency(older.Size, c.Size, older.Root, c.Root, proof); err != nil {
		return fmt.Errorf("%w: %w", ErrFork, err)
	}
	return nil
}
