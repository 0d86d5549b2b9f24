// Requests that ask for nothing but the schema, which may be public.

package graphql

import (
	"encoding/json"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// SchemaOnly reports whether the body of a POST request selects nothing but the
// schema, whichever of its operations is meant. Fragments at the root are not
// looked into: such a request needs a credential.
func SchemaOnly(body []byte) bool {
	var request struct {
		Query string `json:"query"`
	}
	if json.Unmarshal(body, &request) != nil {
		return false
	}
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: request.Query}, Limits{}.withDefaults().Tokens)
	if err != nil || len(document.Operations) == 0 {
		return false
	}
	for _, operation := range document.Operations {
		for _, selection := range operation.SelectionSet {
			field, ok := selection.(*ast.Field)
			if !ok || !strings.HasPrefix(field.Name, "__") {
				return false
			}
		}
	}
	return true
}
