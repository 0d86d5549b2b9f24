// A directory of archives, as a log reads from it what has left the database.

package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// Directory is the archives below a directory. It implements [eventstore.Archives]. Each is
// verified, whole, before the first of its blocks is given; archives of other logs are passed over.
type Directory struct {
	// Path is a directory, or one archive.
	Path string
	// Verifiers are the keys that have signed for a log of epochs with this name.
	Verifiers func(origin string) ([]note.Verifier, error)

	mu       sync.Mutex // guards what follows
	verified map[string]*Reader
}

var _ eventstore.Archives = (*Directory)(nil)

// Blocks implements [eventstore.Archives].
func (d *Directory) Blocks(_ context.Context, origin string, after events.Position) ([]eventstore.StoredBlock, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.verified {
		if r.holds(origin, after) {
			return r.Blocks(after)
		}
	}
	names, err := Files(d.Path)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if d.verified[name] != nil {
			continue
		}
		r, err := d.open(name, origin, after)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if r != nil {
			return r.Blocks(after)
		}
	}
	return nil, nil
}

func (r *Reader) holds(origin string, after events.Position) bool {
	m := r.Manifest
	return m.Origin == origin && m.First <= int64(after)+1 && int64(after) < m.Last
}

// open verifies an archive that holds the position after the given one; nil for another. The file
// stays open as long as the process.
func (d *Directory) open(name, origin string, after events.Position) (_ *Reader, err error) {
	f, r, err := OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if d.verified[name] == nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if !r.holds(origin, after) {
		return nil, nil
	}
	keys, err := d.Verifiers(r.Manifest.Proof.Log)
	if err != nil {
		return nil, err
	}
	if _, err := r.Verify(keys, nil); err != nil {
		return nil, err
	}
	if d.verified == nil {
		d.verified = map[string]*Reader{}
	}
	d.verified[name] = r
	return r, nil
}

// OpenFile opens an archive in a file, which the caller closes when done with the reader.
func OpenFile(name string) (*os.File, *Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	var r *Reader
	if err == nil {
		r, err = Open(f, info.Size())
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, r, nil
}

// Files are the archives at a path, which is a directory or one of them. A directory that is
// not there has none.
func Files(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the archives: %w", err)
	case !info.IsDir():
		return []string{path}, nil
	}
	return filepath.Glob(filepath.Join(path, "*"+suffix))
}
