// The schema as text, and requests that are about nothing else.

package graphql

import (
	"bytes"
	"strings"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tokenledger/tokenledger/graphql/generated"
)

// SDL is the whole schema in the schema definition language, in one order.
func SDL() string {
	var out bytes.Buffer
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: root{}}).Schema()
	formatter.NewFormatter(&out, formatter.WithIndent("  ")).FormatSchema(schema)
	return out.String()
}

// SchemaOnly reports whether the body of a request asks for nothing but the
// schema, in all its operations; such a request needs no credential where the
// schema is open. Any other is refused without one by the handler itself.
func SchemaOnly(body []byte) bool {
	var in wire
	if fault := decode(body, &in, "The body"); fault != nil || in.Query == nil {
		return false
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: *in.Query}, Limits{}.withDefaults().Tokens)
	if err != nil || len(doc.Operations) == 0 {
		return false
	}
	for _, op := range doc.Operations {
		if !onlyAboutSchema(&gql.OperationContext{Doc: doc, Operation: op}) {
			return false
		}
	}
	return true
}

// onlyAboutSchema reports whether the operation asks for nothing but the schema.
func onlyAboutSchema(op *gql.OperationContext) bool {
	if op.Operation.Operation != ast.Query {
		return false
	}
	for _, f := range gql.CollectFields(op, op.Operation.SelectionSet, []string{"Query"}) {
		if !strings.HasPrefix(f.Name, "__") {
			return false
		}
	}
	return true
}
