// The documents name tests, and show operations: every one of them exists.

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tokenledger/tokenledger/graphql"
)

// Tests are named behind their package, as in `graphql` TestA, TestB; `aggregate` TestC.
var (
	testsOfPackage = regexp.MustCompile("`([a-z/0-9]+)`\\s+((?:Test|Fuzz)[A-Za-z0-9_]+(?:,\\s+(?:Test|Fuzz)[A-Za-z0-9_]+)*)")
	anyTest        = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z][A-Za-z0-9_]*`)
)

func TestDocumentsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"seed.md", "security.md"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		named := 0
		for _, m := range testsOfPackage.FindAllStringSubmatch(string(raw), -1) {
			there := testsIn(t, m[1])
			for test := range strings.SplitSeq(m[2], ",") {
				test = strings.TrimSpace(test)
				named++
				if !there[test] {
					t.Errorf("docs/%s: there is no %s in %s", page, test, m[1])
				}
			}
		}
		if all := len(anyTest.FindAllString(string(raw), -1)); named != all || named == 0 {
			t.Errorf("docs/%s names %d tests, %d of them with a package", page, all, named)
		}
	}
}

func testsIn(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pkg), "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("package %s has no tests: %v", pkg, err)
	}
	there := map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(raw), -1) {
			there[m[1]] = true
		}
	}
	return there
}

// What a fuzz target begins with, and what was ever found, is kept with it.
func TestEveryFuzzTargetHasACorpus(t *testing.T) {
	t.Parallel()
	targets := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "docs" || entry.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		raw, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`).FindAllSubmatch(raw, -1) {
			targets++
			corpus := filepath.Join(filepath.Dir(path), "testdata", "fuzz", string(m[1]))
			if kept, err := os.ReadDir(corpus); err != nil || len(kept) == 0 {
				t.Errorf("%s has no file in %s", m[1], corpus)
			}
		}
		return err
	})
	if err != nil || targets == 0 {
		t.Errorf("%d targets, %v", targets, err)
	}
}

// Operations that documents show are ones that the schema takes.
func TestOperationsInDocumentsAreValid(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema", Input: graphql.SDL()})
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("(?ms)^ *```graphql\n(.*?)^ *```$")
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob(filepath.Join("..", "..", "docs", "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range append(pages, guides...) {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatch(string(raw), -1) {
			seen++
			if _, err := gqlparser.LoadQueryWithRules(schema, m[1], rules.NewDefaultRules()); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, m[1])
			}
		}
	}
	if seen < 4 {
		t.Errorf("only %d operations in all documents", seen)
	}
}

// Decisions are cited by number, so that each has one of its own, in its name and in its heading.
func TestDecisionsAreNumberedOnce(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "decisions", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no decisions: %v", err)
	}
	for i, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(page)
		if number := fmt.Sprintf("%03d", i+1); !strings.HasPrefix(name, number+"-") || !strings.HasPrefix(string(raw), fmt.Sprintf("# %d. ", i+1)) {
			t.Errorf("%s is the decision number %s by its place: %.40q", name, number, raw)
		}
	}
}
