// The log as an outsider reads it, for tests.

package e2e_test

import (
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

// leaf is one line of the log.
type leaf = outside.Leaf

// readLog gives all leaves, in order, and fails the test for a log that is not
// what it promises to be.
func readLog(t *testing.T, database string) []leaf {
	t.Helper()
	leaves, err := outside.Leaves(t.Context(), database)
	if err != nil {
		t.Fatalf("read the log: %v", err)
	}
	if err := outside.Gapless(leaves); err != nil {
		t.Fatal(err)
	}
	return leaves
}

// typesOf lists the types of the events of a stream and of streams that begin so.
func typesOf(leaves []leaf, stream string) []string {
	var types []string
	for _, l := range leaves {
		if strings.HasPrefix(l.Stream, stream) {
			types = append(types, l.Type)
		}
	}
	return types
}

// origin is the name of the log.
func origin(t *testing.T, database string) string {
	t.Helper()
	name, err := outside.Origin(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	return name
}
