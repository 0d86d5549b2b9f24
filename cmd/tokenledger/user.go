// tokenledger user: create, list, show, change, deactivate and reactivate users.

package main

import (
	"github.com/spf13/cobra"
)

const userFields = `id email displayName isActive createdAt updatedAt version`

type userView struct {
	ID          string  `json:"id"`
	Email       *string `json:"email"`
	DisplayName string  `json:"displayName"`
	IsActive    bool    `json:"isActive"`
	CreatedAt   *string `json:"createdAt"`
	UpdatedAt   *string `json:"updatedAt"`
	Version     int64   `json:"version"`
}

func (u userView) record() record {
	return record{
		{"id", u.ID},
		{"email", u.Email},
		{"displayName", u.DisplayName},
		{"isActive", u.IsActive},
		{"createdAt", u.CreatedAt},
		{"updatedAt", u.UpdatedAt},
		{"version", u.Version},
	}
}

func (a app) userCommand() *cobra.Command {
	return group("user", "Create, list, show, change, deactivate and reactivate users",
		a.userCreate(), a.userList(), a.userShow(), a.userUpdate(), a.userDeactivate(), a.userReactivate())
}

func (a app) userCreate() *cobra.Command {
	var email, name, role, until string
	c := &cobra.Command{
		Use: "create --email ADDRESS [--role ROLE]", Short: "Create a user, who becomes a member of the organization",
		Example: "  tokenledger user create --email bob@example.com --display-name 'Bob B.' --role auditor --until 90d",
	}
	c.Flags().StringVar(&email, "email", "", "e-mail address, unique in the installation")
	c.Flags().StringVar(&name, "display-name", "", "name as people write it; by default the address")
	c.Flags().StringVar(&until, "until", "", "when the membership ends by itself: 30d, 12h, or a time")
	roleFlag(c, &role, "member")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if email == "" {
			return usage("--email is missing: a user is known by an address")
		}
		as, err := roleOf(role)
		if err != nil {
			return err
		}
		input := map[string]any{"email": email, "role": as}
		setIf(input, "displayName", name)
		if err := setUntil(input, until); err != nil {
			return err
		}
		return a.changeUser(c, "createUser", `mutation($input: CreateUserInput!) {
			createUser(input: $input) { user { `+userFields+` } } }`, map[string]any{"input": input}, *out)
	}
	return c
}

func (a app) changeUser(c *cobra.Command, operation, query string, variables map[string]any, form string) error {
	var answer map[string]struct{ User userView }
	if err := a.ask(c, query, variables, &answer); err != nil {
		return err
	}
	return a.showRecord(answer[operation].User.record(), form)
}

func (a app) userList() *cobra.Command {
	var p pages
	c := &cobra.Command{Use: "list", Short: "List the users who are members of the organization"}
	p.flags(c)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var answer membersAnswer
		if err := a.ask(c, membersQuery, p.variables(), &answer); err != nil {
			return err
		}
		return printPage(a, answer.Organization.Members, *out, "No users.", func(m memberView) record { return m.User.record() })
	}
	return c
}

func (a app) userShow() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "Show one user", Args: cobra.ExactArgs(1)}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		u, err := a.user(c, args[0])
		if err != nil {
			return err
		}
		return a.showRecord(u.record(), *out)
	}
	return c
}

func (a app) user(c *cobra.Command, id string) (userView, error) {
	var answer struct{ User userView }
	err := a.ask(c, `query($id: ID!) { user(id: $id) { `+userFields+` } }`, map[string]any{"id": id}, &answer)
	return answer.User, err
}

func (a app) userUpdate() *cobra.Command {
	var email, name string
	c := &cobra.Command{
		Use: "update ID [--email ADDRESS] [--display-name NAME]", Short: "Give a user another address or name", Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&email, "email", "", "the new e-mail address")
	c.Flags().StringVar(&name, "display-name", "", "the new name")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		if email == "" && name == "" {
			return usage("nothing to change: give --email or --display-name")
		}
		u, err := a.user(c, args[0])
		if err != nil {
			return err
		}
		input := map[string]any{"email": u.Email, "displayName": u.DisplayName, "expectedVersion": u.Version}
		setIf(input, "email", email)
		setIf(input, "displayName", name)
		return a.changeUser(c, "updateUser", `mutation($id: ID!, $input: UpdateUserInput!) {
			updateUser(id: $id, input: $input) { user { `+userFields+` } } }`, map[string]any{"id": args[0], "input": input}, *out)
	}
	return c
}

func (a app) userDeactivate() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "deactivate ID --reason WHY", Short: "Let a user in no more; all that the user's tokens reach ends with it", Args: cobra.ExactArgs(1),
	}
	reasonFlag(c, &reason)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		if reason == "" {
			return errNoReason
		}
		return a.changeUser(c, "deactivateUser", `mutation($id: ID!, $reason: String!) {
			deactivateUser(id: $id, reason: $reason) { user { `+userFields+` } } }`,
			map[string]any{"id": args[0], "reason": reason}, *out)
	}
	return c
}

func (a app) userReactivate() *cobra.Command {
	var reason string
	c := &cobra.Command{Use: "reactivate ID", Short: "Let a user in again; what ended stays ended", Args: cobra.ExactArgs(1)}
	reasonFlag(c, &reason)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		variables := map[string]any{"id": args[0]}
		setIf(variables, "reason", reason)
		return a.changeUser(c, "reactivateUser", `mutation($id: ID!, $reason: String) {
			reactivateUser(id: $id, reason: $reason) { user { `+userFields+` } } }`, variables, *out)
	}
	return c
}
