package schematest

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The parser of the AsyncAPI project takes the document, with the schemas that it refers to.
func TestAsyncAPI(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"npm", "node"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = "asyncapi"
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	validate := func(document string) ([]byte, error) {
		c := exec.Command("node", "validate.mjs", document)
		c.Dir = "asyncapi"
		return c.CombinedOutput()
	}
	out, err := validate("../../../reference/asyncapi.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var parsed struct {
		Version         string
		Channels, Types []string
	}
	if err := json.Unmarshal(out, &parsed); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	types := names(t, schemas, ".json")
	for _, name := range types {
		if !slices.Contains(parsed.Channels, "tokenledger.events.{trail}."+name) || !slices.Contains(parsed.Types, name) {
			t.Errorf("%s has no channel with its schema", name)
		}
	}
	if !strings.HasPrefix(parsed.Version, "3.") || len(parsed.Channels) != len(types)+2 {
		t.Errorf("AsyncAPI %s with %d channels for %d types of events, findings and checkpoints", parsed.Version, len(parsed.Channels), len(types))
	}
	if out, err := validate("faulty.json"); err == nil {
		t.Errorf("a document with an operation on no channel is taken: %s", out)
	}
}
