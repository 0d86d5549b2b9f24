// tokenledger org sso: the provider of an organization's single sign-on.

package main

import "github.com/spf13/cobra"

type ssoView struct {
	ID       string `json:"id"`
	Provider *struct {
		Issuer   string `json:"issuer"`
		ClientID string `json:"clientID"`
	} `json:"ssoProvider"`
}

func (v ssoView) record() record {
	var issuer, client any
	if v.Provider != nil {
		issuer, client = v.Provider.Issuer, v.Provider.ClientID
	}
	return record{{"id", v.ID}, {"issuer", issuer}, {"clientID", client}}
}

const ssoFields = `id ssoProvider { issuer clientID }`

func (a app) orgSSO() *cobra.Command {
	var issuer, client string
	var none bool
	c := &cobra.Command{
		Use:   "sso [ID] [--issuer URL --client-id ID | --clear]",
		Short: "Show or name the OpenID provider that tokens are authorized with", Args: cobra.MaximumNArgs(1),
		Example: "  tokenledger org sso --issuer https://id.example.com --client-id ledger",
	}
	c.Flags().StringVar(&issuer, "issuer", "", "the provider's URL, exactly as it writes it")
	c.Flags().StringVar(&client, "client-id", "", "the ledger's client at the provider")
	c.Flags().BoolVar(&none, "clear", false, "take the provider away")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		named := issuer != "" || client != ""
		switch {
		case named && none:
			return usage("--clear takes the provider away, and --issuer or --client-id names one; keep one of them")
		case named && (issuer == "" || client == ""):
			return usage("--issuer and --client-id belong together")
		}
		variables := idOf(args)
		if !named && !none {
			var answer struct{ Organization ssoView }
			if err := a.ask(c, `query($id: ID) { organization(id: $id) { `+ssoFields+` } }`, variables, &answer); err != nil {
				return err
			}
			return a.showRecord(answer.Organization.record(), *out)
		}
		input := map[string]any{}
		setIf(input, "issuer", issuer)
		setIf(input, "clientID", client)
		if none {
			input["clear"] = true
		}
		variables["input"] = input
		var answer struct {
			Change struct{ Organization ssoView } `json:"updateOrganizationSSOProvider"`
		}
		query := `mutation($id: ID, $input: UpdateOrganizationSSOProviderInput!) {
			updateOrganizationSSOProvider(id: $id, input: $input) { organization { ` + ssoFields + ` } } }`
		if err := a.ask(c, query, variables, &answer); err != nil {
			return err
		}
		return a.showRecord(answer.Change.Organization.record(), *out)
	}
	return c
}
