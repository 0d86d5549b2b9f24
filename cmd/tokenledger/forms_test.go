// Every command that prints data does so in every form, against a real service; a command that is added and lacks a
// form, or a case here, fails.

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

var everyForm = []string{"table", "json", "csv"}

// formless are the commands that print no data, and why.
var formless = map[string]string{
	"reference": "it writes the pages of the reference",
	"serve":     "runs until it is ended", "demo": "runs until it is ended", "witness": "runs until it is ended",
	"migrate": "says only that it was done",
	"psql":    "is another program", "schema print": "prints a document in a language of its own",
}

// leaves are the commands that do something, by the words that call them.
func leaves(c *cobra.Command, all map[string]*cobra.Command) map[string]*cobra.Command {
	for _, sub := range c.Commands() {
		leaves(sub, all)
	}
	if !c.HasSubCommands() {
		_, words, _ := strings.Cut(c.CommandPath(), " ")
		all[words] = c
	}
	return all
}

func quietRoot() *cobra.Command {
	return newRootCommand(stdio{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
}

func TestEveryCommandOffersEveryForm(t *testing.T) {
	t.Parallel()
	for words, c := range leaves(quietRoot(), map[string]*cobra.Command{}) {
		f := c.Flags().Lookup("output")
		switch reason, left := formless[words]; {
		case left && f != nil:
			t.Errorf("%s has --output, and is left out here since it %s", words, reason)
		case left:
		case f == nil:
			t.Errorf("%s has no --output", words)
		default:
			for _, form := range everyForm {
				if !strings.Contains(f.Usage, form) {
					t.Errorf("%s has no --output %s: %s", words, form, f.Usage)
				}
			}
		}
	}
}

func TestEveryFormOfEveryCommand(t *testing.T) {
	t.Parallel()
	i := install(t)
	cases := formCases()
	all := leaves(quietRoot(), map[string]*cobra.Command{})
	for words := range cases {
		if all[words] == nil {
			t.Errorf("there is no command %s", words)
		}
	}
	last := "sealer renew" // while a service seals, there is nothing to renew
	for _, words := range append(slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(w string) bool { return w == last }), last) {
		if words == last {
			i.stop()
		}
		if formless[words] != "" || strings.HasPrefix(words, "bench ") {
			continue
		}
		c, ok := cases[words]
		if !ok {
			t.Errorf("%s has no case here", words)
			continue
		}
		for _, form := range everyForm {
			t.Run(words+" "+form, func(t *testing.T) {
				i.t = t
				if words == "init" { // it is for a database, and that one is in use by a service
					url, err := embedded.RunningPostgresURL(filepath.Join(i.dir, "data"))
					if err != nil {
						t.Fatal(err)
					}
					defer func(before []string) { i.environ = before }(i.environ)
					i.environ = append(slices.Clone(i.environ), "TOKENLEDGER_DATABASE_URL="+url)
				}
				args := append(append(strings.Fields(words), c.args(i)...), "--output", form)
				stdout, stderr, code := i.run(c.stdin, args...)
				if code != c.code {
					t.Fatalf("%v: exit code %d, want %d\n%s%s", args, code, c.code, stdout, stderr)
				}
				checkForm(t, form, stdout, stderr, c)
			})
		}
	}
}

// checkForm judges what a command printed.
func checkForm(t *testing.T, form, stdout, stderr string, c formCase) {
	t.Helper()
	if c.fails { // nothing was done, so there is no data
		if stdout != "" {
			t.Errorf("it failed, and printed %s", stdout)
		}
		if form == "json" {
			checkFailure(t, stderr, c.code)
		}
		return
	}
	if stdout == "" && !c.empty {
		t.Error("nothing is printed")
	}
	switch form {
	case "json":
		for line := range strings.Lines(stdout) {
			var object map[string]any
			if err := json.Unmarshal([]byte(line), &object); err != nil || len(object) == 0 {
				t.Errorf("a line that is no object: %v: %s", err, line)
			}
		}
	case "csv":
		lines, err := csv.NewReader(strings.NewReader(stdout)).ReadAll() // as many cells in each line
		if err != nil || len(lines) < 2 && !c.empty {
			t.Fatalf("no CSV, or no line in it: %v\n%s", err, stdout)
		}
		for _, line := range lines {
			for _, cell := range line {
				if strings.IndexAny(cell, "=+-@\t\r") == 0 && cell != "-" {
					t.Errorf("a spreadsheet takes %q for a formula", cell)
				}
			}
		}
	}
}

func checkFailure(t *testing.T, stderr string, code int) {
	t.Helper()
	var said struct{ Error failure }
	if err := json.Unmarshal([]byte(stderr), &said); err != nil || said.Error.Message == "" || said.Error.ExitCode != code {
		t.Errorf("no error in JSON: %v: %s", err, stderr)
	}
}

// Values that a spreadsheet or a reader of lines could take for something else come out of CSV as they went in.
func TestCSVIsQuoted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		values := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune("=+-@\t\r\n\",; aé"))), 1, 4).Draw(t, "values")
		var r record
		for n, v := range values {
			r = append(r, cell{fmt.Sprint("f", n), v})
		}
		if err := (app{stdio: stdio{out: &out}}).showRecord(r, "csv"); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(lines) != 2 || len(lines[1]) != len(values) {
			t.Fatalf("%v %q", err, lines)
		}
		for n, got := range lines[1] {
			want := strings.ReplaceAll(plainCell(orDash(&values[n])), "\r\n", "\n") // as the reader of the standard library has it
			if got != want {
				t.Errorf("%q became %q", want, got)
			}
		}
	})
}

func TestErrorsInJSON(t *testing.T) {
	t.Parallel()
	for args, code := range map[string]int{
		"token list --output json --server http://127.0.0.1:1 --token-file /nowhere": exitFailed,
		"token create --output json":                          exitUsage,
		"token list --output json --server nonsense":          exitUsage,
		"token show --output json":                            exitUsage,
		"audit verify --output json /nowhere/pack.zip":        exitUsage,
		"context show --output json --context nowhere":        exitUsage,
		"scan --output json /nowhere":                         exitFailed,
		"doctor --output json --data /nowhere/ --listen nope": exitUsage,
	} {
		var out, err bytes.Buffer
		if got := run(t.Context(), strings.Fields(args), stdio{in: strings.NewReader(""), out: &out, err: &err, environ: []string{"HOME=" + t.TempDir()}}); got != code {
			t.Errorf("%s: exit code %d, want %d: %s", args, got, code, &err)
		}
		checkFailure(t, err.String(), code)
	}
}
