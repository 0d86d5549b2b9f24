// The reference pages of the command line, the settings and the GraphQL interface,
// written from what the program itself knows of them.

package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/graphql"
)

//go:generate go run . reference ../../docs/reference

func (a app) referenceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reference DIRECTORY", Short: "Write the reference pages, as go generate does", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for name, page := range referencePages() {
				if err := os.WriteFile(filepath.Join(args[0], name), page, 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// referencePages are the pages by the names of their files.
func referencePages() map[string][]byte {
	return map[string][]byte{
		"cli.md":           commandPage(newRootCommand(stdio{})),
		"configuration.md": settingsPage(),
		"graphql.md":       []byte(graphql.Reference()),
	}
}

const generated = "<!-- Written by go generate ./cmd/tokenledger. -->\n"

func settingsPage() []byte {
	flags := map[string]string{}
	for name, s := range settings {
		flags[s.variable] = "`--" + name + "`"
	}
	var b bytes.Buffer
	b.WriteString(generated + `# Settings

Flags come before the environment, the environment before the file that TOKENLEDGER_CONFIG names, that before the default.
Where *or a file* is said, the variable with _FILE behind its name names a file with the value. How they go together is in
[operations](../operations.md).

| variable | flag | default | what it does |
|---|---|---|---|
`)
	for _, s := range config.Settings() {
		name := "`" + s.Variable + "`"
		if s.FromFile {
			name += " or a file"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, flags[s.Variable], s.Default, s.Does)
	}
	return b.Bytes()
}

func commandPage(root *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `%s# The command line

%s

Exit codes: %d it is done, %d it was tried and did not succeed, %d the call or the configuration is wrong and nothing was
tried, %d a scan found token values. %s has codes of its own. Data comes on the standard output, progress and logs on the
standard error.

`, generated, root.Short+".", exitOK, exitFailed, exitUsage, exitFound, "`audit verify`")
	b.WriteString("Flags of every command; each stands for a [setting](configuration.md):\n\n" + flagTable(root.PersistentFlags()))
	eachCommand(root, func(c *cobra.Command) {
		if c == root {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n", c.CommandPath(), strings.TrimSuffix(c.Short, "."))
		if c.Long != "" {
			fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(c.Long))
		}
		fmt.Fprintf(&b, "\n```text\n%s\n```\n", strings.TrimSuffix(c.UseLine(), " [flags]"))
		if c.Example != "" {
			fmt.Fprintf(&b, "\nFor example\n\n```text\n%s\n```\n", strings.TrimRight(dedent(c.Example), "\n"))
		}
		if table := flagTable(c.NonInheritedFlags()); table != "" {
			b.WriteString("\n" + table)
		}
	})
	return b.Bytes()
}

// eachCommand visits the commands that help shows, a parent before its children.
func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	if c.Hidden || c.Name() == "completion" || c.Name() == "help" {
		return
	}
	visit(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, visit)
	}
}

func flagTable(flags *pflag.FlagSet) string {
	rows := map[string]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name += ", `-" + f.Shorthand + "`"
		}
		standard := ""
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" {
			standard = "`" + f.DefValue + "`"
		}
		rows[f.Name] = fmt.Sprintf("| %s | %s | %s | %s |\n", name, strings.ToLower(f.Value.Type()), standard, strings.ReplaceAll(f.Usage, "|", `\|`))
	})
	if len(rows) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| flag | | default | |\n|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		b.WriteString(rows[name])
	}
	return b.String()
}

func dedent(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
