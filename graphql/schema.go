// The schema that requests are checked against, and the schema as text.

package graphql

import (
	"bytes"
	"embed"
	"fmt"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

//go:embed schema/*.graphql
var schemaFiles embed.FS

// loadSchema reads the schema's files, which are part of the program. It has no
// @defer, although the library would take it: its answer to a deferred field is
// a null first, which no client here expects.
func loadSchema() *ast.Schema {
	entries, err := schemaFiles.ReadDir("schema")
	if err != nil {
		panic(fmt.Sprintf("graphql: the schema is not part of the program: %v", err))
	}
	var sources []*ast.Source
	for _, e := range entries {
		text, err := schemaFiles.ReadFile("schema/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("graphql: the schema is not part of the program: %v", err))
		}
		sources = append(sources, &ast.Source{Name: e.Name(), Input: string(text)})
	}
	schema := gqlparser.MustLoadSchema(sources...)
	delete(schema.Directives, "defer")
	return schema
}

// SDL is the whole schema in the schema definition language, in one order.
func SDL() string {
	var out bytes.Buffer
	formatter.NewFormatter(&out, formatter.WithIndent("  ")).FormatSchema(loadSchema())
	return out.String()
}
