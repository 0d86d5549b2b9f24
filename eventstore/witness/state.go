// Writing the state.

package witness

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/tokenledger/tokenledger/eventstore/internal/atomicfile"
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
	return atomicfile.Write(filepath.Join(w.dir, stateFile), append(content, '\n'))
}
