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
)

// fileFormat is the version of the key file's shape. A new key is a new name in
// "keys"; names that this program does not know are kept and not looked at.
const fileFormat = 1

type file struct {
	Format int                 `json:"format"`
	Keys   map[string]versions `json:"keys"`
}

// ErrExposed is returned for a key file that others than its owner can read.
var ErrExposed = errors.New("the key file is open to others; set its mode to 0600")

// Load reads a key file. The error wraps [fs.ErrNotExist] where there is none,
// [ErrExposed], or [ErrNoKey] where a key is missing from it.
func Load(path string) (*Ring, error) {
	r, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return r, nil
}

func load(path string) (*Ring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, ErrExposed
	}
	return parse(f)
}

func parse(from io.Reader) (*Ring, error) {
	d := json.NewDecoder(from)
	d.DisallowUnknownFields()
	var content file
	if err := d.Decode(&content); err != nil {
		return nil, fmt.Errorf("not the JSON of a key file: %w", err)
	}
	if d.More() {
		return nil, errors.New("something stands after the key file's JSON")
	}
	if content.Format != fileFormat {
		return nil, fmt.Errorf("format %d; this program knows format %d", content.Format, fileFormat)
	}
	r := &Ring{keys: content.Keys}
	if err := r.validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// LoadOrCreate reads a key file, or makes one of fresh keys where there is none.
// Of several processes that do so at once, all get the same keys. The directory
// must exist.
func LoadOrCreate(path string) (*Ring, error) {
	r, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if err := Generate().create(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create the key file %s: %w", path, err)
	}
	return Load(path)
}

// create writes the whole file aside and links it into place, so that path never
// names a half-written file and never replaces keys that are there.
func (r *Ring) create(path string) (err error) {
	var content bytes.Buffer
	e := json.NewEncoder(&content)
	e.SetIndent("", "  ")
	if err := e.Encode(file{Format: fileFormat, Keys: r.keys}); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	aside, err := os.CreateTemp(dir, ".keys-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name())
	_, err = aside.Write(content.Bytes())
	if err = errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return err
	}
	if err := os.Link(aside.Name(), path); err != nil {
		return err
	}
	// Keys that wrap data must not vanish with a power cut after the data stayed.
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
