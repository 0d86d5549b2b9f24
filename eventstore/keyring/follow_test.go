// A ring in use: it takes on what is rotated in its file, and nothing else.

package keyring

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// following is a ring that follows its file until the test ends.
type following struct {
	*testing.T
	file File
	ring *Ring
	took chan error
}

func follow(t *testing.T, file File) following {
	t.Helper()
	ring, err := file.LoadOrCreate()
	if err != nil {
		t.Fatal(err)
	}
	f := following{t, file, ring, make(chan error, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		file.Follow(ctx, ring, time.Millisecond, func(err error) { f.took <- err })
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return f
}

// next is what Follow says next.
func (f following) next() error {
	f.Helper()
	select {
	case err := <-f.took:
		return err
	case <-time.After(30 * time.Second):
		f.Fatal("the file is not followed")
		return nil
	}
}

func (f following) rotate(name string, prepare bool) {
	f.Helper()
	if _, err := f.file.Rotate(name, prepare); err != nil {
		f.Fatal(err)
	}
	if err := f.next(); err != nil {
		f.Fatal(err)
	}
}

func TestARingInUseTakesOnWhatIsRotated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		passphrase string
		rotate     []string
	}{
		"in clear":           {"", Rotatable},
		"under a passphrase": {"correct horse", []string{KeyEncryption}}, // which takes its time
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := follow(t, File{Path: filepath.Join(t.TempDir(), "keys.json"), Passphrase: []byte(c.passphrase)})
			subject := events.SubjectID("user-1")
			wrapped, _, err := f.ring.WrapSubjectKey("log", subject, events.SubjectKey{1})
			if err != nil {
				t.Fatal(err)
			}
			cookies := sealer(t, f.ring, "cookie")
			cookie := cookies.Seal([]byte("session"))
			for _, key := range c.rotate {
				f.rotate(key, true)
				if active := f.ring.keys()[key].Active; active != 1 || len(f.ring.keys()[key].Keys) != 2 {
					t.Fatalf("%s is prepared: version %d is active of %d", key, active, len(f.ring.keys()[key].Keys))
				}
				f.rotate(key, false)
				if active := f.ring.keys()[key].Active; active != 2 {
					t.Fatalf("%s is rotated: version %d is active", key, active)
				}
			}
			if key, err := f.ring.UnwrapSubjectKey("log", subject, wrapped, 1); err != nil || key != (events.SubjectKey{1}) {
				t.Fatal(err)
			}
			if _, kek, err := f.ring.WrapSubjectKey("log", subject, events.SubjectKey{1}); err != nil || kek != 2 {
				t.Fatal(kek, err)
			}
			if plain, err := cookies.Open(cookie); err != nil || string(plain) != "session" {
				t.Fatal(err)
			}
			if young := cookies.Seal(nil); young[0] != 2 {
				t.Fatalf("a cookie is sealed by version %d", young[0])
			}
			loaded, err := f.file.Load()
			if err != nil || !reflect.DeepEqual(loaded.keys(), f.ring.keys()) {
				t.Fatal(err)
			}
		})
	}
}

func TestARingInUseStaysAsItWasWhere(t *testing.T) {
	t.Parallel()
	// At once, so that what is read is that content in that mode.
	write := func(content []byte, mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			aside := path + ".aside"
			if err := errors.Join(os.WriteFile(aside, content, 0o600), os.Chmod(aside, mode), os.Rename(aside, path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(*testing.T, string)
		want  error
	}{
		"the file is gone": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, fs.ErrNotExist},
		"the file is half written":   {write([]byte(`{"format":1,"keys":{"pep`), 0o600), nil},
		"the file is open to others": {write([]byte(`{}`), 0o644), ErrExposed},
		"the file has no pepper":     {write([]byte(`{"format":1,"keys":{}}`), 0o600), ErrNoKey},
		"the file is of another ledger": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := (File{Path: path}).write(Generate()); err != nil {
				t.Fatal(err)
			}
		}, ErrOtherKeys},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := follow(t, File{Path: filepath.Join(t.TempDir(), "keys.json")})
			f.rotate(Pepper, false)
			before, ring := f.ring.keys(), ringOf(f.ring.keys())
			c.spoil(t, f.file.Path)
			err := f.next()
			for errors.Is(err, fs.ErrNotExist) && !errors.Is(c.want, fs.ErrNotExist) {
				err = f.next() // between the removal and what came then
			}
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !reflect.DeepEqual(f.ring.keys(), before) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			// A file that is right again is taken on.
			if err := f.file.write(ring); err != nil {
				t.Fatal(err)
			}
			if _, err := f.file.Rotate(Pepper, false); err != nil {
				t.Fatal(err)
			}
			for err := f.next(); err != nil; err = f.next() {
				if !errors.Is(err, c.want) && c.want != nil {
					t.Fatal(err)
				}
			}
			if active := f.ring.keys()[Pepper].Active; active != 3 {
				t.Fatalf("version %d is active", active)
			}
		})
	}
}

// What was in the way may go without a trace in the file, as where its owner is set right.
func TestAFileThatCouldNotBeReadIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	file := File{Path: filepath.Join(t.TempDir(), "keys.json")}
	ring, err := file.LoadOrCreate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Rotate(Pepper, false); err != nil {
		t.Fatal(err)
	}
	right, err := os.ReadFile(file.Path)
	if err != nil {
		t.Fatal(err)
	}
	when := time.Now().Add(-time.Hour)
	write := func(content []byte) { // always the same file, by all that can be seen of it
		if err := errors.Join(os.WriteFile(file.Path, content, 0o600), os.Chtimes(file.Path, when, when)); err != nil {
			t.Fatal(err)
		}
	}
	write(append([]byte("?"), right[1:]...))
	seen, changed, err := file.look(ring, nil)
	if changed || err == nil {
		t.Fatalf("changed %v, %v", changed, err)
	}
	write(right)
	seen, changed, err = file.look(ring, seen)
	if !changed || err != nil || ring.keys()[Pepper].Active != 2 {
		t.Fatalf("changed %v, %v, version %d is active", changed, err, ring.keys()[Pepper].Active)
	}
	if _, changed, err = file.look(ring, seen); changed || err != nil {
		t.Fatalf("changed again: %v, %v", changed, err)
	}
}

// A version that is taken out of the file is still needed by whoever has begun with it.
func TestARingInUseForgetsNoVersion(t *testing.T) {
	t.Parallel()
	f := follow(t, File{Path: filepath.Join(t.TempDir(), "keys.json")})
	f.rotate(Pepper, false)
	without := map[string]versions{}
	for name, v := range f.ring.keys() {
		without[name] = v
	}
	without[Pepper] = versions{Active: 2, Keys: map[int][]byte{2: without[Pepper].Keys[2]}}
	if err := f.file.write(ringOf(without)); err != nil {
		t.Fatal(err)
	}
	f.rotate(Pepper, false)
	if _, known := f.ring.Peppers(); len(known) != 3 {
		t.Fatalf("%d peppers are known", len(known))
	}
}
