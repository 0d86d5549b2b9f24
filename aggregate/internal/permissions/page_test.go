// What is committed is what would be written, and all of it is there.

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/aggregate"
)

func TestTheCommittedPageIsFresh(t *testing.T) {
	t.Parallel()
	got, err := os.ReadFile("../../../docs/permissions.md")
	if err != nil {
		t.Fatalf("%v; run go generate ./aggregate", err)
	}
	if !bytes.Equal(got, page()) {
		t.Error("docs/permissions.md is stale; run go generate ./aggregate")
	}
}

func TestThePageHasEverything(t *testing.T) {
	t.Parallel()
	tables, text, found := strings.Cut(string(page()), "\n# The policies\n")
	if !found {
		t.Fatal("the page has no policies")
	}
	for _, op := range aggregate.Operations() {
		if !strings.Contains(tables, "| `"+string(op)+"` |") {
			t.Errorf("nobody may %s, says the page", op)
		}
	}
	permits, forbids := 0, 0
	for _, p := range aggregate.Policies() {
		if !strings.Contains(text, "\n### "+p.ID+"\n\n```cedar\n@id(\""+p.ID+"\")") || !strings.HasSuffix(p.Text, ";") {
			t.Errorf("%s does not stand on the page, or not whole:\n%s", p.ID, p.Text)
		}
		if p.Permits {
			permits++
		} else {
			forbids++
		}
	}
	if permits == 0 || forbids == 0 {
		t.Errorf("%d policies permit, %d forbid", permits, forbids)
	}
}
