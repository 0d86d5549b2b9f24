// Fuzz targets: bytes that are read must be the bytes that are written.

package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"
)

func FuzzDecode(f *testing.F) {
	for _, k := range Catalogue() {
		f.Add(leafOf(f, fullMeta, fullEvent(k), samplePlace(k)))
		f.Add(leafOf(f, fewMeta, k.Zero(), samplePlace(k)))
	}
	f.Fuzz(func(t *testing.T, leaf []byte) {
		rec, err := Decode(leaf)
		if err != nil {
			if !errors.Is(err, ErrNotCanonical) && !errors.Is(err, ErrFormat) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		if !json.Valid(leaf) || bytes.ContainsAny(leaf, "\n\r") {
			t.Fatal("read what is no line of JSON")
		}
		if subject := Subject(rec.Trail, rec.Event.Type()); !plain(subject) {
			t.Fatalf("a subject of %q", subject)
		}
		if _, unknown := rec.Event.(Unknown); unknown {
			return
		}
		back, err := again(rec)
		if errors.Is(err, ErrTooLarge) {
			return
		}
		if err != nil || !bytes.Equal(back, leaf) {
			t.Fatalf("encoded again (%v)\n got %s\nfrom %s", err, back, leaf)
		}
	})
}

// FuzzString takes the input as a text and as the encoding of one.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "\x00\b\t\n\f\r\x1f\x7f", `"\/`, "“ü”\u2028😀", "\xff", `"a\nb"`, `"\u0000"`, `"\u000A"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var w writer
		if err := w.string(s); (err == nil) != utf8.ValidString(s) {
			t.Fatalf("writing: %v", err)
		} else if err == nil {
			r := reader{b: w.b}
			if got := r.string(); r.err != nil || r.i != len(w.b) || got != s {
				t.Fatalf("%q written as %s reads as %q, %v", s, w.b, got, r.err)
			}
			var std string
			if err := json.Unmarshal(w.b, &std); err != nil || std != s {
				t.Fatalf("%q written as %s reads elsewhere as %q, %v", s, w.b, std, err)
			}
		}
		r := reader{b: []byte(s)}
		text := r.string()
		if r.err != nil {
			return
		}
		var back writer
		if err := back.string(text); err != nil || string(back.b) != s[:r.i] {
			t.Fatalf("%s reads as %q, which is written as %s, %v", s[:r.i], text, back.b, err)
		}
	})
}
