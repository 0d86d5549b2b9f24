// Command lint is the project's one linter: staticcheck's driver, cache and checks, joined by the analyzers that the
// style page names. One program means one compile and one pass over the syntax, and `//lint:ignore CHECK reason`
// works for every check alike.
package main

import (
	"fmt"
	"go/ast"
	"os"
	"reflect"
	"slices"

	gochecksumtype "github.com/alecthomas/go-check-sumtype"
	"github.com/polyfloyd/go-errorlint/errorlint"
	"go-simpler.org/sloglint"
	"golang.org/x/tools/go/analysis"
	"honnef.co/go/tools/analysis/facts/deprecated"
	"honnef.co/go/tools/lintcmd"
	"honnef.co/go/tools/simple"
	"honnef.co/go/tools/staticcheck"
	"honnef.co/go/tools/stylecheck"
	"honnef.co/go/tools/unused"
)

func main() {
	errs, sums := errorlint.NewAnalyzer(), gochecksumtype.Analyzer
	must(errs.Flags.Set("errorf", "true"))
	// A default case would hide exactly the event type that somebody forgot.
	must(sums.Flags.Set("default-signifies-exhaustive", "false"))
	logs := sloglint.New(&sloglint.Options{
		NoMixedArguments: true,
		NoGlobalLogger:   "all",
		ContextOnly:      "scope",
		StaticMessage:    true,
		KeyNamingCase:    "snake",
	})

	cmd := lintcmd.NewCommand("lint")
	cmd.ParseFlags(os.Args[1:])
	cmd.AddAnalyzers(simple.Analyzers...)
	cmd.AddAnalyzers(staticcheck.Analyzers...)
	cmd.AddAnalyzers(stylecheck.Analyzers...)
	cmd.AddAnalyzers(unused.Analyzer)
	cmd.AddBareAnalyzers(written(errs), sums, written(logs), imports)
	ownFacts(deprecated.Analyzer)
	cmd.Run()
}

// written confines an analyzer to files that people write; generated code is its generator's business. It also fills in
// the module, which staticcheck's driver leaves out and sloglint reads unasked.
func written(a *analysis.Analyzer) *analysis.Analyzer {
	run := a.Run
	a.Run = func(pass *analysis.Pass) (any, error) {
		if pass.Module == nil {
			pass.Module = &analysis.Module{}
		}
		report := pass.Report
		pass.Report = func(d analysis.Diagnostic) {
			for _, file := range pass.Files {
				if file.FileStart <= d.Pos && d.Pos < file.FileEnd && ast.IsGenerated(file) {
					return
				}
			}
			report(d)
		}
		return run(pass)
	}
	return a
}

// ownFacts keeps an analyzer from seeing the package facts of others: go/analysis promises that, staticcheck's driver
// forgets it, and `deprecated` panics over the facts by which sum types are known across packages.
func ownFacts(a *analysis.Analyzer) {
	run := a.Run
	a.Run = func(pass *analysis.Pass) (any, error) {
		all := pass.AllPackageFacts
		pass.AllPackageFacts = func() []analysis.PackageFact {
			return slices.DeleteFunc(all(), func(f analysis.PackageFact) bool {
				return !slices.ContainsFunc(a.FactTypes, func(own analysis.Fact) bool {
					return reflect.TypeOf(own) == reflect.TypeOf(f.Fact)
				})
			})
		}
		return run(pass)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(2)
	}
}
