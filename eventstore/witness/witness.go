// Package witness cosigns checkpoints of logs that it has seen grow (C2SP
// tlog-witness): never one that forks or goes back behind what it signed before. It
// keeps its own state, apart from every log that it watches.
package witness

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/internal/atomicfile"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Config says who the witness is and what it watches.
type Config struct {
	Name string           // of the witness and its key; an URL without a scheme
	Dir  string           // of key and state; made if it is not there
	Logs []note.Verifier  // the keys of the logs; a log may have several
	Now  func() time.Time // nil: time.Now
}

// Witness is a witness at work. It may be used from any goroutine.
type Witness struct {
	dir    string
	signer note.Signer
	logs   map[string][]note.Verifier // by origin
	lock   *os.File

	mu   sync.Mutex      // guards seen and its file
	seen map[string]last // by origin
}

// last is the newest checkpoint that was cosigned for a log.
type last struct {
	Size       int64  `json:"size"`
	Checkpoint string `json:"checkpoint"`
	root       merkle.Hash
}

const (
	keyFile   = "witness.key"
	stateFile = "witness.json"
)

// Open reads the state, or begins one together with a key. A key without a state is
// refused: a witness that forgot what it signed could be led to sign something else.
func Open(c Config) (*Witness, error) {
	w := &Witness{dir: c.Dir, logs: map[string][]note.Verifier{}, seen: map[string]last{}}
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, key := range c.Logs {
		w.logs[key.Name()] = append(w.logs[key.Name()], key)
	}
	if len(w.logs) == 0 {
		return nil, errors.New("witness: no log to watch; give the verifier key of one")
	}
	if err := w.open(c); err != nil {
		return nil, errors.Join(fmt.Errorf("witness: %w", err), w.Close())
	}
	return w, nil
}

func (w *Witness) open(c Config) (err error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	if w.lock, err = os.Open(c.Dir); err != nil {
		return err
	}
	if err := syscall.Flock(int(w.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another witness works in %s: %w", c.Dir, err)
	}
	seed, err := w.key()
	if err != nil {
		return err
	}
	if w.signer, err = merkle.NewCosigner(c.Name, seed, c.Now); err != nil {
		return err
	}
	return w.load()
}

// key reads the seed, or makes one where there is neither key nor state.
func (w *Witness) key() ([]byte, error) {
	path := filepath.Join(w.dir, keyFile)
	text, err := os.ReadFile(path)
	if err == nil {
		return base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(w.dir, stateFile)); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds a state and no key", w.dir)
	}
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // ends the program rather than return few bytes
	// The state first: a key without one would be refused at the next start.
	if err := w.save(w.seen); err != nil {
		return nil, err
	}
	return seed, atomicfile.Write(filepath.Join(w.dir, keyFile), []byte(base64.StdEncoding.EncodeToString(seed)+"\n"))
}

func (w *Witness) load() error {
	content, err := os.ReadFile(filepath.Join(w.dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds a key and no state: what it signed before is forgotten; begin with a new key in another directory", w.dir)
	}
	if err == nil {
		err = json.Unmarshal(content, &w.seen)
	}
	if err != nil {
		return fmt.Errorf("the state in %s: %w", w.dir, err)
	}
	for origin, l := range w.seen {
		body, _, _ := strings.Cut(l.Checkpoint, "\n\n")
		lines := strings.Split(body, "\n")
		hash, err := base64.StdEncoding.DecodeString(lines[len(lines)-1])
		if err != nil || copy(l.root[:], hash) != len(l.root) {
			return fmt.Errorf("the state in %s: the checkpoint of %s: %w", w.dir, origin, merkle.ErrMalformed)
		}
		w.seen[origin] = l
	}
	return nil
}

// Key is the verifier key of the witness.
func (w *Witness) Key() string { return merkle.WitnessKey(w.signer) }

// Close lets go of the directory.
func (w *Witness) Close() error {
	if w.lock == nil {
		return nil
	}
	return w.lock.Close()
}

// The reasons not to cosign, as the protocol tells them apart.
var (
	ErrUnknownLog = errors.New("this witness does not watch a log of that name")
	ErrRequest    = errors.New("the request is malformed")
	ErrFork       = errors.New("the checkpoint contradicts one of the same size that was cosigned")
)

// ConflictError says that the request's proof begins elsewhere than what was cosigned last.
type ConflictError struct{ Size int64 }

// Error is for a log.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("the last checkpoint that was cosigned has size %d", e.Size)
}

// Request is what a log submits.
type Request struct {
	Old        int64 // size of the checkpoint that was cosigned last
	Proof      merkle.Proof
	Checkpoint []byte
}

// Cosign gives the witness's line for a checkpoint that goes on what it cosigned last.
// The new state is durable before it answers. The error is one of the above, or wraps
// [merkle.ErrSignature] or [merkle.ErrProof].
func (w *Witness) Cosign(r Request) ([]byte, error) {
	origin, _, _ := strings.Cut(string(r.Checkpoint), "\n")
	keys := w.logs[origin]
	if len(keys) == 0 {
		return nil, ErrUnknownLog
	}
	checkpoint, err := merkle.OpenCheckpoint(r.Checkpoint, keys...)
	if errors.Is(err, merkle.ErrMalformed) {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if err != nil {
		return nil, err
	}
	if r.Old > checkpoint.Size {
		return nil, fmt.Errorf("%w: from size %d to %d", ErrRequest, r.Old, checkpoint.Size)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before, known := w.seen[origin]
	if !known {
		before.root = merkle.EmptyRoot
	}
	if r.Old != before.Size {
		return nil, &ConflictError{before.Size}
	}
	if known && checkpoint.Size == before.Size && checkpoint.Root != before.root {
		return nil, ErrFork
	}
	if err := merkle.VerifyConsistency(r.Old, checkpoint.Size, before.root, checkpoint.Root, r.Proof); err != nil {
		return nil, err
	}
	line, err := merkle.Cosign(r.Checkpoint, w.signer)
	if err != nil {
		return nil, err
	}
	return line, w.remember(origin, last{checkpoint.Size, string(r.Checkpoint), checkpoint.Root})
}
