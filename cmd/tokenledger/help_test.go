// Every command says what it is for and shows how it is called, in words that the program takes.

package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func everyCommand(c *cobra.Command, do func(words string, c *cobra.Command)) {
	_, words, _ := strings.Cut(c.CommandPath(), " ")
	do(words, c)
	for _, sub := range c.Commands() {
		everyCommand(sub, do)
	}
}

func TestEveryCommandIsExplained(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	everyCommand(quietRoot(), func(words string, c *cobra.Command) {
		named[words] = true
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its short description is %q", c.CommandPath(), c.Short)
		}
		if c.Example == "" {
			t.Errorf("%s shows no example", c.CommandPath())
		}
	})
	for words := range examples {
		if !named[words] {
			t.Errorf("there is an example of %q, which is no command", words)
		}
	}
}

// The root command lists every command in a group, and a word that is none is answered with those it resembles.
func TestCommandsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range quietRoot().Commands() {
		if c.IsAvailableCommand() && c.GroupID == "" {
			t.Errorf("%s is in no group", c.CommandPath())
		}
	}
	for line, want := range map[string]string{"tokn": `"token"`, "token crate": `"create"`, "serv": `"serve"`, "zzzz": "--help"} {
		var stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(line), stdio{in: strings.NewReader(""), out: io.Discard, err: &stderr}); code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, %s", line, code, &stderr)
		}
	}
}

// A flag that an example names is one of that command.
func TestExamplesNameFlagsThatExist(t *testing.T) {
	t.Parallel()
	root := quietRoot()
	seen := 0
	everyCommand(root, func(_ string, c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			_, call, ok := strings.Cut(line, "tokenledger ")
			if !ok {
				continue
			}
			called, rest, err := root.Find(strings.Fields(call))
			if err != nil {
				t.Errorf("%q: %v", line, err)
				continue
			}
			for _, word := range rest {
				if word == "--" {
					break
				}
				if name, ok := strings.CutPrefix(word, "--"); ok {
					seen++
					name, _, _ = strings.Cut(name, "=")
					if called.Flags().Lookup(name) == nil && called.InheritedFlags().Lookup(name) == nil {
						t.Errorf("%q: %s has no --%s", strings.TrimSpace(line), called.CommandPath(), name)
					}
				}
			}
		}
	})
	if seen < 50 {
		t.Errorf("only %d flags in all examples", seen)
	}
}
