// Package atomicfile writes files that are private, whole and on disk before anything
// relies on them.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write puts a file (mode 0600) in place whole or not at all, in place of one that is
// there. It returns once both its content and its name are on disk. Whoever reads the
// path meanwhile sees the old content or the new.
func Write(path string, content []byte) error {
	dir := filepath.Dir(path)
	aside, err := os.CreateTemp(dir, filepath.Base(path)+".new-") // mode 0600
	if err != nil {
		return err
	}
	_, err = aside.Write(content)
	err = errors.Join(err, aside.Sync(), aside.Close())
	if err == nil {
		err = os.Rename(aside.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(aside.Name()))
	}
	return SyncDir(dir)
}

// SyncDir makes the names in a directory outlast a power cut.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
