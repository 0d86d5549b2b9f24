// What the service keeps, in a file of JSON lines: each change is one line, on disk before it is answered.

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/tokenledger/tokenledger/docs/examples/resourceserver/model"
)

// change is one line of the file: the new state of everything that one mutation touched.
type change struct {
	Controls []model.Control  `json:"controls,omitempty"`
	Evidence []model.Evidence `json:"evidence,omitempty"`
	Scans    []model.Scan     `json:"scans,omitempty"`
	Risks    []model.Risk     `json:"risks,omitempty"`
	Tasks    []model.Task     `json:"tasks,omitempty"`
	Attempt  *attempt         `json:"attempt,omitempty"` // that made them, where it may come again
}

func (c change) empty() bool {
	return len(c.Controls)+len(c.Evidence)+len(c.Scans)+len(c.Risks)+len(c.Tasks) == 0
}

type store struct {
	mu       sync.Mutex // guards everything below
	file     *os.File
	broken   error // why the file's end is not known any more
	controls map[string]model.Control
	evidence map[string]model.Evidence
	scans    map[string]model.Scan
	risks    map[string]model.Risk
	tasks    map[string]model.Task
	attempts map[string]string // hashes of inputs, by the ids that were made of them
}

// openStore reads the file, or begins it with the controls.
func openStore(path string, controls []model.Control) (*store, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the data file: %w", err)
	}
	s := &store{
		file: file, controls: map[string]model.Control{}, evidence: map[string]model.Evidence{},
		scans: map[string]model.Scan{}, risks: map[string]model.Risk{}, tasks: map[string]model.Task{},
		attempts: map[string]string{},
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("read the data file %s: %w", path, err), file.Close())
	}
	if len(s.controls) == 0 {
		if err := s.write(change{Controls: controls}); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	return s, nil
}

// load applies every whole line, and cuts off one that a crash left unfinished.
func (s *store) load() error {
	r := bufio.NewReader(s.file)
	var whole int64
	for {
		line, err := r.ReadBytes('\n')
		if err != nil { // the end, after a whole line or within one
			if _, err := s.file.Seek(whole, 0); err != nil {
				return err
			}
			return s.file.Truncate(whole)
		}
		var c change
		if err := json.Unmarshal(line, &c); err != nil {
			return fmt.Errorf("at byte %d: %w", whole, err)
		}
		s.apply(c)
		whole += int64(len(line))
	}
}

func (s *store) apply(c change) {
	for _, x := range c.Controls {
		s.controls[x.ID] = x
	}
	for _, x := range c.Evidence {
		s.evidence[x.ID] = x
	}
	for _, x := range c.Scans {
		s.scans[x.ID] = x
	}
	for _, x := range c.Risks {
		s.risks[x.ID] = x
	}
	for _, x := range c.Tasks {
		s.tasks[x.ID] = x
	}
	if c.Attempt != nil {
		s.attempts[c.Attempt.ID] = c.Attempt.Input
	}
}

// write makes a change durable and then visible. Whoever calls it holds the lock, or is alone.
func (s *store) write(c change) error {
	if s.broken != nil {
		return fmt.Errorf("an earlier change could not be written: %w", s.broken)
	}
	line, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode a change: %w", err)
	}
	if _, err = s.file.Write(append(line, '\n')); err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		s.broken = err
		return fmt.Errorf("write a change: %w", err)
	}
	s.apply(c)
	return nil
}

// update makes what decide says durable and visible, one caller at a time; no
// change is none.
func (s *store) update(decide func() (change, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := decide()
	if err != nil || c.empty() {
		return err
	}
	return s.write(c)
}

func (s *store) listControls(status *model.ControlStatus) []model.Control {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []model.Control{}
	for _, c := range s.controls {
		if status == nil || c.Status == *status {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b model.Control) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// find gives what is kept under an id; nil: nothing.
func find[T any](s *store, kept map[string]T, id string) *T {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x, ok := kept[id]; ok {
		return &x
	}
	return nil
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Close()
}
