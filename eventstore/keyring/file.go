// The key file: one JSON object, readable by its owner only.

package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/tokenledger/tokenledger/eventstore/internal/atomicfile"
)

// The versions of the key file's shape: keys in clear, and keys under a passphrase.
// A new key is a new name in "keys"; names that this program does not know are kept
// and not looked at.
const (
	plainFormat  = 1
	lockedFormat = 2
)

type plainFile struct {
	Format int                 `json:"format"`
	Keys   map[string]versions `json:"keys"`
}

// ErrExposed is returned for a key file that others than its owner can read.
var ErrExposed = errors.New("the key file is open to others; set its mode to 0600")

// File is where the keys are, and what opens them.
type File struct {
	Path string
	// Passphrase wraps the keys. Empty leaves them in clear, for which a mode of 0600
	// is the only protection.
	Passphrase []byte
}

// Load reads a key file that has no passphrase; see [File.Load].
func Load(path string) (*Ring, error) { return File{Path: path}.Load() }

// LoadOrCreate reads a key file that has no passphrase, or makes one; see [File.LoadOrCreate].
func LoadOrCreate(path string) (*Ring, error) { return File{Path: path}.LoadOrCreate() }

// Load reads the key file. The error wraps [fs.ErrNotExist] where there is none,
// [ErrExposed], [ErrPassphrase], or [ErrNoKey] where a key is missing from it that
// every version of this program needs.
func (f File) Load() (*Ring, error) {
	r, _, err := f.load()
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", f.Path, err)
	}
	return r, nil
}

// load also tells whether the file is wrapped by a passphrase.
func (f File) load() (r *Ring, locked bool, err error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, false, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, false, ErrExposed
	}
	return f.parse(file)
}

func parse(from io.Reader) (*Ring, error) {
	r, _, err := File{}.parse(from)
	return r, err
}

func (f File) parse(from io.Reader) (r *Ring, locked bool, err error) {
	content, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, false, err
	}
	var shape struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(content, &shape); err == nil && shape.Format == lockedFormat {
		if content, err = f.unlock(content); err != nil {
			return nil, true, err
		}
		locked = true
	}
	var plain plainFile
	if err := strictly(content, &plain); err != nil {
		return nil, locked, err
	}
	if plain.Format != plainFormat {
		return nil, locked, fmt.Errorf("format %d; this program knows the formats %d and %d", plain.Format, plainFormat, lockedFormat)
	}
	r = ringOf(plain.Keys)
	return r, locked, r.validate()
}

// maxFile is more than any key file needs.
const maxFile = 1 << 20

// strictly decodes JSON that holds what into has, and nothing else.
func strictly(content []byte, into any) error {
	if len(content) > maxFile {
		return fmt.Errorf("a key file of more than %d bytes", maxFile)
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("not the JSON of a key file: %w", err)
	}
	if d.More() {
		return errors.New("something stands after the key file's JSON")
	}
	return nil
}

// LoadOrCreate reads the key file, or makes one of fresh keys where there is none.
// A file of an earlier program gets the keys that it lacks, and a file in clear is
// wrapped once a passphrase is given. Of several processes that do so at once, all
// get the same keys. The directory must exist.
func (f File) LoadOrCreate() (*Ring, error) {
	r, locked, err := f.load()
	if err == nil && !r.lacks() && locked == (len(f.Passphrase) > 0) {
		return r, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("key file %s: %w", f.Path, err)
	}
	r, err = f.change(func(r *Ring) (*Ring, error) { return r.completed(), nil })
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", f.Path, err)
	}
	return r, nil
}

// change replaces the file's keys, one process at a time. The change is given an
// empty ring where there is no file.
func (f File) change(change func(*Ring) (*Ring, error)) (r *Ring, err error) {
	dir, err := os.Open(filepath.Dir(f.Path))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }() // and with it the lock
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir.Name(), err)
	}
	before, _, err := f.load()
	if errors.Is(err, fs.ErrNotExist) {
		before, err = &Ring{}, nil
	}
	if err != nil {
		return nil, err
	}
	after, err := change(before)
	if err != nil {
		return nil, err
	}
	return after, f.write(after)
}

// write replaces the file. Keys that wrap data must not vanish with a power cut after
// the data stayed: they are on disk when it returns.
func (f File) write(r *Ring) error {
	var content bytes.Buffer
	e := json.NewEncoder(&content)
	e.SetIndent("", "  ")
	if err := e.Encode(plainFile{Format: plainFormat, Keys: r.keys()}); err != nil {
		return err
	}
	if len(f.Passphrase) > 0 {
		locked, err := f.lock(content.Bytes())
		if err != nil {
			return err
		}
		content = *bytes.NewBuffer(locked)
	}
	return atomicfile.Write(f.Path, content.Bytes())
}
