// tokenledger token: create, list, show and delete; what comes between stands in token_life.go and token_revoke.go.

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// tokenFields is what every token command asks for.
const tokenFields = `id name token description scopes status isActive expiresAt suspendedUntil rotationDueAt ssoAuthorizations createdAt createdBy lastUsedAt revokedAt revokedBy revokedReason`

type tokenView struct {
	ID                string            `json:"id"`
	Name              string            `json:"name"`
	Token             string            `json:"token"`
	Description       *string           `json:"description"`
	Scopes            []string          `json:"scopes"`
	Status            string            `json:"status"`
	IsActive          bool              `json:"isActive"`
	ExpiresAt         *string           `json:"expiresAt"`
	SuspendedUntil    *string           `json:"suspendedUntil"`
	RotationDueAt     *string           `json:"rotationDueAt"`
	SSOAuthorizations map[string]string `json:"ssoAuthorizations"`
	CreatedAt         *string           `json:"createdAt"`
	CreatedBy         *string           `json:"createdBy"`
	LastUsedAt        *string           `json:"lastUsedAt"`
	RevokedAt         *string           `json:"revokedAt"`
	RevokedBy         *string           `json:"revokedBy"`
	RevokedReason     *string           `json:"revokedReason"`
}

func (t tokenView) record() record {
	return record{
		{"id", t.ID},
		{"name", t.Name},
		{"token", detail{t.Token}},
		{"description", detail{t.Description}},
		{"status", t.Status},
		{"isActive", detail{t.IsActive}},
		{"scopes", t.Scopes},
		{"expiresAt", t.ExpiresAt},
		{"lastUsedAt", t.LastUsedAt},
		{"suspendedUntil", detail{t.SuspendedUntil}},
		{"rotationDueAt", detail{t.RotationDueAt}},
		{"ssoAuthorizations", detail{t.SSOAuthorizations}},
		{"createdAt", detail{t.CreatedAt}},
		{"createdBy", detail{t.CreatedBy}},
		{"revokedAt", detail{t.RevokedAt}},
		{"revokedBy", detail{t.RevokedBy}},
		{"revokedReason", detail{t.RevokedReason}},
	}
}

func (a app) tokenCommand() *cobra.Command {
	c := group("token", "Create, look at, change, rotate, suspend and end tokens",
		a.tokenCreate(), a.tokenList(), a.tokenShow(), a.tokenUpdate(), a.tokenRotate(), a.tokenSuspend(), a.tokenResume(),
		a.tokenReview(), a.tokenAuthorize(), a.tokenRevoke(), a.tokenDelete(), a.tokenLeak())
	for _, sub := range c.Commands() {
		if strings.Contains(sub.Use, " ID") || strings.Contains(sub.Use, "[ID") {
			sub.ValidArgsFunction = a.completeTokens
			sub.Args = noValues(sub.Args)
		}
	}
	c.PersistentFlags().Bool("personal", false, "personal access tokens (tolp_) instead of the organization's (tola_)")
	return c
}

// noValues refuses a token's whole value where its id is to be named: it would
// go further than it has already.
func noValues(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, named []string) error {
		for _, name := range named {
			if _, err := secret.Parse(name); err == nil {
				return errors.New("this is the token's whole value, and it is now in one more place; name its id, or use leak --value-file -")
			}
		}
		return args(c, named)
	}
}

// kindOf gives the GraphQL names for the kind that --personal chooses.
func kindOf(c *cobra.Command) (type_, field, plural string) {
	if personal, _ := c.Flags().GetBool("personal"); personal {
		return "PersonalAccessToken", "personalAccessToken", "personalAccessTokens"
	}
	return "APIToken", "apiToken", "apiTokens"
}

func (a app) tokenCreate() *cobra.Command {
	var in struct {
		name, description, expires, file string
		scopes, tags, organizations      []string
		never                            bool
	}
	c := &cobra.Command{
		Use: "create --name NAME [--scopes evidence:write,…]", Short: "Create a token; its value is shown once, or written to a file",
		Example: "  tokenledger token create --name ci --scopes evidence:write --expires 30d",
	}
	f := c.Flags()
	f.StringVar(&in.name, "name", "", "name, for people")
	f.StringVar(&in.description, "description", "", "what it is for")
	f.StringSliceVar(&in.scopes, "scopes", nil, "what it may do, for example evidence:write,control:read")
	completesList(c, "scopes", scopeNames()...)
	f.StringSliceVar(&in.tags, "tags", nil, "tags")
	f.StringSliceVar(&in.organizations, "organizations", nil, "ids of the organizations that a personal token is granted to")
	f.StringVar(&in.expires, "expires", "90d", "when it ends: 30d, 12h, or a time such as 2027-01-31T00:00:00Z")
	f.BoolVar(&in.never, "never", false, "it never expires")
	f.StringVar(&in.file, "write-to", "", "write the value to this new file (0600) instead of showing it")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if in.name == "" {
			return usage("--name is missing: a token has a name by which people know it")
		}
		if in.never && c.Flags().Changed("expires") {
			return errNeverExpires
		}
		input := map[string]any{"name": in.name}
		if !in.never {
			at, err := instant("--expires", in.expires, time.Now())
			if err != nil {
				return err
			}
			input["expiresAt"] = at.UTC().Format(time.RFC3339)
		}
		setIf(input, "description", in.description)
		setIf(input, "scopes", in.scopes)
		setIf(input, "tags", in.tags)
		setIf(input, "organizationIDs", in.organizations)
		return a.createToken(c, input, in.file, *out)
	}
	return c
}

func setIf[T string | []string](m map[string]any, key string, v T) {
	if len(v) > 0 {
		m[key] = v
	}
}

func (a app) createToken(c *cobra.Command, input map[string]any, file, form string) error {
	type_, field, _ := kindOf(c)
	query := fmt.Sprintf(`mutation($input: Create%[1]sInput!) { create%[1]s(input: $input) { %[2]s { %[3]s } } }`, type_, field, tokenFields)
	return a.issueToken(c, issue{
		query: query, variables: map[string]any{"input": input}, operation: "create" + type_, field: field, file: file, form: form,
	})
}

// issue is a mutation whose answer shows a value for the only time.
type issue struct {
	query            string
	variables        map[string]any
	operation, field string // where the token stands in the answer
	file             string // where the value is to be written; empty: shown
	form             string
}

func (a app) issueToken(c *cobra.Command, in issue) error {
	var file *os.File
	if in.file != "" { // opened before the token exists, so that no value is lost to a bad path
		var err error
		if file, err = os.OpenFile(in.file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
			return fmt.Errorf("--write-to: %w", err)
		}
		defer file.Close()
	}
	var answer map[string]map[string]tokenView
	if err := a.ask(c, in.query, in.variables, &answer); err != nil {
		if in.file != "" {
			_ = os.Remove(in.file)
		}
		return err
	}
	t := answer[in.operation][in.field]
	if _, err := secret.Parse(t.Token); err != nil { // masked: this answer is the second one, and the first was lost
		if in.file != "" {
			_ = os.Remove(in.file)
		}
		return fmt.Errorf("the token %s exists, but its value was lost on the way here and is not shown again; rotate or delete it", t.ID)
	}
	if file != nil {
		_, err := fmt.Fprintln(file, t.Token)
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("the token %s exists, but its value could not be written: %w; rotate or delete it", t.ID, err)
		}
		t.Token = "written to " + in.file
	} else if in.form == "table" {
		fmt.Fprintln(a.err, "The value is shown once; store it now.")
	}
	return a.showRecord(t.record(), in.form)
}

func (a app) tokenList() *cobra.Command {
	var p pages
	var where string
	c := &cobra.Command{Use: "list", Short: "List tokens"}
	p.flags(c)
	c.Flags().StringVar(&where, "where", "", `GraphQL filter as JSON, for example '{"isActive":true,"nameHasPrefix":"ci"}'`)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		variables := p.variables()
		if where != "" {
			filter, err := filterOf(where)
			if err != nil {
				return err
			}
			variables["where"] = filter
		}
		return a.listTokens(c, variables, *out)
	}
	return c
}

func (a app) listTokens(c *cobra.Command, variables map[string]any, form string) error {
	type_, _, plural := kindOf(c)
	var answer map[string]connection[tokenView]
	query := fmt.Sprintf(`query($first: Int, $after: Cursor, $where: %sWhereInput) {
		%s(first: $first, after: $after, where: $where) { edges { node { %s } } %s } }`,
		type_, plural, tokenFields, pageInfoFields)
	if err := a.ask(c, query, variables, &answer); err != nil {
		return err
	}
	return printPage(a, answer[plural], form,
		"No tokens. Make one with: tokenledger token create --name ci --scopes evidence:write", tokenView.record)
}

func (a app) tokenShow() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "Show one token", Args: cobra.ExactArgs(1)}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		_, field, _ := kindOf(c)
		var answer map[string]tokenView
		query := fmt.Sprintf(`query($id: ID!) { %s(id: $id) { %s } }`, field, tokenFields)
		if err := a.ask(c, query, map[string]any{"id": args[0]}, &answer); err != nil {
			return err
		}
		return a.showRecord(answer[field].record(), *out)
	}
	return c
}

// changeToken runs a mutation of one token, which takes its id and what the
// arguments declare, and shows the token as it is then.
func (a app) changeToken(c *cobra.Command, verb, arguments string, variables map[string]any, form string) error {
	type_, field, _ := kindOf(c)
	declared, passed := "$id: ID!", "id: $id"
	for argument := range strings.SplitSeq(arguments, ", ") {
		name, _, _ := strings.Cut(argument, ":")
		declared, passed = declared+", $"+argument, passed+", "+name+": $"+name
	}
	query := fmt.Sprintf(`mutation(%s) { %s%s(%s) { %s { %s } } }`, declared, verb, type_, passed, field, tokenFields)
	var answer map[string]map[string]tokenView
	if err := a.ask(c, query, variables, &answer); err != nil {
		return err
	}
	return a.showRecord(answer[verb+type_][field].record(), form)
}

func (a app) tokenDelete() *cobra.Command {
	c := &cobra.Command{
		Use: "delete ID", Short: "Take a token out of the lists; a live one is revoked with it", Args: cobra.ExactArgs(1),
	}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		type_, _, _ := kindOf(c)
		var answer map[string]struct {
			DeletedID string `json:"deletedID"`
		}
		query := fmt.Sprintf(`mutation($id: ID!) { delete%[1]s(id: $id) { deletedID } }`, type_)
		if err := a.ask(c, query, map[string]any{"id": args[0]}, &answer); err != nil {
			return err
		}
		return a.showRecord(record{{"deletedID", answer["delete"+type_].DeletedID}}, *out)
	}
	return c
}
