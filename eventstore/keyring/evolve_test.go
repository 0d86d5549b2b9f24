// What becomes of a key file: completed, wrapped by a passphrase, rotated.

package keyring

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
)

// oldFile is one of a program that signed nothing.
func oldFile(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnOldFileIsCompletedOnce(t *testing.T) {
	t.Parallel()
	path := oldFile(t)
	before, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Signer("o"); !errors.Is(err, ErrNoKey) {
		t.Fatal(err)
	}
	rings := make([]*Ring, 8)
	var group sync.WaitGroup
	for i := range rings {
		group.Go(func() {
			var err error
			if rings[i], err = LoadOrCreate(path); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, r := range rings {
		if !reflect.DeepEqual(r.keys(), rings[0].keys()) {
			t.Fatal("two processes have other keys")
		}
		for name, v := range before.keys() {
			if !reflect.DeepEqual(r.keys()[name], v) {
				t.Fatalf("%s was changed", name)
			}
		}
	}
	if _, err := rings[0].Signer("o"); err != nil {
		t.Fatal(err)
	}
	if blinding, err := rings[0].Blinding(); err != nil || len(blinding) != keySize {
		t.Fatal(len(blinding), err)
	}
}

func TestAPassphraseWrapsTheFile(t *testing.T) {
	t.Parallel()
	path := oldFile(t)
	plain := File{Path: path}
	locked := File{Path: path, Passphrase: []byte("correct horse")}
	before, err := plain.LoadOrCreate()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r, err := locked.LoadOrCreate(); err != nil || !reflect.DeepEqual(r.keys(), before.keys()) {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil || bytes.Contains(content, []byte("pepper")) || !bytes.Contains(content, []byte(`"argon2id"`)) {
		t.Fatalf("%s, %v", content, err)
	}
	for name, f := range map[string]File{"no passphrase": plain, "another": {Path: path, Passphrase: []byte("x")}} {
		for _, load := range []func() (*Ring, error){f.Load, f.LoadOrCreate, func() (*Ring, error) {
			_, err := f.Rotate(Pepper, false)
			return nil, err
		}} {
			if _, err := load(); !errors.Is(err, ErrPassphrase) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
		t.Fatal("a wrong passphrase changed the file", err)
	}
	if v, err := locked.Rotate(Pepper, false); err != nil || v != 2 {
		t.Fatal(v, err)
	}
	if r, err := locked.Load(); err != nil || r.keys()[Pepper].Active != 2 {
		t.Fatal(err)
	}
}

func TestArgonFromElsewhereIsBounded(t *testing.T) {
	t.Parallel()
	for _, params := range []string{
		`"time":1000000,"memory_kib":65536,"threads":4`, `"time":3,"memory_kib":4000000000,"threads":4`,
		`"time":0,"memory_kib":65536,"threads":4`, `"time":3,"memory_kib":65536,"threads":0`,
	} {
		content := `{"format":2,"argon2id":{` + params + `,"salt":"AAAAAAAAAAAAAAAAAAAAAA=="},"box":"AAAA"}`
		_, _, err := File{Passphrase: []byte("x")}.parse(strings.NewReader(content))
		if err == nil || !strings.Contains(err.Error(), "out of range") {
			t.Errorf("%s: %v", params, err)
		}
	}
}

func TestWhatOldVersionsMadeStillOpens(t *testing.T) {
	t.Parallel()
	f := File{Path: oldFile(t)}
	before, err := f.LoadOrCreate()
	if err != nil {
		t.Fatal(err)
	}
	const origin = "tokenledger/0198"
	sign := func(r *Ring) []byte {
		t.Helper()
		signer, err := r.Signer(origin)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := note.Sign(&note.Note{Text: origin + "\n1\nAAAA\n"}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	old := sign(before)
	wrapped, kek, err := before.WrapSubjectKey("o", "user-1", events.SubjectKey{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Rotatable {
		active := before.keys()[name].Active
		for _, step := range []struct {
			prepare         bool
			version, active int
		}{{true, active + 1, active}, {true, active + 1, active}, {false, active + 1, active + 1}, {false, active + 2, active + 2}} {
			v, err := f.Rotate(name, step.prepare)
			if err != nil || v != step.version {
				t.Fatalf("%s: version %d, %v; want %d", name, v, err, step.version)
			}
			if r, err := f.Load(); err != nil || r.keys()[name].Active != step.active {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	after, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	verifiers, err := after.Verifiers(origin)
	if err != nil || len(verifiers) != 3 {
		t.Fatal(len(verifiers), err)
	}
	for _, signed := range [][]byte{old, sign(after)} {
		if _, err := note.Open(signed, note.VerifierList(verifiers...)); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Equal(old, sign(after)) {
		t.Fatal("the old key still signs")
	}
	if _, err := after.UnwrapSubjectKey("o", "user-1", wrapped, kek); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Rotate(Blinding, false); !errors.Is(err, ErrNoRotation) {
		t.Fatal(err)
	}
	if _, err := (File{Path: filepath.Join(t.TempDir(), "none")}).Rotate(Pepper, false); err == nil {
		t.Fatal("a file that is not there was rotated")
	}
}
