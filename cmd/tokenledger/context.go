// tokenledger context: which services this user's commands can speak to, and which they do.

package main

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

// contextView is a context as it is shown.
type contextView struct {
	name    string
	current bool
	savedContext
}

func (v contextView) record() record {
	return record{
		{"name", v.name},
		{"current", v.current},
		{"server", v.Server},
		{"organization", v.Organization},
		{"tokenFile", v.TokenFile},
		{"caFile", v.CAFile},
		{"issuer", detail{v.Issuer}},
		{"clientID", detail{v.ClientID}},
		{"issuedToken", detail{v.IssuedToken}},
	}
}

func (a app) contextCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "context", Short: "The services that your commands can speak to: list, add, choose and remove them",
		Long: `A context is a name for a service, the file of a token for it, and, if you like, an organization and the
authorities that vouch for the service. tokenledger login makes one and keeps its token.

A command takes what flags say before a context that --context names, that before the environment
(TOKENLEDGER_SERVER, TOKENLEDGER_TOKEN_FILE, TOKENLEDGER_CA_FILE), that before the context that
TOKENLEDGER_CONTEXT names or "context use" chose, that before the embedded pair. A context's token is for its
own server: where another server is named, the context is left aside as a whole.

Contexts stand in contexts.json below $XDG_CONFIG_HOME/tokenledger (~/.config/tokenledger), mode 0600.
No token stands there: each has a file of its own, mode 0600, in the directory tokens beside it.`,
	}
	c.AddCommand(a.contextList(), a.contextShow(), a.contextUse(), a.contextAdd(), a.contextRemove())
	return c
}

func (a app) contextList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the contexts",
		Example: "  tokenledger context list --output csv",
	}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(*cobra.Command, []string) error {
		all, err := a.contexts()
		if err != nil {
			return err
		}
		var views []contextView
		for _, name := range all.names() {
			views = append(views, contextView{name, name == all.Current, all.Named[name]})
		}
		return printList(a, views, *out, "No contexts. Make one with: tokenledger login --server https://ledger.example.com", contextView.record)
	}
	return c
}

func (a app) contextShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show [NAME]", Short: "Show a context, or what a command would speak to now",
		Long: `Show a context. Without a name, show what a command would speak to now, with all flags and the environment
merged; the context is "-" where none is in use, or where another server is named and it is left aside.`,
		Example: "  tokenledger context show\n  tokenledger context show production --output json",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: a.completeContexts,
	}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			t, err := a.target()
			if err != nil {
				return err
			}
			return a.showRecord(record{
				{"context", t.context},
				{"server", t.server},
				{"organization", t.organization},
				{"tokenFile", t.tokenFile},
				{"caFile", t.caFile},
			}, *out)
		}
		all, err := a.contexts()
		if err != nil {
			return err
		}
		saved, err := all.get(args[0])
		if err != nil {
			return err
		}
		return a.showRecord(contextView{args[0], args[0] == all.Current, saved}.record(), *out)
	}
	return c
}

func (a app) contextUse() *cobra.Command {
	c := &cobra.Command{
		Use: "use NAME", Short: "Have the commands that follow speak to this context's service",
		Example: "  tokenledger context use production",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeContexts,
	}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(_ *cobra.Command, args []string) error {
		return a.changeContext(args[0], *out, func(all *contexts) error {
			_, err := all.get(args[0])
			all.Current = args[0]
			return err
		})
	}
	return c
}

// changeContext changes the contexts and shows one of them as it is then.
func (a app) changeContext(name, form string, change func(*contexts) error) error {
	all, err := a.contexts()
	if err != nil {
		return err
	}
	if err := change(&all); err != nil {
		return err
	}
	if err := all.save(); err != nil {
		return fmt.Errorf("keep the contexts: %w", err)
	}
	a.warnOfEnvironment(all)
	return a.showRecord(contextView{name, name == all.Current, all.Named[name]}.record(), form)
}

// warnOfEnvironment tells whoever chose a context that the environment comes before it.
func (a app) warnOfEnvironment(all contexts) {
	settings, err := a.config()
	if err != nil || !settings.ServerNamed || a.overrides()["TOKENLEDGER_SERVER"] != "" {
		return
	}
	if saved, ok := all.Named[all.Current]; ok && saved.Server != settings.Server {
		fmt.Fprintf(a.err, "TOKENLEDGER_SERVER names %s, which comes before the context %s; unset it, or name the context with --context.\n",
			settings.Server, all.Current)
	}
}

func (a app) contextAdd() *cobra.Command {
	var organization string
	c := &cobra.Command{
		Use: "add NAME --server URL", Short: "Add a context for a service whose token you have in a file, or sign in to later",
		Long: `Add a context. --token-file names the file of its token, which stays where it is; without it, sign in with
tokenledger login --context NAME. The context in use stays what it is: choose with tokenledger context use.`,
		Example: `  tokenledger context add production --server https://ledger.example.com --token-file ~/ledger.token
  tokenledger context add staging --server https://ledger.staging.example --ca-file ca.pem`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&organization, "organization", "", "id of the organization that requests are for")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if !contextName.MatchString(args[0]) {
			return usage("%q cannot name a context: want letters, digits, '.', '_' and '-', 64 at most", args[0])
		}
		saved, err := a.newContext(organization)
		if err != nil {
			return err
		}
		return a.changeContext(args[0], *out, func(all *contexts) error {
			if _, there := all.Named[args[0]]; there {
				return usage("there is a context %q already; remove it first, or choose another name", args[0])
			}
			all.Named[args[0]] = saved
			return nil
		})
	}
	return c
}

// newContext is what the flags say; the environment is for one shell, not for a file.
func (a app) newContext(organization string) (saved savedContext, err error) {
	settings, err := a.config()
	if err != nil {
		return saved, err
	}
	flags := a.overrides()
	if flags["TOKENLEDGER_SERVER"] == "" {
		return saved, usage("--server is missing: name the URL of the service, such as https://ledger.example.com")
	}
	saved = savedContext{Server: settings.Server, Organization: organization}
	if err := checkContext(saved); err != nil {
		return saved, err
	}
	for variable, into := range map[string]*string{"TOKENLEDGER_TOKEN_FILE": &saved.TokenFile, "TOKENLEDGER_CA_FILE": &saved.CAFile} {
		if flags[variable] == "" {
			continue
		}
		if *into, err = filepath.Abs(flags[variable]); err != nil {
			return saved, err
		}
	}
	return saved, nil
}

// checkContext refuses what a file of contexts must not hold, or could not be used.
func checkContext(saved savedContext) error {
	u, err := url.Parse(saved.Server)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return usage("--server: want the URL of the service alone, such as https://ledger.example.com, without a user, password or query")
	}
	if saved.Organization != "" {
		if _, err := uuid.Parse(saved.Organization); err != nil {
			return usage("--organization %q: want the organization's id, a UUID", saved.Organization)
		}
	}
	return nil
}

func (a app) contextRemove() *cobra.Command {
	c := &cobra.Command{
		Use: "remove NAME", Short: "Forget a context, and the token that login kept for it",
		Long: `Forget a context, and remove the file of the token that login kept for it; a file that you named yourself stays.
A token that login made in the browser is to be ended first, with tokenledger logout.`,
		Example: "  tokenledger context remove staging",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeContexts,
	}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(_ *cobra.Command, args []string) error {
		all, err := a.contexts()
		if err != nil {
			return err
		}
		saved, err := all.get(args[0])
		if err != nil {
			return err
		}
		if saved.IssuedToken != "" {
			return fmt.Errorf("the token %s was made for this context; end it first: tokenledger logout --context %s", saved.IssuedToken, args[0])
		}
		delete(all.Named, args[0])
		if all.Current == args[0] {
			all.Current = ""
		}
		if err := errors.Join(all.dropToken(args[0]), all.save()); err != nil {
			return fmt.Errorf("forget the context: %w", err)
		}
		return a.showRecord(record{{"removed", args[0]}}, *out)
	}
	return c
}
