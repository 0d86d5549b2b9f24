// The key file: made once, read strictly, closed to others.

package keyring

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func TestKeyFileIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) {
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
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Fatal(left, err)
	}
}

func TestKeyFileIsReadStrictly(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString(random(32))
	set := `{"active": 1, "versions": {"1": "` + key + `"}}`
	long := `{"active": 1, "versions": {"1": "` + base64.StdEncoding.EncodeToString(random(40)) + `"}}`
	for name, c := range map[string]struct {
		content string
		mode    fs.FileMode
		want    string // in the error; empty: it is good
	}{
		"good":                {`{"format": 1, "keys": {"pepper": ` + set + `, "key_encryption": ` + set + `}}`, 0o600, ""},
		"a name of later":     {`{"format": 1, "keys": {"pepper": ` + set + `, "key_encryption": ` + set + `, "oracle": ` + set + `}}`, 0o600, ""},
		"a long pepper":       {`{"format": 1, "keys": {"pepper": ` + long + `, "key_encryption": ` + set + `}}`, 0o600, ""},
		"a long key":          {`{"format": 1, "keys": {"pepper": ` + set + `, "key_encryption": ` + long + `}}`, 0o600, "exactly 32"},
		"open to the group":   {`{"format": 1, "keys": {"pepper": ` + set + `, "key_encryption": ` + set + `}}`, 0o640, "0600"},
		"open to all":         {`{"format": 1, "keys": {"pepper": ` + set + `, "key_encryption": ` + set + `}}`, 0o604, "0600"},
		"no pepper":           {`{"format": 1, "keys": {"key_encryption": ` + set + `}}`, 0o600, "pepper"},
		"no key at all":       {`{"format": 1}`, 0o600, "pepper: "},
		"a short key":         {`{"format": 1, "keys": {"pepper": {"active": 1, "versions": {"1": "AAAA"}}, "key_encryption": ` + set + `}}`, 0o600, "32 bytes"},
		"no active version":   {`{"format": 1, "keys": {"pepper": ` + strings.Replace(set, "1", "2", 1) + `, "key_encryption": ` + set + `}}`, 0o600, "active version 2"},
		"a version 0":         {`{"format": 1, "keys": {"pepper": {"active": 0, "versions": {"0": "` + key + `"}}, "key_encryption": ` + set + `}}`, 0o600, "from 1"},
		"another format":      {`{"format": 3}`, 0o600, "format 3"},
		"a passphrase":        {`{"format": 2}`, 0o600, "PASSPHRASE"},
		"a short signing key": {`{"format": 1, "keys": {"pepper": ` + set + `, "key_encryption": ` + set + `, "signing": ` + long + `}}`, 0o600, "exactly 32"},
		"a foreign field":     {`{"format": 1, "secret": "x"}`, 0o600, "JSON"},
		"no JSON":             {`pepper`, 0o600, "JSON"},
		"nothing":             {``, 0o600, "JSON"},
		"more after it":       {`{"format": 1, "keys": {"pepper": ` + set + `, "key_encryption": ` + set + `}} {}`, 0o600, "after"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.json")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			for _, load := range []func(string) (*Ring, error){Load, LoadOrCreate} {
				_, err := load(path)
				if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%v; want %q", err, c.want)
				}
				if err != nil && strings.Contains(err.Error(), key) {
					t.Error("the error tells a key")
				}
			}
			if content, err := os.ReadFile(path); err != nil || (c.want != "" && string(content) != c.content) {
				t.Error("the file was changed", err)
			}
		})
	}
}

func TestKeyFileInNoDirectory(t *testing.T) {
	t.Parallel()
	if _, err := LoadOrCreate(filepath.Join(t.TempDir(), "no", "keys.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add(`{"format": 1, "keys": {"pepper": {"active": 1, "versions": {"1": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}}}`)
	f.Add(`{"format": 1, "keys": {"": {"active": -1, "versions": {"-1": null}}}}`)
	f.Fuzz(func(t *testing.T, content string) {
		r, err := parse(strings.NewReader(content))
		if err != nil {
			return
		}
		if _, _, err := r.WrapSubjectKey("o", "user-1", [32]byte{}); err != nil {
			t.Fatalf("%q is accepted, and cannot wrap: %v", content, err)
		}
		if active, peppers := r.Peppers(); len(peppers[active]) < keySize {
			t.Fatalf("%q is accepted, and has no pepper", content)
		}
	})
}
