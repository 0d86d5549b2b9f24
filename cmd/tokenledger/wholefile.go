// Files of this user's that are there whole or not at all.

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// wholeFile puts a file (mode 0600) in place of whatever has its name, once all of
// it is written and on disk.
func wholeFile(path string, write func(io.Writer) error) error {
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	err = write(part)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		_ = os.Remove(part.Name())
	}
	return err
}
