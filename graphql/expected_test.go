// A change that was decided on an older version is refused, and nothing of it is recorded.

package graphql_test

import (
	"fmt"
	"testing"
)

func TestChangesOfAnOlderVersionAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.ask(`mutation { createUser(input: {email: "grace@example.com", role: AUDITOR}) { user { id } } }`, nil)
	user := a.at("createUser.user.id")
	api := w.apiToken("versions", "evidence:write").id
	personal := w.ask(`mutation($o: [ID!]) { createPersonalAccessToken(input: {name: "versions", organizationIDs: $o}) { personalAccessToken { id } } }`,
		vars{"o": []string{w.org.String()}}).at("createPersonalAccessToken.personalAccessToken.id")
	for _, c := range []struct {
		field, args, answer string
		at                  int // the version that the thing has
	}{
		{"updateOrganization", `input: {name: "acme2", expectedVersion: %d}`, `organization { version }`, 1},
		{"updateOrganizationPolicy", `input: {ssoRequired: false, memberScopes: ["evidence:read"], expectedVersion: %d}`, `organization { version }`, 2},
		{"updateOrganizationSSOProvider", `input: {issuer: "https://id.example.com", clientID: "x", expectedVersion: %d}`, `organization { version }`, 3},
		{"updateUser", fmt.Sprintf(`id: %q, input: {email: "g@example.com", displayName: "G", expectedVersion: %%d}`, user), `user { version }`, 1},
		{"updateMember", fmt.Sprintf(`input: {userID: %q, role: MEMBER, expectedVersion: %%d}`, user), `membership { version }`, 1},
		{"deactivateUser", fmt.Sprintf(`id: %q, reason: "x", expectedVersion: %%d`, user), `user { version }`, 2},
		{"reactivateUser", fmt.Sprintf(`id: %q, expectedVersion: %%d`, user), `user { version }`, 3},
		{"removeMember", fmt.Sprintf(`userID: %q, expectedVersion: %%d`, user), `membership { version }`, 2},
		{"suspendAPIToken", fmt.Sprintf(`id: %q, expectedVersion: %%d`, api), `apiToken { version }`, 1},
		{"resumeAPIToken", fmt.Sprintf(`id: %q, expectedVersion: %%d`, api), `apiToken { version }`, 2},
		{"revokeAPIToken", fmt.Sprintf(`id: %q, reason: "x", expectedVersion: %%d`, api), `apiToken { version }`, 3},
		{"suspendPersonalAccessToken", fmt.Sprintf(`id: %q, expectedVersion: %%d`, personal), `personalAccessToken { version }`, 1},
		{"resumePersonalAccessToken", fmt.Sprintf(`id: %q, expectedVersion: %%d`, personal), `personalAccessToken { version }`, 2},
		{"revokePersonalAccessToken", fmt.Sprintf(`id: %q, reason: "x", expectedVersion: %%d`, personal), `personalAccessToken { version }`, 3},
	} {
		mutation := fmt.Sprintf("mutation { %s(%s) { %s receipt { position } } }", c.field, c.args, c.answer)
		before, err := w.log.Head(t.Context())
		must(t, err)
		for _, wrong := range []int{0, c.at - 1, c.at + 1} {
			w.send(w.admin, fmt.Sprintf(mutation, wrong), nil).refuses("CONFLICT", "expectedVersion")
		}
		for rec, err := range w.log.ReadAll(t.Context(), before) {
			must(t, err)
			if rec.Decision() {
				t.Errorf("%s: recorded %s", c.field, rec.Event.Type())
			}
		}
		w.ask(fmt.Sprintf(mutation, c.at), nil)
		w.settle()
	}
}
