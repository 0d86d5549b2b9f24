// Invitations through the interface: the link once, the list, and who may.

package graphql_test

import (
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql"
)

func TestInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *graphql.Config) { c.PublicURL = "https://ledger.example.com/" })
	const invite = `mutation($email: String!) { inviteMember(input: {email: $email, role: AUDITOR, until: "2099-01-01T00:00:00Z"}) {
		link invitation { id email role until isOpen expiresAt version } receipt { events { type } } } }`
	a := w.send(w.admin, invite, vars{"email": "grace@example.com"}, "Idempotency-Key", "invite-1")
	link := a.at("inviteMember.link")
	secret, ok := strings.CutPrefix(link, "https://ledger.example.com/v1/invitation#")
	if !ok || len(secret) != 64 || a.at("inviteMember.invitation.isOpen") != "true" || a.at("inviteMember.invitation.role") != "AUDITOR" {
		t.Fatalf("invited: %s", a.body)
	}
	if again := w.send(w.admin, invite, vars{"email": "grace@example.com"}, "Idempotency-Key", "invite-1"); again.at("inviteMember.link") != "" ||
		again.at("inviteMember.invitation.id") != a.at("inviteMember.invitation.id") || !strings.Contains(string(again.body), "VALUE_ALREADY_SHOWN") {
		t.Errorf("again: %s", again.body)
	}
	list := `{ organization { invitations { totalCount edges { node { email issuedBy } } } } }`
	if a := w.ask(list, nil); a.at("organization.invitations.totalCount") != "1" || a.at("organization.invitations.edges.0.node.email") != "grace@example.com" {
		t.Errorf("listed: %s", a.body)
	}
	_, member := w.member("mel", events.RoleMember)
	for _, value := range []string{member, w.apiToken("x", "admin").value} {
		w.send(value, invite, vars{"email": "x@example.com"}).refuses("FORBIDDEN", "*")
	}
	w.send(member, list, nil).refuses("FORBIDDEN", "*")
	const accept = `mutation($s: String!) { acceptInvitation(secret: $s) { membership { role until organization { id } } } }`
	w.send(member, accept, vars{"s": secret}).refuses("FORBIDDEN", "secret")
	w.send(member, accept, vars{"s": "guess"}).refuses("NOT_FOUND", "secret")

	// Somebody of another organization, who has the address.
	org, _, other := w.organization("grace")
	got := w.send(other, accept, vars{"s": secret})
	if got.at("acceptInvitation.membership.role") != "AUDITOR" || got.at("acceptInvitation.membership.organization.id") != w.org.String() {
		t.Errorf("accepted in %s, from %s: %s", w.org, org, got.body)
	}
	w.send(other, accept, vars{"s": secret}).refuses("CONFLICT", "*")
	w.settle()
	if a := w.ask(list, nil); a.at("organization.invitations.totalCount") != "0" {
		t.Errorf("still open: %s", a.body)
	}
}
