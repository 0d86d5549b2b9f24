// The reference pages are what the program says now, and the commands that documents
// name are there.

package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const docsDir = "../../docs"

func TestReferenceIsFresh(t *testing.T) {
	t.Parallel()
	for name, want := range referencePages() {
		got, err := os.ReadFile(filepath.Join(docsDir, "reference", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/reference/%s is stale, %v; run go generate ./cmd/tokenledger", name, err)
		}
	}
}

func TestReferenceHasEveryCommand(t *testing.T) {
	t.Parallel()
	page := string(referencePages()["cli.md"])
	eachCommand(newRootCommand(stdio{}), func(c *cobra.Command) {
		if c.HasParent() && !strings.Contains(page, "\n## "+c.CommandPath()+"\n") {
			t.Errorf("%s is not on the page", c.CommandPath())
		}
	})
}

// Commands in a line of text are too short to be run as they stand; they name commands
// and flags that exist.
var inline = regexp.MustCompile("`(tokenledger [a-z][^`]*)`")

func TestCommandsInTextExist(t *testing.T) {
	t.Parallel()
	named := 0
	err := filepath.WalkDir(filepath.Join(docsDir, ".."), func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range inline.FindAllStringSubmatch(strings.ReplaceAll(string(raw), "\n", " "), -1) {
			named++
			if fault := wrongCommand(m[1]); fault != "" {
				t.Errorf("%s: `%s`: %s", path, m[1], fault)
			}
		}
		return nil
	})
	if err != nil || named < 50 {
		t.Errorf("%d commands are named, %v", named, err)
	}
}

// wrongCommand says what is wrong with a command line in a text; "" if nothing is. What
// stands for a value there need not be one.
func wrongCommand(text string) string {
	root := newRootCommand(stdio{out: io.Discard, err: io.Discard})
	root.InitDefaultCompletionCmd() // which is made when a command runs
	var words []string
	for word := range strings.FieldsSeq(strings.NewReplacer("[", " ", "]", " ", "…", " ").Replace(text)) {
		words = append(words, strings.TrimRight(word, ","))
	}
	c, rest, err := root.Find(words[1:])
	if err != nil {
		return err.Error()
	}
	if c == root || c.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && !strings.ContainsAny(rest[0], "|A BCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return "there is no such command"
	}
	for _, word := range rest {
		name, isFlag := strings.CutPrefix(word, "--")
		if name, _, _ = strings.Cut(name, "="); !isFlag || name == "" {
			continue
		}
		if c.Flags().Lookup(name) == nil && c.InheritedFlags().Lookup(name) == nil && name != "help" {
			return "there is no flag --" + name
		}
	}
	return ""
}
