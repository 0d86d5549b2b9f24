// What is kept outside of the database, where a log of epochs has no more than one that was about to be stored.

package sealer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

func TestALogOfEpochsThatWasAboutToBeginCounts(t *testing.T) {
	t.Parallel()
	const log = "0198c0de-0000-7000-8000-000000000001"
	dir := t.TempDir()
	below := filepath.Join(dir, strings.ReplaceAll(sealer.Origin(log, 1), "/", "_"))
	if err := os.MkdirAll(below, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"1-000000000000.jsonl": "{}\n{}\n", "2-next.json": "{}\n", "3-next.json.new-1": "{}\n"} {
		if err := os.WriteFile(filepath.Join(below, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if origins, err := sealer.Origins(dir); err != nil || len(origins) != 2 || origins[1] != sealer.Origin(log, 2) {
		t.Errorf("%v, %v", origins, err)
	}
	if kept, err := sealer.Kept(dir, log); err != nil || kept.Log != 1 || kept.Size != 2 {
		t.Errorf("%+v, %v", kept, err)
	}
}
