// tokenledger token: update, review and authorize.

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a app) tokenUpdate() *cobra.Command {
	var in struct {
		name, description, expires string
		scopes, tags               []string
		never                      bool
	}
	c := &cobra.Command{
		Use: "update ID", Short: "Give a token another name, description, deadline, other scopes or tags; the value stays", Args: cobra.ExactArgs(1),
		Example: "  tokenledger token update 0198… --scopes evidence:read --expires 30d",
	}
	f := c.Flags()
	f.StringVar(&in.name, "name", "", "name, for people")
	f.StringVar(&in.description, "description", "", "what it is for; empty: none")
	f.StringSliceVar(&in.scopes, "scopes", nil, "what it may do from now on, instead of before")
	completesList(c, "scopes", scopeNames()...)
	f.StringSliceVar(&in.tags, "tags", nil, "tags, instead of those before")
	f.StringVar(&in.expires, "expires", "", "when it ends: 30d, 12h, or a time such as 2027-01-31T00:00:00Z")
	f.BoolVar(&in.never, "never", false, "it never expires")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		if in.never && in.expires != "" {
			return errNeverExpires
		}
		input := map[string]any{}
		for flag, value := range map[string]any{"name": in.name, "description": in.description, "scopes": in.scopes, "tags": in.tags} {
			if f.Changed(flag) {
				input[flag] = value
			}
		}
		if f.Changed("description") && in.description == "" {
			delete(input, "description")
			input["clearDescription"] = true
		}
		if in.never {
			input["clearExpiresAt"] = true
		}
		if in.expires != "" {
			at, err := instant("--expires", in.expires, time.Now())
			if err != nil {
				return err
			}
			input["expiresAt"] = at.UTC().Format(time.RFC3339)
		}
		if len(input) == 0 {
			return usage("there is nothing to change: name --name, --description, --scopes, --tags, --expires or --never")
		}
		type_, _, _ := kindOf(c)
		return a.changeToken(c, "update", "input: Update"+type_+"Input!", map[string]any{"id": args[0], "input": input}, *out)
	}
	return c
}

func (a app) tokenReview() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "review ID", Short: "Record that you looked at an organization's token and keep it; of personal ones see grant review", Args: cobra.ExactArgs(1),
	}
	reasonFlag(c, &reason)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		if personal, _ := c.Flags().GetBool("personal"); personal {
			return usage("a personal token's access is reviewed by: tokenledger grant review TOKEN-ID")
		}
		variables := map[string]any{"id": args[0]}
		setIf(variables, "reason", reason)
		return a.changeToken(c, "review", "reason: String", variables, *out)
	}
	return c
}

func (a app) tokenAuthorize() *cobra.Command {
	var withdraw bool
	c := &cobra.Command{
		Use: "authorize ID", Short: "Authorize a token, of either kind, for single sign-on where the organization has no provider", Args: cobra.ExactArgs(1),
		Long: `Authorize a token, of either kind, for the organization's single sign-on by your own word.

Where the organization has a provider, only signing in there authorizes: begin with POST /v1/sso/token/authorize.
An authorization can be withdrawn in either case.`,
	}
	c.Flags().BoolVar(&withdraw, "withdraw", false, "take the token's authorization back")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		mutation := "authorizeTokenSSO"
		if withdraw {
			mutation = "withdrawTokenSSO"
		}
		var answer struct {
			Done struct {
				APIToken   *tokenView
				TokenGrant *grantView
			}
		}
		query := fmt.Sprintf(`mutation($id: ID!) { done: %s(id: $id) { apiToken { %s } tokenGrant { %s } } }`, mutation, tokenFields, grantFields)
		if err := a.ask(c, query, map[string]any{"id": args[0]}, &answer); err != nil {
			return err
		}
		if answer.Done.TokenGrant != nil {
			return a.showRecord(answer.Done.TokenGrant.record(), *out)
		}
		return a.showRecord(answer.Done.APIToken.record(), *out)
	}
	return c
}
