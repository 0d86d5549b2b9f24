// Every operation of the schema has a scope, so that no token is locked out of
// one by omission.

package graphql

import (
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/graphql/generated"
)

func TestEveryOperationHasAScope(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: root{}}).Schema()
	for _, of := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, f := range of.Fields {
			if _, _, ok := (aggregate.Registry{}).ActionScope(f.Name); !ok && f.Name[0] != '_' {
				t.Errorf("%s.%s has no scope in the registry", of.Name, f.Name)
			}
		}
	}
}
