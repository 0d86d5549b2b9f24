// Single sign-on of organizations: a token is authorized when the right person
// signs in with the organization's provider.

package signin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outbound"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// SSO is what authorizing tokens takes besides.
type SSO struct {
	Tokens  *aggregate.Tokens
	Guard   outbound.Guard // of calls to providers that tenants chose
	Secrets string         // directory of client secrets: a file for each organization, by its id
	Limits  *failures.Limits
	Address func(*http.Request) netip.Addr // of the client
}

// asked is the body of the request that begins a flow.
type asked struct {
	Token        string `json:"token"` // an id in any form, or the value
	Organization string `json:"organization"`
	Return       string `json:"return"`
}

const maxAsked = 16 << 10

// authorize sends somebody to the provider of an organization, to authorize a
// token there: a browser by a redirect, a program by telling the URL.
func (s *Service) authorize(w http.ResponseWriter, r *http.Request) error {
	if !s.reachable {
		return refuse(aggregate.CodeConflict, "", "Nobody could come back here: the installation has no public URL (TOKENLEDGER_PUBLIC_URL).")
	}
	in, form, err := read(r)
	if err != nil {
		return err
	}
	organization, err := uuid.Parse(in.Organization)
	if err != nil {
		return refuse(codeBadUserInput, "organization", "organization must be an organization's UUID.")
	}
	user, err := s.asker(w, r, in.Token)
	if err != nil {
		return err
	}
	token, err := s.named(r.Context(), in.Token)
	if err != nil {
		return err
	}
	ref, provider, err := s.sso.Tokens.MayAuthorize(r.Context(), inPerson(r.Context(), user), organization, token)
	if err != nil {
		return err
	}
	c, err := s.clientOf(organization, provider)
	if err != nil {
		return err
	}
	f := newFlow(s.now(), in.Return)
	f.Stamp = &stamp{Provider: provider, Organization: organization, Token: ref.ID, Kind: ref.Kind, User: user}
	to, err := c.authorization(r.Context(), f)
	if err != nil {
		return s.told(r.Context(), "single sign-on", err, codeForbidden, "The organization's provider cannot be used.")
	}
	if err := s.stamps.set(w, f, f.Until, s.now()); err != nil {
		return err
	}
	if form {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	writeJSON(w, http.StatusOK, map[string]any{"url": to, "expiresAt": f.Until.UTC()})
	return nil
}

// read takes a form, as pages send it, or JSON.
func read(r *http.Request) (in asked, form bool, err error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxAsked)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil || d.Decode(&struct{}{}) != io.EOF {
			return in, false, refuse(codeBadUserInput, "", "The body is not a JSON object of token, organization and return.")
		}
		return in, false, nil
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return in, true, refuse(codeBadUserInput, "", "The body is not a form.")
		}
		return asked{r.PostForm.Get("token"), r.PostForm.Get("organization"), r.PostForm.Get("return")}, true, nil
	}
	return in, false, refuse(codeBadUserInput, "", "Send a form or JSON with the fields token and organization.")
}

// asker is the person who has to come back from the provider: who is signed in,
// whose personal token the request is authenticated with, or else, whose personal
// token it is about, if the request has its value.
func (s *Service) asker(w http.ResponseWriter, r *http.Request, token string) (uuid.UUID, error) {
	bearer := ""
	if scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		bearer = strings.TrimSpace(value)
	}
	p, found, err := s.Recognize(w, r, bearer, uuid.Nil)
	switch {
	case err != nil:
		return uuid.Nil, err
	case found:
		return p.User, nil
	case bearer == "":
		bearer = token
	}
	v, err := secret.Parse(bearer)
	switch {
	case err != nil:
		return uuid.Nil, refuse(codeUnauthenticated, "", "Sign in, or send a personal token, or the value of the personal token that is to be authorized.")
	case v.Kind() != secret.Personal:
		return uuid.Nil, refuse(codeForbidden, "", "An organization token never authorizes a token; an administrator does, in person.")
	}
	subject, code, err := s.verifier.Authenticate(r.Context(), verifier.Query{Value: bearer, Ledger: true})
	if err != nil {
		return uuid.Nil, err
	}
	if code != "" && code != verifier.SSORequired { // to be without is why somebody comes here
		if wait := s.sso.Limits.Failed(s.sso.Address(r), bearer); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			return uuid.Nil, refuse(codeRateLimited, "", "Too many attempts failed; wait a moment.")
		}
		return uuid.Nil, refuse(codeUnauthenticated, "", "This token is not valid.")
	}
	return subject.User, nil
}

// named is the token that is to be authorized. Whether there is one, and whether
// the person may know of it, is decided after this.
func (s *Service) named(ctx context.Context, text string) (uuid.UUID, error) {
	if v, err := secret.Parse(text); err == nil {
		return uuid.UUID(v.ID()), nil
	}
	ref, err := secret.ParseReference(text)
	switch {
	case err != nil:
		return uuid.Nil, refuse(codeBadUserInput, "token", "%v.", secret.ErrReference)
	case ref.Form != secret.ByFingerprint:
		return uuid.UUID(ref.ID), nil
	}
	row, found, err := s.views.TokenByFingerprint(ctx, ref.Fingerprint)
	if err == nil && !found {
		err = refuse(aggregate.CodeNotFound, "token", "There is no such token in this organization.")
	}
	return row.ID, err
}

// inPerson is a call of the person himself, which the provider is to prove.
func inPerson(ctx context.Context, user uuid.UUID) aggregate.Call {
	c := call(ctx)
	c.Principal = aggregate.Principal{Actor: events.Person(user), User: user}
	return c
}

// authorized takes the provider's answer and stamps the token.
func (s *Service) authorized(w http.ResponseWriter, r *http.Request) error {
	f, err := s.stamps.resume(r, s.now())
	if err != nil {
		return err
	}
	s.stamps.clear(w)
	if f.Stamp == nil {
		return refuse(codeBadUserInput, "state", "This authorizes no token; begin it again.")
	}
	c, err := s.clientOf(f.Stamp.Organization, f.Stamp.Provider)
	if err != nil {
		return err
	}
	a, err := s.returned(r, c, f)
	if err != nil {
		return err
	}
	if err := s.mustBe(r.Context(), f.Stamp.User, a); err != nil {
		return err
	}
	ref := aggregate.TokenRef{Kind: f.Stamp.Kind, ID: f.Stamp.Token}
	out, err := s.sso.Tokens.AuthorizeBySignIn(r.Context(), inPerson(r.Context(), f.Stamp.User), aggregate.SSOProof{
		Organization: f.Stamp.Organization, Token: ref, Provider: f.Stamp.Provider, Once: f.State,
	})
	switch {
	case err != nil:
		return err
	case out.Receipt.Replayed:
		return errReplayed
	}
	if err := s.verifier.Wait(r.Context(), out.Receipt.Last()); err != nil {
		return err
	}
	if f.Return != "" {
		http.Redirect(w, r, f.Return, http.StatusSeeOther)
		return nil
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"token": f.Stamp.Token, "organization": f.Stamp.Organization,
		"authorizedAt": out.Receipt.RecordedAt, "position": out.Receipt.Last(),
	})
	return nil
}

// mustBe refuses every account but the user's: the one that is linked to him at
// this issuer, or where none is, one whose verified address is his. An
// organization's provider links nothing: its word counts for its own stamps alone.
func (s *Service) mustBe(ctx context.Context, user uuid.UUID, a account) error {
	subject, linked, err := s.views.IdentityAt(ctx, user, a.Issuer)
	if err != nil {
		return err
	}
	if linked {
		if subject == a.Subject {
			return nil
		}
		return errAnother
	}
	rows, err := s.views.UsersByID(ctx, []uuid.UUID{user})
	if err != nil {
		return err
	}
	if email := rows[user].Email; a.Email == "" || email == nil || !strings.EqualFold(*email, a.Email) {
		return errAnother
	}
	return nil
}

var errAnother = refuse(codeForbidden, "", "The account that came back is not that of the person who began this, by its identity or its verified address.")

// maxProviders bounds how many issuers are remembered.
const maxProviders = 1000

// clientOf is this service at an organization's provider.
func (s *Service) clientOf(organization uuid.UUID, p events.Provider) (client, error) {
	value, err := clientSecret(s.sso.Secrets, organization, p.Issuer)
	if err != nil {
		return client{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.providers[p.Issuer]
	if known == nil {
		if len(s.providers) >= maxProviders {
			clear(s.providers)
		}
		known = newProvider(p.Issuer, s.guarded)
		s.providers[p.Issuer] = known
	}
	return client{known, p.ClientID, value, s.origin + "/v1/sso/token/callback"}, nil
}

// goesNowhere reports whether a provider would send a browser to something that
// is no page.
func goesNowhere(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http"
}

// outOfReach tells an administrator that the address is why it does not work.
func outOfReach(err error) error {
	if errors.Is(err, outbound.ErrRefused) || errors.Is(err, outbound.ErrScheme) || errors.Is(err, outbound.ErrRedirect) {
		return refuse(aggregate.CodeConflict, "", "The provider's address cannot be found, or is one that this installation does not call.")
	}
	return nil
}
