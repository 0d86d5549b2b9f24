// tokenledger member: who belongs to an organization, as what, and until when.

package main

import (
	"strings"

	"github.com/spf13/cobra"
)

const memberFields = `role since until isActive version user { ` + userFields + ` }`

type memberView struct {
	Role     string   `json:"role"`
	Since    *string  `json:"since"`
	Until    *string  `json:"until"`
	IsActive bool     `json:"isActive"`
	Version  int64    `json:"version"`
	User     userView `json:"user"`
}

func (m memberView) record() record {
	return record{
		{"userID", m.User.ID},
		{"email", m.User.Email},
		{"displayName", m.User.DisplayName},
		{"role", strings.ToLower(m.Role)},
		{"since", m.Since},
		{"until", m.Until},
		{"isActive", m.IsActive},
		{"version", m.Version},
	}
}

const membersQuery = `query($first: Int, $after: Cursor) { organization {
	members(first: $first, after: $after) { edges { node { ` + memberFields + ` } } ` + pageInfoFields + ` } } }`

type membersAnswer struct {
	Organization struct{ Members connection[memberView] }
}

func (a app) memberCommand() *cobra.Command {
	return group("member", "Add, invite, list, change and end the members of an organization",
		a.memberAdd(), a.memberList(), a.memberRole(), a.memberEnd(),
		a.memberInvite(), a.memberInvitations(), a.memberWithdraw(), a.memberAccept())
}

// setWho names a user in an input, by id or by address.
func setWho(input map[string]any, who string) {
	if strings.Contains(who, "@") {
		input["email"] = who
		return
	}
	input["userID"] = who
}

func (a app) memberAdd() *cobra.Command {
	var role, until string
	c := &cobra.Command{
		Use: "add ID|EMAIL --role ROLE", Short: "Make a user who exists already a member of the organization",
		Example: "  tokenledger member add ann@example.com --role auditor --until 30d", Args: cobra.ExactArgs(1),
	}
	roleFlag(c, &role, "member")
	c.Flags().StringVar(&until, "until", "", "when the membership ends by itself: 30d, 12h, or a time")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		as, err := roleOf(role)
		if err != nil {
			return err
		}
		input := map[string]any{"role": as}
		setWho(input, args[0])
		if err := setUntil(input, until); err != nil {
			return err
		}
		return a.changeMember(c, "addMember", `mutation($input: AddMemberInput!) {
			addMember(input: $input) { membership { `+memberFields+` } } }`, map[string]any{"input": input}, *out)
	}
	return c
}

func (a app) changeMember(c *cobra.Command, operation, query string, variables map[string]any, form string) error {
	var answer map[string]struct{ Membership memberView }
	if err := a.ask(c, query, variables, &answer); err != nil {
		return err
	}
	return a.showRecord(answer[operation].Membership.record(), form)
}

func (a app) memberList() *cobra.Command {
	var p pages
	c := &cobra.Command{Use: "list", Short: "List the members of the organization"}
	p.flags(c)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var answer membersAnswer
		if err := a.ask(c, membersQuery, p.variables(), &answer); err != nil {
			return err
		}
		return printPage(a, answer.Organization.Members, *out, "No members.", memberView.record)
	}
	return c
}

func (a app) memberRole() *cobra.Command {
	var until string
	c := &cobra.Command{
		Use: "role USER-ID ROLE", Short: "Give a member another role, or another end", Args: cobra.ExactArgs(2),
		Example: "  tokenledger member role 0198… auditor --until 30d",
	}
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return roles, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c.Flags().StringVar(&until, "until", "", "when the membership ends by itself: 30d, 12h, or a time; without it, never")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		as, err := roleOf(args[1])
		if err != nil {
			return err
		}
		input := map[string]any{"userID": args[0], "role": as}
		if err := setUntil(input, until); err != nil {
			return err
		}
		return a.changeMember(c, "updateMember", `mutation($input: UpdateMemberInput!) {
			updateMember(input: $input) { membership { `+memberFields+` } } }`, map[string]any{"input": input}, *out)
	}
	return c
}

func (a app) memberEnd() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "end USER-ID", Short: "Take a user out of the organization; the user's tokens lose it in the same moment", Args: cobra.ExactArgs(1),
	}
	reasonFlag(c, &reason)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		variables := map[string]any{"id": args[0]}
		setIf(variables, "reason", reason)
		return a.changeMember(c, "removeMember", `mutation($id: ID!, $reason: String) {
			removeMember(userID: $id, reason: $reason) { membership { `+memberFields+` } } }`, variables, *out)
	}
	return c
}
