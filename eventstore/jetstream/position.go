// Where a subscriber has got to, and where it keeps that.

package jetstream

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/internal/atomicfile"
)

// Mark is the last event that a subscriber has handled. The zero Mark stands
// before the first.
type Mark struct {
	Origin        string
	Position      events.Position
	Trail         events.TrailID // what the subscription was limited to
	TrailPosition events.Position
	LeafHash      [32]byte
}

// PositionStore keeps the one mark of one subscriber. A subscriber that writes
// what it makes of the events to a database keeps it best there, in the same
// transaction; then Save has nothing to do.
type PositionStore interface {
	// Load gives the mark that was saved last, the zero Mark if there is none.
	Load(context.Context) (Mark, error)
	// Save replaces the mark: after it, a Load gives the new mark, and if it
	// fails or the program dies in it, the old or the new one.
	Save(context.Context, Mark) error
}

// MemoryStore keeps a mark as long as the program runs. The zero value is ready.
type MemoryStore struct {
	mu   sync.Mutex // guards mark
	mark Mark
}

// Load implements [PositionStore].
func (s *MemoryStore) Load(context.Context) (Mark, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mark, nil
}

// Save implements [PositionStore].
func (s *MemoryStore) Save(_ context.Context, m Mark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark = m
	return nil
}

// FileStore keeps a mark in a file of its own, whose path it is. The directory
// must exist.
type FileStore string

// markFile is a mark in JSON.
type markFile struct {
	Origin        string          `json:"origin"`
	Position      events.Position `json:"position"`
	Trail         events.TrailID  `json:"trail,omitempty"`
	TrailPosition events.Position `json:"trail_position"`
	LeafHash      string          `json:"leaf_hash"`
}

// Load implements [PositionStore].
func (s FileStore) Load(context.Context) (Mark, error) {
	content, err := os.ReadFile(string(s))
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, nil
	}
	if err != nil {
		return Mark{}, fmt.Errorf("read the subscriber's position: %w", err)
	}
	var f markFile
	if err := json.Unmarshal(content, &f); err != nil {
		return Mark{}, fmt.Errorf("%s holds no position of a subscriber: %w", s, err)
	}
	hash, err := hex.DecodeString(f.LeafHash)
	if err != nil || len(hash) != len(Mark{}.LeafHash) || f.Position < 1 || f.Origin == "" {
		return Mark{}, fmt.Errorf("%s holds no position of a subscriber", s)
	}
	return Mark{f.Origin, f.Position, f.Trail, f.TrailPosition, [32]byte(hash)}, nil
}

// Save implements [PositionStore]. The new content replaces the old in one step
// and is on the disk when Save returns.
func (s FileStore) Save(_ context.Context, m Mark) error {
	content, err := json.Marshal(markFile{m.Origin, m.Position, m.Trail, m.TrailPosition, hex.EncodeToString(m.LeafHash[:])})
	if err == nil {
		err = atomicfile.Write(string(s), append(content, '\n'))
	}
	if err != nil {
		return fmt.Errorf("save the subscriber's position: %w", err)
	}
	return nil
}
