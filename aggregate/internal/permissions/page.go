// The page: a table for each kind of credential, then the policies themselves.

package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

const introduction = `# Who may do what

This page is generated from the policies in ` + "`aggregate/policies`" + ` (` + "`go generate ./aggregate`" + `); it says what the program does.

What no policy permits is denied (` + "`" + aggregate.NoPolicy + "`" + `), and what one forbids is denied whatever permits it. A cell names the
policy that permits; where a person may and this credential may not because a policy forbids it, that policy
stands after "no:". A row that would be empty is left out. Refusals carry the policy's name as
` + "`extensions.policy`" + `, answers of ` + "`verifyToken`" + ` as ` + "`policy`" + `.

The columns owner, admin, auditor and member are roles in the organization whose thing it is, as they are at this
instant; "own" is whoever it belongs to, whatever his role: his user, his personal token, the organization
token that he made. An operator is one of the installation.

A token needs the scope of the operation; a wider one will do (` + "`token:write`, `write` and `admin` for `token:read`" + `). Of
operations that say ` + "`admin`" + `, a narrower scope allows none. A personal token without scopes has all its
owner's rights. An organization token reaches its own organization only. A deadline, a suspension, an ended grant,
single sign-on and the organization's other demands are looked at besides.

What is not here nobody may who calls. Erasing a user, rotating keys and recovering an administrator take the
database's credentials and the key file, on the command line of the installation.
`

func page() []byte {
	var b bytes.Buffer
	b.WriteString(introduction)
	for _, c := range aggregate.Credentials() {
		fmt.Fprintf(&b, "\n## %s\n\n", title(string(c)))
		if c == aggregate.CredentialOrganizationToken || c == aggregate.CredentialService {
			table(&b, c, []aggregate.Stance{{Name: "may"}})
		} else {
			table(&b, c, aggregate.Stances())
		}
	}
	systems(&b)
	text(&b)
	return b.Bytes()
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func table(b *bytes.Buffer, c aggregate.Credential, stances []aggregate.Stance) {
	head, rule := "| operation | scope |", "|---|---|"
	for _, at := range stances {
		head += " " + at.Name + " |"
		rule += "---|"
	}
	b.WriteString(head + "\n" + rule + "\n")
	for _, op := range aggregate.Operations() {
		row, any := fmt.Sprintf("| `%s` | `%s` |", op, aggregate.ScopeFor(op)), false
		for _, at := range stances {
			cell := " "
			switch r := aggregate.Permission(op, c, at); {
			case r.Allowed:
				cell = " " + link(r.Policy) + " "
			case r.Policy != aggregate.NoPolicy && aggregate.Permission(op, aggregate.CredentialPerson, at).Allowed:
				cell = " no: " + link(r.Policy) + " "
			}
			row += cell + "|"
			any = any || cell != " "
		}
		if any {
			b.WriteString(row + "\n")
		}
	}
}

func link(policy string) string { return "[" + policy + "](#" + policy + ")" }

// systems is what tokens may do elsewhere, where members may write evidence.
func systems(b *bytes.Buffer) {
	b.WriteString("\n## In other systems\n\nWhat tokens with the scope may do in the organization's systems, as `verifyToken` answers, where the\n" +
		"organization lists `evidence:write` for its members:\n\n| scope | owner | admin | auditor | member | organization token |\n|---|---|---|---|---|---|\n")
	for _, scope := range aggregate.Systems() {
		fmt.Fprintf(b, "| `%s` |", scope)
		cell := func(r aggregate.Ruling) {
			if r.Allowed {
				fmt.Fprintf(b, " %s |", link(r.Policy))
			} else {
				b.WriteString(" |")
			}
		}
		for _, role := range []events.Role{events.RoleOwner, events.RoleAdmin, events.RoleAuditor, events.RoleMember} {
			cell(aggregate.UsePermission(scope, aggregate.CredentialScopedToken, role, "evidence:write"))
		}
		cell(aggregate.UsePermission(scope, aggregate.CredentialOrganizationToken, "", "evidence:write"))
		b.WriteString("\n")
	}
	b.WriteString("\nA personal token without scopes may what its owner may. `write` implies `read`; `admin` is all but\n`token:introspect`. The organization's scope ceiling holds for every token.\n")
}

// text is the policies, word for word, and the schema.
func text(b *bytes.Buffer) {
	b.WriteString("\n# The policies\n\nOf several that match, the first is named, in this order; one that forbids goes before all that permit.\n")
	file := ""
	for _, p := range aggregate.Policies() {
		if p.File != file {
			file = p.File
			fmt.Fprintf(b, "\n## %s\n", file)
		}
		fmt.Fprintf(b, "\n### %s\n\n```cedar\n%s\n```\n", p.ID, p.Text)
	}
	fmt.Fprintf(b, "\n# The schema\n\n```cedar\n%s```\n", aggregate.PolicySchema())
}
