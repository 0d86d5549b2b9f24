// The architecture's import table, as an analyzer: imports among our own packages point one way.
package main

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const module = "github.com/tokenledger/tokenledger"

// anything marks the one package that wires all the others.
const anything = "*"

// mayImport has a row for each package of the architecture page and what that page lets it import of ours. A package
// without a row follows its nearest parent that has one, both when it imports and when it is imported.
var mayImport = map[string][]string{
	"events":                         {},
	"aggregate":                      {"events", "aggregate/secret"},
	"aggregate/secret":               {},
	"eventstore":                     {"events", "eventstore/fair", "eventstore/internal/atomicfile"},
	"eventstore/fair":                {},
	"eventstore/internal/atomicfile": {},
	"eventstore/eventstoretest":      {"events", "eventstore", "eventstore/embedded"},
	"eventstore/merkle":              {},
	"eventstore/sealer":              {"events", "eventstore", "eventstore/merkle", "eventstore/internal/atomicfile"},
	"eventstore/archive":             {"events", "eventstore", "eventstore/merkle", "eventstore/sealer", "eventstore/internal/atomicfile"},
	"eventstore/witness":             {"eventstore/merkle", "eventstore/internal/atomicfile"},
	"eventstore/jetstream":           {"events", "eventstore", "eventstore/internal/atomicfile"},
	"eventstore/embedded":            {"eventstore/internal/atomicfile"},
	"projections":                    {"events", "aggregate", "eventstore"},
	"projections/verifier":           {"events", "aggregate", "aggregate/secret", "eventstore"},
	"projections/evidence":           {"events", "projections", "eventstore", "eventstore/merkle", "eventstore/sealer", "projections/evidence/verify"},
	"projections/evidence/verify":    {"eventstore/merkle"},
	"graphql":                        {"aggregate", "aggregate/secret", "projections", "projections/evidence", "events"},
	"graphql/client":                 {},
	"cmd/tokenledger":                {anything},
	// What stands outside uses what is made for those outside.
	"docs/examples": {"events", "eventstore/jetstream", "graphql/client"},
}

// lean packages are what an auditor has to read and trust: they import the standard library and these modules alone.
var lean = map[string][]string{
	"eventstore/merkle":           {"golang.org/x/mod/"},
	"projections/evidence/verify": {"golang.org/x/mod/"},
}

var imports = &analysis.Analyzer{
	Name: "imports",
	Doc:  "imports among our own packages follow the architecture's table",
	Run:  runImports,
}

func runImports(pass *analysis.Pass) (any, error) {
	from, ours := ourPackage(pass.Pkg.Path())
	if !ours {
		return nil, nil
	}
	for _, file := range pass.Files {
		if strings.HasSuffix(pass.Fset.File(file.FileStart).Name(), "_test.go") {
			continue // tests are exempt
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, err
			}
			to, ours := ourPackage(path)
			why := ""
			if ours {
				why = refusal(from, to)
			} else {
				why = heavy(from, path)
			}
			if why != "" {
				pass.Reportf(spec.Pos(), "%s", why)
			}
		}
	}
	return nil, nil
}

// ourPackage gives the path below the module; a test binary's generated main is none of ours.
func ourPackage(path string) (string, bool) {
	rest, ours := strings.CutPrefix(path, module+"/")
	return rest, ours && !strings.HasSuffix(rest, ".test")
}

// heavy says why a lean package may not import a package of somebody else, or nothing if it may.
func heavy(from, path string) string {
	modules, is := lean[from]
	first, _, _ := strings.Cut(path, "/")
	if !is || !strings.Contains(first, ".") || slices.ContainsFunc(modules, func(m string) bool { return strings.HasPrefix(path, m) }) {
		return ""
	}
	return from + " may not import " + path + ": it has to stay small enough to be trusted (std, " + strings.Join(modules, ", ") + ")"
}

// refusal says why from may not import to, or nothing if it may.
func refusal(from, to string) string {
	importer, imported := row(from), row(to)
	switch {
	case importer == "":
		return "package " + from + " has no row in the architecture's import table"
	case imported == "":
		return "package " + to + " has no row in the architecture's import table"
	case importer == imported,
		slices.Contains(mayImport[importer], imported),
		slices.Contains(mayImport[importer], anything):
		return ""
	}
	return importer + " may not import " + to + ": the architecture's table lists what it may (" +
		strings.Join(append([]string{"std"}, mayImport[importer]...), ", ") + ")"
}

// row finds the nearest package, from path upwards, that has a row.
func row(path string) string {
	for {
		if _, ok := mayImport[path]; ok {
			return path
		}
		cut := strings.LastIndexByte(path, '/')
		if cut < 0 {
			return ""
		}
		path = path[:cut]
	}
}
