// tokenledger token leak: what a leaked token was good for and used for, and its end.

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a app) tokenLeak() *cobra.Command {
	var in reportAsked
	var end bool
	var reason string
	c := &cobra.Command{
		Use: "leak [ID|SHA-256]", Short: "What a leaked token was used for, from where and since when; --end ends it",
		Long: `The leak report of a token: the window in which it was exposed, its rotations, everything that was done to it,
every source and operation, and what has been refused since.

Name the token by its id, its masked value or the SHA-256 of its value. The value itself goes into a file, or the
standard input with --value-file -, never onto the command line, where other users and the shell's history see it.`,
		Example: `  tokenledger token leak 0198… --end --reason 'found in a public repository'
  pbpaste | tokenledger token leak --value-file -`,
		Args: cobra.MaximumNArgs(1),
	}
	f := c.Flags()
	f.StringVar(&in.valueFile, "value-file", "", "file with the token's value; - is the standard input")
	f.StringVar(&in.file, "output-file", "", "write to this file instead of the standard output")
	f.BoolVar(&end, "end", false, "revoke the token first; the report tells of it")
	f.StringVar(&reason, "reason", "", "with --end: why; it stands in the log for good")
	out := outputFlag(c, "table", "json", "csv", "html", "pdf", "ocsf")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case (len(args) == 1) == (in.valueFile != ""):
			return usage("name the token once: by ID or SHA-256, or by --value-file")
		case end && reason == "":
			return errNoReason
		}
		if len(args) == 1 {
			in.token = args[0]
		}
		if in.valueFile != "" { // read once: it may be the standard input
			value, err := a.secretFile(in.valueFile)
			if err != nil {
				return err
			}
			in.value, in.valueFile = value, ""
		}
		id, err := a.leakedToken(c, in)
		if err != nil {
			return err
		}
		if end {
			if err := a.endLeaked(c, id, reason); err != nil {
				return err
			}
		}
		if err := a.report(c, "leak", in, *out); err != nil {
			return err
		}
		if !end {
			fmt.Fprintf(a.err, "To end it: tokenledger token leak %s --end --reason '…'\n", id)
		}
		return nil
	}
	return c
}

// leakedToken asks the report itself which token it is about.
func (a app) leakedToken(c *cobra.Command, in reportAsked) (id string, err error) {
	variables := map[string]any{}
	setIf(variables, "token", in.token)
	setIf(variables, "value", in.value)
	var answer struct {
		Report struct {
			Parameters []struct{ Name, Value string }
		}
	}
	err = a.ask(c, `query($token: ID, $value: String) { report(name: "leak", token: $token, value: $value) { parameters { name value } } }`,
		variables, &answer)
	if err != nil {
		return "", err
	}
	for _, p := range answer.Report.Parameters {
		if p.Name == "token" {
			return strings.TrimSpace(p.Value), nil
		}
	}
	return "", errors.New("the report names no token")
}

// endLeaked ends whatever the token is to the organization: its own token, the caller's, or another person's access.
// One that has ended already is no failure here; the report tells when.
func (a app) endLeaked(c *cobra.Command, id, reason string) error {
	answer, err := a.revokeTokens(c, map[string]any{"ids": []string{id}, "reason": reason})
	if err != nil {
		return err
	}
	for _, n := range answer.NotRevoked {
		if n.Code != codeConflict {
			return fmt.Errorf("the token %s was not ended: %s (%s)", id, n.Message, n.Code)
		}
		fmt.Fprintln(a.err, "Not ended now:", n.Message)
	}
	return nil
}
