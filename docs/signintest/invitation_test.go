// Invitations: somebody who is no user yet opens a link, signs in, and is a member.

package signintest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestInvitations(t *testing.T) {
	w := newWorld(t)
	w.provider.open(w.url)
	w.user("ida", "ADMIN")
	inviter := w.browser()
	w.await("the provider is asked", func() bool { return inviter.get(w.url+"/v1/login").status == http.StatusSeeOther })
	inviter.signIn("ida")
	const invite = `mutation($email: String!) { inviteMember(input: {email: $email, role: AUDITOR}) { link invitation { id } } }`
	w.token(w.admin).query(invite, vars{"email": "x@example.com"}).refused("FORBIDDEN") // people invite, tokens do not
	link := inviter.ask(invite, vars{"email": "nina@example.com"}).text("inviteMember.link")
	page, secret, _ := strings.Cut(link, "#") // a path alone, since the service was told no URL of its own
	if page != "/v1/invitation" || len(secret) != 64 {
		t.Fatalf("the link: %s", link)
	}
	if a := w.browser().get(w.url + page); a.status != http.StatusOK || !strings.Contains(a.raw, "Sign in and accept") {
		t.Errorf("the page: %d %s", a.status, a.raw)
	}
	accept := func(b caller, subject, secret string) answer {
		begun := b.post(w.url+"/v1/invitation", url.Values{"secret": {secret}})
		if begun.status != http.StatusSeeOther {
			return begun
		}
		return b.get(b.atProvider(begun.location, subject))
	}
	w.provider.person("nina", "nina@example.com", true)
	w.provider.person("thief", "thief@example.com", true)
	w.provider.person("liar", "nina@example.com", false) // says so, and nobody has verified it
	before := w.events("")
	accept(w.browser(), "thief", secret).refused("FORBIDDEN")
	accept(w.browser(), "liar", secret).refused("FORBIDDEN")
	accept(w.browser(), "nina", strings.Repeat("A", 64)).refused("NOT_FOUND")
	accept(w.browser(), "nina", "").refused("BAD_USER_INPUT")
	accept(w.browser().with("Sec-Fetch-Site", "cross-site"), "nina", secret).refused("FORBIDDEN")
	w.browser().signIn("nina").refused("FORBIDDEN") // without the link she is nobody
	if after := w.events(""); len(after) != len(before) {
		t.Errorf("recorded: %v", after[len(before):])
	}

	nina := w.browser()
	if a := accept(nina, "nina", secret); a.status != http.StatusSeeOther || a.location != w.url+"/" {
		t.Fatalf("accepted: %d %s", a.status, a.raw)
	}
	id := nina.ask(me, nil).text("me.id")
	if got := w.events(id); !slices.Equal(got, []string{"user.created", "user.identity_linked", "user.signed_in"}) {
		t.Errorf("in her trail: %v", got)
	}
	if got := nina.ask(`{ organization { viewerRole } }`, nil).text("organization.viewerRole"); got != "AUDITOR" {
		t.Errorf("she is %s", got)
	}
	accept(w.browser(), "nina", secret).refused("CONFLICT")
	if slices.ContainsFunc(w.leaves(), func(leaf string) bool { return strings.Contains(leaf, secret) || strings.Contains(leaf, "nina@") }) {
		t.Error("a leaf has the secret or the address")
	}
}
