// Golden leaves: the bytes of every event type, which no later program may change.

package events

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fullMeta has every text of the envelope, fewMeta only what must be there.
var (
	fullMeta = Meta{
		Actor:       PersonalToken(sampleToken, sampleUser),
		Reason:      "Left the company.\nAsked by “IT”",
		Correlation: "request-1",
		Trace:       "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	fewMeta = Meta{Actor: System("scheduler")}
)

// goldenLeaves is the content of a type's golden file: one leaf a line, of a
// full event and of a minimal one.
func goldenLeaves(t *testing.T, k Kind) []byte {
	lines := [][]byte{
		leafOf(t, fullMeta, fullEvent(k), samplePlace(k)),
		leafOf(t, fewMeta, k.Zero(), samplePlace(k)),
		nil,
	}
	return bytes.Join(lines, []byte("\n"))
}

func goldenFile(k Kind) string {
	return filepath.Join("testdata", "golden", string(k.Type)+".jsonl")
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./events -update writes it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s\n got %s\nwant %s", file, got, want)
	}
}

func TestGoldenLeaves(t *testing.T) {
	t.Parallel()
	for _, k := range Catalogue() {
		t.Run(string(k.Type), func(t *testing.T) {
			t.Parallel()
			compareGolden(t, goldenFile(k), goldenLeaves(t, k))
			goldenDecodes(t, k)
		})
	}
}

// goldenDecodes reads the file's leaves back into the events that they were made of.
func goldenDecodes(t *testing.T, k Kind) {
	lines, err := os.ReadFile(goldenFile(k))
	if err != nil {
		t.Fatal(err)
	}
	wants := []struct {
		meta  Meta
		event Event
	}{{fullMeta, fullEvent(k)}, {fewMeta, k.Zero()}}
	leaves := bytes.Split(bytes.TrimSuffix(lines, []byte("\n")), []byte("\n"))
	if len(leaves) != len(wants) {
		t.Fatalf("%d leaves, want %d", len(leaves), len(wants))
	}
	for i, leaf := range leaves {
		rec, err := Decode(leaf)
		if err != nil {
			t.Fatal(err)
		}
		if want := recordedForm(t, wants[i].event, rec.Position); !reflect.DeepEqual(rec.Event, want) {
			t.Errorf("event\n got %#v\nwant %#v", rec.Event, want)
		}
		if rec.Meta != wants[i].meta {
			t.Errorf("meta %+v, want %+v", rec.Meta, wants[i].meta)
		}
		place := Place{rec.Position, rec.TrailPosition, rec.Version, rec.RecordedAt}
		if place != samplePlace(k) {
			t.Errorf("place %+v, want %+v", place, samplePlace(k))
		}
	}
}

// A file that belongs to no type is a type that was removed: its leaves can no
// longer be read, which must not happen unnoticed.
func TestGoldenFilesHaveTypes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, k := range Catalogue() {
		known[goldenFile(k)] = true
	}
	for _, f := range files {
		if !known[f] {
			t.Errorf("%s: no type of the catalogue", f)
		}
	}
}

func TestCatalogueIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[Type]bool{}
	for _, k := range Catalogue() {
		if seen[k.Type] {
			t.Errorf("%s stands twice in the catalogue", k.Type)
		}
		seen[k.Type] = true
		if k.Summary == "" || k.Version < 1 {
			t.Errorf("%s: no summary or no version: %+v", k.Type, k)
		}
		if found, ok := KindOf(k.Type); !ok || found.Zero().Type() != k.Type {
			t.Errorf("KindOf(%s) = %+v, %v", k.Type, found, ok)
		}
	}
	if _, ok := KindOf("token.melted"); ok {
		t.Error("KindOf knows a type that is in no catalogue")
	}
}

// The schema describes what is written, so its field names must be those of the
// golden leaves, in a form that JSON readers agree on.
func TestSchemaNamesEveryField(t *testing.T) {
	t.Parallel()
	for _, k := range Catalogue() {
		var leaf struct {
			Data map[string]any `json:"data"`
		}
		if err := json.Unmarshal(leafOf(t, fullMeta, fullEvent(k), samplePlace(k)), &leaf); err != nil {
			t.Fatal(err)
		}
		data := k.Schema()["properties"].(map[string]any)["data"].(map[string]any)
		properties := data["properties"].(map[string]any)
		for name := range leaf.Data {
			if _, ok := properties[name]; !ok {
				t.Errorf("%s: the schema lacks %s", k.Type, name)
			}
		}
		if len(properties) != len(leaf.Data) {
			t.Errorf("%s: schema has %d fields, a full event %d", k.Type, len(properties), len(leaf.Data))
		}
	}
}
