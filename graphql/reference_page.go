// The reference page of the interface, written from the schema and its descriptions.

package graphql

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Reference is the page: the operations first, then every type that they speak of.
func Reference() string {
	schema := loadSchema()
	var b strings.Builder
	b.WriteString(`<!-- Written by go generate ./cmd/tokenledger. -->
# GraphQL

Every operation and type, from the schema; tokenledger schema print gives it as text. How it is used: [the API](../api.md).
`)
	roots := []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription}
	for _, root := range roots {
		fmt.Fprintf(&b, "\n## %s\n", root.Name)
		for _, field := range root.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			fmt.Fprintf(&b, "\n### %s\n\n`%s: %s`\n\n%s\n", field.Name, field.Name, field.Type, field.Description)
			writeArguments(&b, field.Arguments)
		}
	}
	b.WriteString("\n## Types\n")
	for _, name := range slices.Sorted(maps.Keys(schema.Types)) {
		d := schema.Types[name]
		if !slices.Contains(roots, d) && !strings.HasPrefix(name, "__") {
			writeType(&b, d)
		}
	}
	return b.String()
}

var kindWords = map[ast.DefinitionKind]string{
	ast.Scalar: "scalar", ast.Object: "object", ast.Interface: "interface", ast.Union: "union", ast.Enum: "enum", ast.InputObject: "input",
}

func writeType(b *strings.Builder, d *ast.Definition) {
	fmt.Fprintf(b, "\n### %s\n\n*%s.* %s\n", d.Name, kindWords[d.Kind], oneLine(d.Description))
	if len(d.EnumValues)+len(d.Fields) > 0 {
		b.WriteString("\n| | | |\n|---|---|---|\n")
	}
	for _, v := range d.EnumValues {
		fmt.Fprintf(b, "| `%s` | | %s |\n", v.Name, oneLine(v.Description))
	}
	for _, f := range d.Fields {
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", f.Name, f.Type, oneLine(f.Description))
	}
}

func writeArguments(b *strings.Builder, arguments ast.ArgumentDefinitionList) {
	if len(arguments) == 0 {
		return
	}
	b.WriteString("\n| argument | | |\n|---|---|---|\n")
	for _, a := range arguments {
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", a.Name, a.Type, oneLine(a.Description))
	}
}

// oneLine is a description as a cell of a table has it.
func oneLine(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
