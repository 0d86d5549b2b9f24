// Marks: what is saved is what is loaded, also after an accident.

package jetstream_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

func TestStoresKeepTheLastMark(t *testing.T) {
	t.Parallel()
	stores := map[string]jetstream.PositionStore{
		"memory": new(jetstream.MemoryStore),
		"file":   jetstream.FileStore(filepath.Join(t.TempDir(), "position")),
	}
	for name, s := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if m, err := s.Load(t.Context()); err != nil || m != (jetstream.Mark{}) {
				t.Fatalf("before the first save: %+v, %v", m, err)
			}
			for i := range 3 {
				want := jetstream.Mark{
					Origin: "o", Position: events.Position(i) + 1<<53, Trail: events.OperatorTrail,
					TrailPosition: events.Position(i), LeafHash: [32]byte{byte(i), 31: 9},
				}
				if err := s.Save(t.Context(), want); err != nil {
					t.Fatal(err)
				}
				if m, err := s.Load(t.Context()); err != nil || m != want {
					t.Fatalf("%+v, %v; want %+v", m, err, want)
				}
			}
		})
	}
}

func TestFileStoreRefusesWhatItDidNotWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "position")
	s := jetstream.FileStore(path)
	if err := s.Save(t.Context(), jetstream.Mark{Origin: "o", Position: 7}); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(good) - 1 { // all but the line's end
		if err := os.WriteFile(path, good[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := s.Load(t.Context()); err == nil {
			t.Fatalf("%d of %d bytes read as %+v", n, len(good), m)
		}
	}
	for _, text := range []string{`{}`, `{"position":0}`, `[]`, `{"origin":"o","position":7,"trail_position":1,"leaf_hash":"00"}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := s.Load(t.Context()); err == nil {
			t.Errorf("%s reads as %+v", text, m)
		}
	}
}

func TestFileStoreLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := jetstream.FileStore(filepath.Join(dir, "position"))
	for i := range 5 {
		if err := s.Save(t.Context(), jetstream.Mark{Origin: "o", Position: events.Position(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d files: %v, %v", len(found), found, err)
	}
	if info, err := found[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// A directory stands where the file should be: nothing is replaced, and no draft stays.
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := jetstream.FileStore(filepath.Join(dir, "taken")).Save(t.Context(), jetstream.Mark{Origin: "o", Position: 1}); err == nil {
		t.Error("a directory was replaced")
	}
	if found, err := os.ReadDir(dir); err != nil || len(found) != 2 {
		t.Errorf("%d files after a failed save: %v, %v", len(found), found, err)
	}
	if err := jetstream.FileStore(filepath.Join(dir, "none", "position")).Save(t.Context(), jetstream.Mark{}); err == nil {
		t.Error("a directory was made")
	}
}
