// tokenledger org: create, list, show and rename organizations.

package main

import "github.com/spf13/cobra"

const orgFields = `id name displayName viewerRole createdAt updatedAt version`

type orgView struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	DisplayName string  `json:"displayName"`
	ViewerRole  *string `json:"viewerRole"`
	CreatedAt   *string `json:"createdAt"`
	UpdatedAt   *string `json:"updatedAt"`
	Version     int64   `json:"version"`
}

func (o orgView) record() record {
	return record{
		{"id", o.ID},
		{"name", o.Name},
		{"displayName", o.DisplayName},
		{"viewerRole", o.ViewerRole},
		{"createdAt", o.CreatedAt},
		{"updatedAt", o.UpdatedAt},
		{"version", o.Version},
	}
}

func (a app) orgCommand() *cobra.Command {
	return group("org", "Create, list, show and rename organizations, and set what they demand of tokens",
		a.orgCreate(), a.orgList(), a.orgShow(), a.orgRename(), a.orgPolicy(), a.orgSSO())
}

func (a app) orgCreate() *cobra.Command {
	var name, display, owner string
	c := &cobra.Command{
		Use: "create --name NAME [--owner EMAIL]", Short: "Found an organization; operators of the installation may",
		Example: "  tokenledger org create --name acme --display-name 'ACME GmbH' --owner ann@acme.example",
	}
	c.Flags().StringVar(&name, "name", "", "short name, for people; the id tells organizations apart")
	c.Flags().StringVar(&display, "display-name", "", "name as people write it; by default the short one")
	c.Flags().StringVar(&owner, "owner", "", "e-mail address of the first owner; by default you")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if name == "" {
			return usage("--name is missing: an organization has a name by which people know it")
		}
		input := map[string]any{"name": name}
		setIf(input, "displayName", display)
		setIf(input, "ownerEmail", owner)
		return a.changeOrg(c, "createOrganization", `mutation($input: CreateOrganizationInput!) {
			createOrganization(input: $input) { organization { `+orgFields+` } } }`, map[string]any{"input": input}, *out)
	}
	return c
}

func (a app) changeOrg(c *cobra.Command, operation, query string, variables map[string]any, form string) error {
	var answer map[string]struct{ Organization orgView }
	if err := a.ask(c, query, variables, &answer); err != nil {
		return err
	}
	return a.showRecord(answer[operation].Organization.record(), form)
}

func (a app) orgList() *cobra.Command {
	var p pages
	c := &cobra.Command{Use: "list", Short: "List the organizations that your token reaches"}
	p.flags(c)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var answer struct{ Organizations connection[orgView] }
		query := `query($first: Int, $after: Cursor) {
			organizations(first: $first, after: $after) { edges { node { ` + orgFields + ` } } ` + pageInfoFields + ` } }`
		if err := a.ask(c, query, p.variables(), &answer); err != nil {
			return err
		}
		return printPage(a, answer.Organizations, *out, "Your token reaches no organization.", orgView.record)
	}
	return c
}

func (a app) orgShow() *cobra.Command {
	c := &cobra.Command{Use: "show [ID]", Short: "Show an organization, by default yours", Args: cobra.MaximumNArgs(1)}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		var answer struct{ Organization orgView }
		query := `query($id: ID) { organization(id: $id) { ` + orgFields + ` } }`
		if err := a.ask(c, query, idOf(args), &answer); err != nil {
			return err
		}
		return a.showRecord(answer.Organization.record(), *out)
	}
	return c
}

// idOf is the variable id, where an argument names one.
func idOf(args []string) map[string]any {
	if len(args) == 0 {
		return map[string]any{}
	}
	return map[string]any{"id": args[0]}
}

func (a app) orgRename() *cobra.Command {
	var name, display string
	c := &cobra.Command{Use: "rename [ID] --name NAME", Short: "Give an organization other names", Args: cobra.MaximumNArgs(1)}
	c.Flags().StringVar(&name, "name", "", "short name, for people; the id tells organizations apart")
	c.Flags().StringVar(&display, "display-name", "", "name as people write it; by default the short one")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		if name == "" {
			return usage("--name is missing: it is the name that the organization gets")
		}
		input := map[string]any{"name": name}
		setIf(input, "displayName", display)
		variables := idOf(args)
		variables["input"] = input
		return a.changeOrg(c, "updateOrganization", `mutation($id: ID, $input: UpdateOrganizationInput!) {
			updateOrganization(id: $id, input: $input) { organization { `+orgFields+` } } }`, variables, *out)
	}
	return c
}
