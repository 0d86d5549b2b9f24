// The list of erasures outside of the database: a start after a restore applies it
// before anything is served.

package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// erasures is the list, a line of JSON for each erasure. It implements
// [aggregate.Erasures]. It names subjects by their ids, and so holds nothing of them.
type erasures struct {
	path, origin string
	mu           sync.Mutex // guards the file
}

type erasureLine struct {
	Origin  string           `json:"origin"` // of the log
	Subject events.SubjectID `json:"subject"`
	At      time.Time        `json:"at"`
}

// Keep implements [aggregate.Erasures]. What is on the list already stands there once; it
// is synced all the same, since the one who wrote it may have failed at just that.
func (e *erasures) Keep(_ context.Context, subject events.SubjectID, at time.Time) error {
	line, err := json.Marshal(erasureLine{e.origin, subject, at.UTC()})
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	kept, err := e.kept()
	listed := err == nil && slices.ContainsFunc(kept, func(k erasureLine) bool { return k.Subject == subject && k.At.Equal(at) })
	if err := os.MkdirAll(filepath.Dir(e.path), 0o700); err != nil {
		return fmt.Errorf("the list of erasures: %w", err)
	}
	f, err := os.OpenFile(e.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err == nil {
		if !listed {
			err = errors.Join(e.endLine(f), writeAll(f, append(line, '\n')))
		}
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = syncDir(filepath.Dir(e.path))
	}
	if err != nil {
		return fmt.Errorf("the values of %s are erased, but the list of erasures cannot be written, so a restore would bring them back: %w", subject, err)
	}
	return nil
}

// endLine keeps a new line from joining half of one that a crash left.
func (e *erasures) endLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	return writeAll(f, []byte{'\n'})
}

func writeAll(f *os.File, b []byte) error {
	_, err := f.Write(b)
	return err
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// kept reads the list of this log. Half a line at the end is of an erasure that was
// never answered, and stands in the log if it happened.
func (e *erasures) kept() ([]erasureLine, error) {
	content, err := os.ReadFile(e.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the list of erasures: %w", err)
	}
	var all []erasureLine
	for raw := range bytes.Lines(content) {
		var line erasureLine
		if err := json.Unmarshal(raw, &line); err != nil {
			if !bytes.HasSuffix(raw, []byte{'}', '\n'}) {
				continue
			}
			return nil, fmt.Errorf("the list of erasures, %s: %w", e.path, err)
		}
		if line.Origin == e.origin {
			all = append(all, line)
		}
	}
	return all, nil
}

// apply brings log and list together: what the log lost by a restore is erased again,
// and what another process erased is added to the list. It gives the position of the
// last event that it recorded, 0 for none.
func (e *erasures) apply(ctx context.Context, s *Store, logger *slog.Logger) (last events.Position, err error) {
	kept, err := e.kept()
	if err != nil {
		return 0, err
	}
	recorded, err := s.Log.Erasures(ctx)
	if err != nil {
		return 0, err
	}
	for _, r := range recorded {
		if !slices.ContainsFunc(kept, func(k erasureLine) bool { return k.Subject == r.Subject && !k.At.Before(r.At) }) {
			if err := e.Keep(ctx, r.Subject, r.At); err != nil {
				return 0, err
			}
		}
	}
	lost := slices.DeleteFunc(kept, func(k erasureLine) bool {
		return slices.ContainsFunc(recorded, func(r eventstore.Erasure) bool { return r.Subject == k.Subject && !r.At.Before(k.At) })
	})
	if len(lost) == 0 {
		return 0, nil
	}
	err = s.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) error {
		directory := &aggregate.Directory{
			Tokens: &aggregate.Tokens{Handler: &aggregate.Handler{Log: log}, Peppers: s.Peppers}, Erasures: e,
		}
		done := map[events.SubjectID]bool{}
		for _, k := range lost {
			if done[k.Subject] {
				continue
			}
			done[k.Subject] = true
			out, err := directory.EraseSubject(ctx, k.Subject, "listed as erased, and back by a restore", true)
			var refused *aggregate.Refusal
			if errors.As(err, &refused) && refused.Code == aggregate.CodeNotFound {
				continue // the log was restored to before there was such a subject
			}
			if err != nil {
				return fmt.Errorf("erase %s again: %w", k.Subject, err)
			}
			last = max(last, out.Receipt.Last())
			logger.WarnContext(ctx, "erased again after a restore", "subject", k.Subject)
		}
		return nil
	})
	return last, err
}

// erasuresOf is the list beside the checkpoints.
func erasuresOf(dir string, s *Store) *erasures {
	return &erasures{path: filepath.Join(dir, "erasures.jsonl"), origin: s.Log.Origin()}
}

// EraseSubject erases with the database's credentials, and keeps it on the list.
func EraseSubject(ctx context.Context, dir string, s *Store, subject events.SubjectID, reason string) (events.Position, error) {
	var last events.Position
	err := s.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) error {
		directory := &aggregate.Directory{
			Tokens: &aggregate.Tokens{Handler: &aggregate.Handler{Log: log}, Peppers: s.Peppers}, Erasures: erasuresOf(dir, s),
		}
		out, err := directory.EraseSubject(ctx, subject, reason, false)
		last = out.Receipt.Last()
		return err
	})
	return last, err
}

// forgotten waits until the read models know of what was erased at the start: before
// that, they may show what a restore brought back.
func (l *ledger) forgotten(ctx context.Context) error {
	for l.erased > 0 {
		err := l.models.Views.Wait(ctx, l.erased)
		if !errors.Is(err, projections.ErrStale) {
			return err
		}
	}
	return nil
}
