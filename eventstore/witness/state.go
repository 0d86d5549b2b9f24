// Writing the state: whole, aside, synced, renamed.

package witness

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

// remember makes a checkpoint the last of its log, on disk and then in memory.
func (w *Witness) remember(origin string, l last) error {
	seen := maps.Clone(w.seen)
	seen[origin] = l
	if err := w.save(seen); err != nil {
		return fmt.Errorf("keep the state: %w", err)
	}
	w.seen = seen
	return nil
}

func (w *Witness) save(seen map[string]last) error {
	content, err := json.MarshalIndent(seen, "", "  ")
	if err != nil {
		return err
	}
	return w.write(stateFile, append(content, '\n'))
}

func (w *Witness) write(name string, content []byte) error {
	aside, err := os.CreateTemp(w.dir, ".witness-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name())
	_, err = aside.Write(content)
	if err = errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside.Name(), filepath.Join(w.dir, name)); err != nil {
		return err
	}
	return w.lock.Sync() // of the directory
}
