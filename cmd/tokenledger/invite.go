// tokenledger member invite: memberships that are offered by a link.

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

const invitationFields = `id email role until issuedAt expiresAt isOpen version`

type invitationView struct {
	ID        string  `json:"id"`
	Email     *string `json:"email"`
	Role      string  `json:"role"`
	Until     *string `json:"until"`
	IssuedAt  string  `json:"issuedAt"`
	ExpiresAt string  `json:"expiresAt"`
	IsOpen    bool    `json:"isOpen"`
	Version   int64   `json:"version"`
}

func (i invitationView) record() record {
	return record{
		{"id", i.ID},
		{"email", i.Email},
		{"role", strings.ToLower(i.Role)},
		{"until", i.Until},
		{"issuedAt", i.IssuedAt},
		{"expiresAt", i.ExpiresAt},
		{"isOpen", i.IsOpen},
		{"version", i.Version},
	}
}

type invitationAnswer map[string]struct {
	Invitation invitationView
	Link       *string
}

func (a app) memberInvite() *cobra.Command {
	var role, until string
	c := &cobra.Command{
		Use: "invite EMAIL --role ROLE", Short: "Offer somebody a membership, by a link that works once, for seven days",
		Example: "  tokenledger member invite eve@auditors.example --role auditor --until 30d", Args: cobra.ExactArgs(1),
	}
	roleFlag(c, &role, "member")
	c.Flags().StringVar(&until, "until", "", "when the membership ends by itself: 30d, 12h, or a time")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		as, err := roleOf(role)
		if err != nil {
			return err
		}
		input := map[string]any{"email": args[0], "role": as}
		if err := setUntil(input, until); err != nil {
			return err
		}
		var answer invitationAnswer
		if err := a.ask(c, `mutation($input: InviteMemberInput!) { inviteMember(input: $input) {
			link invitation { `+invitationFields+` } } }`, map[string]any{"input": input}, &answer); err != nil {
			return err
		}
		made := answer["inviteMember"]
		if made.Link == nil {
			return fmt.Errorf("the invitation %s exists, but its link was lost on the way here and is not shown again; withdraw it and invite anew", made.Invitation.ID)
		}
		link := *made.Link
		if strings.HasPrefix(link, "/") {
			if t, err := a.target(); err == nil {
				link = t.server + link
			}
		}
		if *out == "table" {
			fmt.Fprintln(a.err, "The link is shown once; pass it on to whom it is for.")
		}
		return a.showRecord(append(made.Invitation.record(), cell{"link", link}), *out)
	}
	return c
}

func (a app) memberInvitations() *cobra.Command {
	var p pages
	c := &cobra.Command{Use: "invitations", Short: "List the invitations that can be accepted still"}
	p.flags(c)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var answer struct {
			Organization struct{ Invitations connection[invitationView] }
		}
		query := `query($first: Int, $after: Cursor) { organization {
			invitations(first: $first, after: $after) { edges { node { ` + invitationFields + ` } } ` + pageInfoFields + ` } } }`
		if err := a.ask(c, query, p.variables(), &answer); err != nil {
			return err
		}
		return printPage(a, answer.Organization.Invitations, *out, "No open invitations.", invitationView.record)
	}
	return c
}

func (a app) memberWithdraw() *cobra.Command {
	var reason string
	c := &cobra.Command{Use: "withdraw INVITATION-ID", Short: "Take an invitation back", Args: cobra.ExactArgs(1)}
	reasonFlag(c, &reason)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		variables := map[string]any{"id": args[0]}
		setIf(variables, "reason", reason)
		var answer invitationAnswer
		if err := a.ask(c, `mutation($id: ID!, $reason: String) { withdrawInvitation(id: $id, reason: $reason) {
			invitation { `+invitationFields+` } } }`, variables, &answer); err != nil {
			return err
		}
		return a.showRecord(answer["withdrawInvitation"].Invitation.record(), *out)
	}
	return c
}

func (a app) memberAccept() *cobra.Command {
	c := &cobra.Command{
		Use: "accept", Short: "Accept an invitation; the link, or what stands behind its #, is read from stdin",
		Example: "  tokenledger member accept < link.txt",
	}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		text, err := io.ReadAll(io.LimitReader(a.in, 4<<10))
		if err != nil {
			return err
		}
		secret := strings.TrimSpace(string(text))
		if i := strings.LastIndexByte(secret, '#'); i >= 0 {
			secret = secret[i+1:]
		}
		if secret == "" {
			return usage("nothing on stdin: the link of the invitation is read from there, so that no list of processes shows it")
		}
		return a.changeMember(c, "acceptInvitation", `mutation($secret: String!) {
			acceptInvitation(secret: $secret) { membership { `+memberFields+` } } }`, map[string]any{"secret": secret}, *out)
	}
	return c
}
