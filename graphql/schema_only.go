// Requests that are about nothing but the schema.

package graphql

import (
	"strings"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

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
	return op.Operation.Operation == ast.Query && metaOnly(op.Doc, op.Operation.SelectionSet, map[string]bool{})
}

// metaOnly walks the fields of a selection that may not have been validated:
// fragments may be missing, or contain themselves.
func metaOnly(doc *ast.QueryDocument, set ast.SelectionSet, seen map[string]bool) bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if !strings.HasPrefix(s.Name, "__") {
				return false
			}
		case *ast.InlineFragment:
			if !metaOnly(doc, s.SelectionSet, seen) {
				return false
			}
		case *ast.FragmentSpread:
			fragment := doc.Fragments.ForName(s.Name)
			if fragment == nil || seen[s.Name] {
				continue
			}
			seen[s.Name] = true
			if !metaOnly(doc, fragment.SelectionSet, seen) {
				return false
			}
		}
	}
	return true
}
