// The page about scaling says what was measured, and what the model makes of it.

package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
)

var updateScaling = flag.Bool("update-scaling", false, "write the tables of docs/scaling.md anew from docs/scaling.json")

func TestTheScalingPageSaysWhatWasMeasured(t *testing.T) {
	t.Parallel()
	docs := filepath.Join("..", "..", "docs")
	stored, err := os.ReadFile(filepath.Join(docs, "scaling.json"))
	if err != nil {
		t.Fatal(err)
	}
	var costs []bench.Cost
	if err := json.Unmarshal(stored, &costs); err != nil || len(costs) < 3 {
		t.Fatal(len(costs), err)
	}
	page, err := os.ReadFile(filepath.Join(docs, "scaling.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := string(page)
	for name, table := range map[string]string{"measured": bench.CostTable(costs), "model": bench.ModelTable(bench.Model(costs[0], bench.DefaultDemand()))} {
		begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
		head, rest, found := strings.Cut(want, begin)
		_, tail, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("the page has no table between %q and %q", begin, end)
		}
		want = head + begin + table + end + tail
	}
	if want == string(page) {
		return
	}
	if !*updateScaling {
		t.Fatal("docs/scaling.md differs from docs/scaling.json; go test ./cmd/tokenledger -run TestTheScalingPage -update-scaling writes its tables")
	}
	if err := os.WriteFile(filepath.Join(docs, "scaling.md"), []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
