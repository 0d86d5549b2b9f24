// tokenledger grant: the access that personal tokens have to an organization, for those who decide on it.

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const grantFields = `tokenID token name scopes user { id email } status givenAt expiresAt approvedAt approvedBy lastReviewedAt ssoAuthorizedAt endedAt endedBecause version`

type grantView struct {
	TokenID, Token, Name string
	Scopes               []string
	User                 struct {
		ID    string
		Email *string
	}
	Status          string
	GivenAt         *string
	ExpiresAt       *string
	ApprovedAt      *string
	ApprovedBy      *string
	LastReviewedAt  *string
	SSOAuthorizedAt *string
	EndedAt         *string
	EndedBecause    *string
	Version         int64
}

func (g grantView) record() record {
	return record{
		{"tokenID", g.TokenID},
		{"token", detail{g.Token}},
		{"name", g.Name},
		{"userID", g.User.ID},
		{"email", g.User.Email},
		{"status", g.Status},
		{"scopes", g.Scopes},
		{"givenAt", detail{g.GivenAt}},
		{"expiresAt", g.ExpiresAt},
		{"approvedAt", g.ApprovedAt},
		{"approvedBy", detail{g.ApprovedBy}},
		{"lastReviewedAt", g.LastReviewedAt},
		{"ssoAuthorizedAt", g.SSOAuthorizedAt},
		{"endedAt", detail{g.EndedAt}},
		{"endedBecause", detail{g.EndedBecause}},
		{"version", detail{g.Version}},
	}
}

func (a app) grantCommand() *cobra.Command {
	return group("grant", "List, approve, review and end the access that personal tokens have to an organization",
		a.grantList(),
		a.grantChange("approve", "approveTokenGrant", "Let a personal token in that waits for its approval", false),
		a.grantChange("decline", "declineTokenGrant", "Refuse a personal token that waits for its approval, for good", true),
		a.grantChange("withdraw", "withdrawTokenGrantApproval", "Take an approval back; the access ends for good", true),
		a.grantChange("review", "reviewTokenGrant", "Record that you looked at a personal token's access and keep it", false),
		a.grantChange("end", "endTokenGrant", "End a personal token's access to the organization", true))
}

func (a app) grantList() *cobra.Command {
	var p pages
	c := &cobra.Command{Use: "list", Short: "List the personal tokens that have, had or want access"}
	p.flags(c)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var answer struct {
			Organization struct {
				TokenGrants connection[grantView]
			}
		}
		query := `query($first: Int, $after: Cursor) { organization {
			tokenGrants(first: $first, after: $after) { edges { node { ` + grantFields + ` } } ` + pageInfoFields + ` } } }`
		if err := a.ask(c, query, p.variables(), &answer); err != nil {
			return err
		}
		return printPage(a, answer.Organization.TokenGrants, *out, "No personal token has access here.", grantView.record)
	}
	return c
}

// grantChange is a command that decides on one token's access.
func (a app) grantChange(verb, mutation, short string, why bool) *cobra.Command {
	var reason string
	c := &cobra.Command{Use: verb + " TOKEN-ID", Short: short, Args: noValues(cobra.ExactArgs(1))}
	declared := "String"
	if why {
		c.Use += " --reason WHY"
		declared = "String!"
	}
	reasonFlag(c, &reason)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		if why && reason == "" {
			return errNoReason
		}
		variables := map[string]any{"id": args[0]}
		setIf(variables, "reason", reason)
		var answer struct {
			Done struct{ TokenGrant grantView }
		}
		query := fmt.Sprintf(`mutation($id: ID!, $reason: %s) { done: %s(id: $id, reason: $reason) { tokenGrant { %s } } }`, declared, mutation, grantFields)
		if err := a.ask(c, query, variables, &answer); err != nil {
			return err
		}
		return a.showRecord(answer.Done.TokenGrant.record(), *out)
	}
	return c
}
