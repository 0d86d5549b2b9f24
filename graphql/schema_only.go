// Requests that are about nothing but the schema.

package graphql

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// SchemaOnly reports whether the body of a request asks for nothing but the
// schema; such a request needs no credential where the schema is open.
func SchemaOnly(body []byte) bool {
	var in wire
	fault := decode(body, &in, "The body")
	return fault == nil && in.Query != nil && aboutSchema(*in.Query)
}

// aboutSchema reports whether a document asks for nothing but the schema, in all
// its operations. It has not been validated: that takes time, which is not
// spent on whoever has no credential.
func aboutSchema(text string) bool {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, Limits{}.withDefaults().Tokens)
	if err != nil || len(doc.Operations) == 0 {
		return false
	}
	for _, op := range doc.Operations {
		if op.Operation != ast.Query || !metaOnly(doc, op.SelectionSet, map[string]bool{}) {
			return false
		}
	}
	return true
}

// metaOnly walks the fields of a selection whose fragments may be missing, or
// contain themselves.
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
