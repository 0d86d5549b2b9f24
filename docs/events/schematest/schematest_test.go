// Package schematest holds the published JSON Schemas against real leaves, with
// a validator that shares no code with the ledger. It is a module of its own, so
// that the ledger does not depend on the validator.
package schematest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	schemas = "../schema"
	golden  = "../../../events/testdata/golden"
)

// names lists the event types that have a file with the suffix in dir.
func names(t *testing.T, dir, suffix string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		paths[i] = strings.TrimSuffix(filepath.Base(path), suffix)
	}
	return paths
}

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(filepath.Join(schemas, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func leaves(t *testing.T, name string) [][]byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(golden, name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(file), []byte("\n"))
}

func validate(t *testing.T, s *jsonschema.Schema, leaf []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(leaf))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestGoldenLeavesMatchTheirSchemas(t *testing.T) {
	t.Parallel()
	types := names(t, golden, ".jsonl")
	if len(types) == 0 || len(types) != len(names(t, schemas, ".json")) {
		t.Fatalf("%d types with golden leaves, %d with schemas", len(types), len(names(t, schemas, ".json")))
	}
	for _, name := range types {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compile(t, name)
			for _, leaf := range leaves(t, name) {
				if err := validate(t, s, leaf); err != nil {
					t.Errorf("%v\n%s", err, leaf)
				}
			}
		})
	}
}

// A schema that everything matches would tell nobody anything.
func TestSchemasRefuseOtherLeaves(t *testing.T) {
	t.Parallel()
	s := compile(t, "token.used")
	leaf := leaves(t, "token.used")[0]
	for name, change := range map[string]func(leaf, data map[string]any){
		"another type":        func(leaf, _ map[string]any) { leaf["type"] = "token.revoked" },
		"another format":      func(leaf, _ map[string]any) { leaf["format"] = 2 },
		"a version":           func(leaf, _ map[string]any) { leaf["version"] = 1 },
		"a field more":        func(leaf, _ map[string]any) { leaf["zone"] = "x" },
		"a field less":        func(leaf, _ map[string]any) { delete(leaf, "actor") },
		"a time without date": func(leaf, _ map[string]any) { leaf["recorded_at"] = "noon" },
		"data more":           func(_, data map[string]any) { data["zone"] = "x" },
		"a number for a text": func(_, data map[string]any) { data["action"] = 1 },
		"a text for a number": func(_, data map[string]any) { data["count"] = "many" },
		"a relative position": func(_, data map[string]any) { data["source"] = -1 },
	} {
		var v map[string]any
		if err := json.Unmarshal(leaf, &v); err != nil {
			t.Fatal(err)
		}
		change(v, v["data"].(map[string]any))
		changed, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if validate(t, s, changed) == nil {
			t.Errorf("%s passes: %s", name, changed)
		}
	}
}
