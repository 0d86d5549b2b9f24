// tokenledger token: rotate, suspend and resume.

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a app) tokenRotate() *cobra.Command {
	var in struct {
		overlap, expires, reason, file string
		firstUse, never                bool
	}
	c := &cobra.Command{
		Use: "rotate ID", Short: "Replace a token by a successor; both work during the overlap", Args: cobra.ExactArgs(1),
		Long: `Replace a token by a successor with a new value, which is shown once or written to a file.

If the answer was lost, rotate the same token again: a successor that was never used is replaced, and the
overlap ends when it would have.`,
		Example: "  tokenledger token rotate 0198… --overlap 24h --first-use --write-to new.token",
	}
	f := c.Flags()
	f.StringVar(&in.overlap, "overlap", "24h", "how long both work: 24h, 7d, or 0 to end the old one now")
	f.BoolVar(&in.firstUse, "first-use", false, "the old one ends when the new one is first used, if that is earlier")
	f.StringVar(&in.expires, "expires", "", "when the successor ends; by default when the old one does")
	f.BoolVar(&in.never, "never", false, "the successor never expires")
	reasonFlag(c, &in.reason)
	f.StringVar(&in.file, "write-to", "", "write the value to this new file (0600) instead of showing it")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		if in.never && in.expires != "" {
			return errNeverExpires
		}
		overlap, err := secondsOf("--overlap", in.overlap)
		if err != nil {
			return err
		}
		input := map[string]any{"overlapSeconds": overlap}
		if in.expires != "" {
			at, err := instant("--expires", in.expires, time.Now())
			if err != nil {
				return err
			}
			input["expiresAt"] = at.UTC().Format(time.RFC3339)
		}
		if in.firstUse {
			input["endsAtFirstUse"] = true
		}
		if in.never {
			input["clearExpiresAt"] = true
		}
		setIf(input, "reason", in.reason)
		type_, field, _ := kindOf(c)
		query := fmt.Sprintf(`mutation($id: ID!, $input: RotateTokenInput) { rotate%[1]s(id: $id, input: $input) { %[2]s { %[3]s } } }`,
			type_, field, tokenFields)
		return a.issueToken(c, issue{
			query: query, variables: map[string]any{"id": args[0], "input": input}, operation: "rotate" + type_, field: field,
			file: in.file, form: *out,
		})
	}
	return c
}

func (a app) tokenSuspend() *cobra.Command {
	var until, reason string
	c := &cobra.Command{
		Use: "suspend ID [--until 2h]", Short: "Refuse a token's uses for now; without --until, until it is resumed", Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&until, "until", "", "when it works again by itself: 2h, 7d, or a time such as 2027-01-31T00:00:00Z")
	reasonFlag(c, &reason)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		variables := map[string]any{"id": args[0]}
		if until != "" {
			at, err := instant("--until", until, time.Now())
			if err != nil {
				return err
			}
			variables["until"] = at.UTC().Format(time.RFC3339)
		}
		setIf(variables, "reason", reason)
		return a.changeToken(c, "suspend", "until: Time, reason: String", variables, *out)
	}
	return c
}

func (a app) tokenResume() *cobra.Command {
	var reason string
	c := &cobra.Command{Use: "resume ID", Short: "Let a suspended token work again", Args: cobra.ExactArgs(1)}
	reasonFlag(c, &reason)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		variables := map[string]any{"id": args[0]}
		setIf(variables, "reason", reason)
		return a.changeToken(c, "resume", "reason: String", variables, *out)
	}
	return c
}
