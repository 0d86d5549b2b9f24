// What the shell completes beyond commands and flags: names that are known here, and tokens, which the service is asked for.

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// completes has the shell complete the values of a flag. The error of a flag that
// was not defined cannot be.
func completes(c *cobra.Command, flag string, values ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// completesList is completes for a flag whose value is a list with commas.
func completesList(c *cobra.Command, flag string, values ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		var all []string
		for _, v := range values {
			all = append(all, before+v)
		}
		return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

func scopeNames() []string { return aggregate.Registry{}.Scopes() }

func ruleNames() (names []string) {
	for _, r := range projections.Rules {
		names = append(names, string(r))
	}
	return names
}

func reportNames() (names []string) {
	for _, k := range evidence.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// typeNames are what a webhook or a reader can ask for: types of events, and what they are about.
func typeNames() (names []string) {
	kinds := map[string]bool{}
	for _, k := range events.Catalogue() {
		kind, _, _ := strings.Cut(string(k.Type), ".")
		if !kinds[kind] {
			kinds[kind] = true
			names = append(names, kind)
		}
		names = append(names, string(k.Type))
	}
	return names
}

// completeTokens has the shell complete the ids of tokens, with their names
// beside them. Where the service does not answer, there is nothing to complete.
func (a app) completeTokens(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	_, _, plural := kindOf(c)
	var answer map[string]connection[tokenView]
	err := a.ask(c, fmt.Sprintf(`{ %s(first: 100, where: {isActive: true}) { edges { node { id name } } } }`, plural), nil, &answer)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	named := map[string]bool{}
	for _, id := range args {
		named[id] = true
	}
	var ids []string
	for _, e := range answer[plural].Edges {
		if !named[e.Node.ID] {
			ids = append(ids, e.Node.ID+"\t"+e.Node.Name)
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completeContexts has the shell complete the names of contexts.
func (a app) completeContexts(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	all, err := a.contexts()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, name := range all.names() {
		names = append(names, name+"\t"+all.Named[name].Server)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeNames has the shell complete, wherever they are flags, the names of contexts, and
// organizations, which the service is asked for.
func (a app) completeNames(root *cobra.Command) {
	_ = root.RegisterFlagCompletionFunc("context", func(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return a.completeContexts(c, nil, typed)
	})
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		if c.LocalNonPersistentFlags().Lookup("organization") != nil || c.PersistentFlags().Lookup("organization") != nil {
			_ = c.RegisterFlagCompletionFunc("organization", a.completeOrganizations)
		}
		for _, sub := range c.Commands() {
			each(sub)
		}
	}
	each(root)
}

// completeOrganizations gives the ids of the organizations that the token reaches, with their
// names beside them. Where the service does not answer, there is nothing to complete.
func (a app) completeOrganizations(c *cobra.Command, _ []string, _ string) (ids []string, _ cobra.ShellCompDirective) {
	client, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	client.organization = "" // it is about to be named
	all, err := client.organizations(c.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, o := range all {
		ids = append(ids, o.ID+"\t"+o.Name)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
