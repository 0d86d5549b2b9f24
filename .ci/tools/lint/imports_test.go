// Tests of the import table: the rule itself, and the analyzer on small packages below testdata.
package main

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"
)

func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"aggregate", "events", true},
		{"events", "aggregate", false},
		{"aggregate", "aggregate/secret", true},
		{"aggregate/secret", "aggregate", false},
		{"graphql", "aggregate/secret", true},
		{"graphql", "graphql/graphiql", true},
		{"graphql/generated", "projections", true},
		{"graphql/generated", "eventstore", false},
		{"graphql/client", "graphql", false},
		{"graphql", "graphql/client", false},
		{"projections", "eventstore/jetstream", false},
		{"eventstore/eventstoretest", "eventstore/embedded", true},
		{"cmd/tokenledger/internal/httpd", "eventstore/embedded", true},
		{"graphql", "cmd/tokenledger/internal/httpd", false},
		{"console", "events", false},
		{"events", "console", false},
	} {
		if got := refusal(c.from, c.to); (got == "") != c.allowed {
			t.Errorf("%s importing %s: allowed should be %v, the table says %q", c.from, c.to, c.allowed, got)
		}
	}
}

func TestTableNamesOnlyPackagesWithARow(t *testing.T) {
	t.Parallel()
	for from, allowed := range mayImport {
		for _, to := range allowed {
			if _, ok := mayImport[to]; !ok && to != anything {
				t.Errorf("%s may import %s, which has no row", from, to)
			}
		}
	}
}

func TestImports(t *testing.T) {
	t.Parallel()
	analysistest.Run(t, analysistest.TestData(), imports, module+"/events", module+"/aggregate/money")
}
