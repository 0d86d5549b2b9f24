// Key files and boxes of today must open for good.

package keyring

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGoldenFilesOpen(t *testing.T) {
	content, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := parse(strings.NewReader(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	const subject = "user-01985d2e-0000-7000-8000-000000000001"
	key := events.SubjectKey([]byte("0123456789abcdef0123456789abcdef"))
	place := Box{Origin: "01985d2e-0000-7000-8000-00000000000f", Subject: subject, First: 41}
	values := map[events.Position]events.Sealed{42: {"email": "ada@example.com", "display_name": "Ada"}}

	wrapped, kek := golden(t, "wrapped.hex", func() []byte {
		b, _, err := r.WrapSubjectKey(place.Origin, subject, key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}), 2
	if got, err := r.UnwrapSubjectKey(place.Origin, subject, wrapped, kek); err != nil || got != key {
		t.Errorf("wrapped key: %v", err)
	}
	box := golden(t, "box.hex", func() []byte {
		b, err := place.Seal(key, values)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
	if got, err := place.Open(key, box); err != nil || !reflect.DeepEqual(got, values) {
		t.Errorf("box: %v, %v", got, err)
	}
}

// golden reads a file of hexadecimal digits, after writing it when told so.
func golden(t *testing.T, name string, made func() []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(hex.EncodeToString(made())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
