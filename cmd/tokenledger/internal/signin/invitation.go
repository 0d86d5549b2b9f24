// Invitations: the page that a link leads to, and the sign-in that accepts.

package signin

import (
	"crypto/rand"
	"html/template"
	"net/http"

	"github.com/tokenledger/tokenledger/aggregate"
)

// maxForm bounds what the page sends.
const maxForm = 4 << 10

// invitationPage reads the secret from behind the #, which browsers send nowhere
// by themselves, and posts it once the person says so.
var invitationPage = template.Must(template.New("invitation").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Invitation</title>
<style nonce="{{.Nonce}}">body { font: 16px/1.5 system-ui, sans-serif; max-width: 32em; margin: 15vh auto; padding: 0 1em }
button { font: inherit; padding: .5em 1em }</style>
<h1>You are invited</h1>
{{if .SignIn}}<p>Sign in with the address that the invitation was sent to; you are a member then.</p>
<form method="post" action="/v1/invitation"><input type="hidden" name="secret"><button>Sign in and accept</button></form>
<noscript><p>This page needs JavaScript to read the link.</p></noscript>
<script nonce="{{.Nonce}}">
const secret = document.querySelector('input');
secret.value = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
if (!secret.value) document.querySelector('form').replaceWith('This link is not complete; open it again as it was sent.');
</script>
{{else}}<p>Nobody can sign in here, since no identity provider is configured. Accept with
<code>tokenledger member accept</code> and the link on its standard input.</p>
{{end}}</html>
`))

// invitation shows the page.
func (s *Service) invitation(w http.ResponseWriter, _ *http.Request) error {
	nonce := rand.Text()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+"'")
	return invitationPage.Execute(w, struct {
		Nonce  string
		SignIn bool
	}{nonce, s.provider != nil})
}

// accept begins a sign-in that accepts an invitation at its end.
func (s *Service) accept(w http.ResponseWriter, r *http.Request) error {
	if s.provider == nil {
		return errNoProvider
	}
	if !s.sameOrigin(r) {
		return refuse(codeForbidden, "", "This did not come from the page of the invitation; open its link again.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return refuse(codeBadUserInput, "secret", "The form cannot be read; open the link of the invitation again.")
	}
	f := newFlow(s.now(), "/")
	if f.Invitation = r.PostForm.Get("secret"); f.Invitation == "" {
		return refuse(codeBadUserInput, "secret", "The secret of the invitation is missing; open its link again.")
	}
	return s.begin(w, r, f)
}

// begin sends the browser to the provider.
func (s *Service) begin(w http.ResponseWriter, r *http.Request, f flow) error {
	to, err := s.client.authorization(r.Context(), f)
	if err != nil {
		return s.told(r.Context(), "a sign-in", err, aggregate.CodeUnavailable, "The identity provider does not answer; try again in a moment.")
	}
	if err := s.logins.set(w, f, f.Until, s.now()); err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
