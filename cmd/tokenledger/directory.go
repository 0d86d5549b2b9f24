// What the commands that ask a service have in common: the organization that
// they are about, and the pages of lists.

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// group is a command that has sub-commands and does nothing by itself.
func group(use, short string, sub ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short}
	c.PersistentFlags().String("organization", "", "id of the organization; needed where the token reaches several")
	c.AddCommand(sub...)
	return c
}

// ask runs an operation for the organization that the command is about.
func (a app) ask(c *cobra.Command, query string, variables map[string]any, out any) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	if named, _ := c.Flags().GetString("organization"); named != "" {
		client.organization = named
	}
	return client.do(c.Context(), query, variables, out)
}

// pages are the flags of a list.
type pages struct {
	first int
	after string
}

func (p *pages) flags(c *cobra.Command) {
	c.Flags().IntVar(&p.first, "first", 100, "how many at most, 1 to 100")
	c.Flags().StringVar(&p.after, "after", "", "cursor to go on from")
}

func (p *pages) variables() map[string]any {
	v := map[string]any{"first": p.first}
	if p.after != "" {
		v["after"] = p.after
	}
	return v
}

// connection is a page as it is answered.
type connection[T any] struct {
	Edges    []struct{ Node T }
	PageInfo struct {
		HasNextPage bool
		EndCursor   string
	}
}

const pageInfoFields = `pageInfo { hasNextPage endCursor }`

// printPage shows the entries of a page, and where the next begins.
func printPage[T any](a app, page connection[T], form, none string, show func(T) record) error {
	var all []T
	for _, e := range page.Edges {
		all = append(all, e.Node)
	}
	if err := printList(a, all, form, none, show); err != nil {
		return err
	}
	if page.PageInfo.HasNextPage {
		fmt.Fprintln(a.err, "There are more: --after", page.PageInfo.EndCursor)
	}
	return nil
}

var roles = []string{"owner", "admin", "auditor", "member"}

// roleFlag adds --role with completion of the roles.
func roleFlag(c *cobra.Command, role *string, byDefault string) {
	c.Flags().StringVar(role, "role", byDefault, "what the member is to be: "+strings.Join(roles, ", "))
	completes(c, "role", roles...)
}

// reasonFlag adds --reason of a change.
func reasonFlag(c *cobra.Command, reason *string) {
	c.Flags().StringVar(reason, "reason", "", "why; it stands in the log for good")
}

// roleOf is a role as the schema writes it.
func roleOf(role string) (string, error) {
	if !slices.Contains(roles, role) {
		return "", usage("--role %q: want one of %s", role, strings.Join(roles, ", "))
	}
	return strings.ToUpper(role), nil
}

// setUntil reads --until into an input: 30d, 12h or a time.
func setUntil(input map[string]any, until string) error {
	if until == "" {
		return nil
	}
	at, err := instant("--until", until, time.Now())
	if err != nil {
		return err
	}
	input["until"] = at.UTC().Format(time.RFC3339)
	return nil
}
