// Single sign-on: who may have what stamped, by whose word, how often and for how long.

package aggregate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
)

var acme = events.Provider{Issuer: "https://id.acme.example", ClientID: "ledger"}

// connect names acme's provider as the organization's.
func (w *world) connect(org uuid.UUID) {
	w.Helper()
	if _, err := w.directory.SetSSOProvider(w.Context(), w.by(events.RoleOwner), org, acme); err != nil {
		w.Fatal(err)
	}
}

// signOn stamps a token by the provider's word.
func (w *world) signOn(call Call, org uuid.UUID, ref TokenRef, state string) (TokenOutcome, error) {
	w.Helper()
	return w.tokens.AuthorizeBySignIn(w.Context(), call, SSOProof{Organization: org, Token: ref, Provider: acme, Once: state})
}

func TestSSOProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := w.head()
	w.connect(w.org)
	w.connect(w.org) // changes nothing
	w.recorded(from, "organization.sso_provider_changed in org")
	from = w.head()
	for name, p := range map[string]events.Provider{
		"no client":     {Issuer: acme.Issuer},
		"no issuer":     {ClientID: "x"},
		"no URL":        {Issuer: "id.acme.example", ClientID: "x"},
		"a file":        {Issuer: "file:///etc/passwd", ClientID: "x"},
		"a password":    {Issuer: "https://u:p@id.acme.example", ClientID: "x"},
		"a query":       {Issuer: "https://id.acme.example?a=b", ClientID: "x"},
		"a long issuer": {Issuer: "https://" + strings.Repeat("x", 600), ClientID: "x"},
	} {
		if _, err := w.directory.SetSSOProvider(t.Context(), w.by(events.RoleOwner), w.org, p); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for _, role := range []events.Role{events.RoleAuditor, events.RoleMember} {
		_, err := w.directory.SetSSOProvider(t.Context(), w.by(role), w.org, events.Provider{})
		mustBe(t, err, CodeForbidden, "")
	}
	w.recorded(from)
	if _, err := w.directory.SetSSOProvider(t.Context(), w.by(events.RoleAdmin), w.org, events.Provider{}); err != nil {
		t.Errorf("an administrator takes the provider away: %v", err)
	}
}

func TestWhoMaySignOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(w.org)
	mine := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
	ours := w.newOrganizationToken(w.by(events.RoleOwner), "evidence:write")
	from := w.head()
	for name, c := range map[string]struct {
		by   Call
		ref  TokenRef
		code Code
	}{
		"another's personal token, as owner":       {w.by(events.RoleOwner), mine, CodeForbidden},
		"another's personal token, as auditor":     {w.by(events.RoleAuditor), mine, CodeForbidden},
		"an organization token, as member":         {w.by(events.RoleMember), ours, CodeForbidden},
		"an organization token, as auditor":        {w.by(events.RoleAuditor), ours, CodeForbidden},
		"an organization token, by itself":         {w.through(ours), ours, CodeForbidden},
		"a token that is not there":                {w.by(events.RoleOwner), organizationRef(uuid.New()), CodeNotFound},
		"an organization token, as the other kind": {w.by(events.RoleOwner), personalRef(ours.ID), CodeNotFound},
	} {
		_, err := w.signOn(c.by, w.org, c.ref, name)
		var r *Refusal
		if !errors.As(err, &r) || r.Code != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
		if _, _, err := w.tokens.MayAuthorize(t.Context(), c.by, w.org, c.ref.ID); err == nil && c.code != CodeNotFound {
			t.Errorf("%s: is sent to the provider", name)
		}
	}
	w.recorded(from)
	if ref, p, err := w.tokens.MayAuthorize(t.Context(), w.by(events.RoleMember), w.org, mine.ID); err != nil || p != acme || ref != mine {
		t.Errorf("the owner is sent to %v for %v, %v", p, ref, err)
	}
	if _, err := w.signOn(w.by(events.RoleMember), w.org, mine, "1"); err != nil {
		t.Error(err)
	}
	if _, err := w.signOn(w.by(events.RoleAdmin), w.org, ours, "2"); err != nil {
		t.Error(err)
	}
	w.recorded(from, "grant.sso_authorized in org", "token.sso_authorized in org")
	for stream, issuer := range map[events.StreamID]string{
		events.GrantStream(mine.ID, w.org): acme.Issuer, events.TokenStream(ours.ID): acme.Issuer,
	} {
		h := w.history(stream)
		switch e := h[len(h)-1].Event.(type) {
		case events.GrantSSOAuthorized:
			if e.Issuer != issuer {
				t.Errorf("stamped by %q", e.Issuer)
			}
		case events.TokenSSOAuthorized:
			if e.Issuer != issuer {
				t.Errorf("stamped by %q", e.Issuer)
			}
		}
	}
}

func TestAProofIsGoodOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(w.org)
	owner := w.by(events.RoleOwner)
	ref := w.newPersonalToken(owner, []uuid.UUID{w.org})
	from := w.head()
	if out, err := w.signOn(owner, w.org, ref, "state"); err != nil || out.Receipt.Replayed {
		t.Fatalf("the first time: %v, %v", out.Receipt, err)
	}
	if _, err := w.tokens.WithdrawSSO(t.Context(), owner, w.org, ref); err != nil {
		t.Fatal(err)
	}
	out, err := w.signOn(owner, w.org, ref, "state")
	if err != nil || !out.Receipt.Replayed {
		t.Errorf("the second time: %v, %v", out.Receipt, err)
	}
	w.recorded(from, "grant.sso_authorized in org", "grant.sso_authorization_withdrawn in org")

	other := acme
	other.Issuer = "https://id.other.example"
	if _, err := w.directory.SetSSOProvider(t.Context(), owner, w.org, other); err != nil {
		t.Fatal(err)
	}
	_, err = w.signOn(owner, w.org, ref, "state of the former provider")
	mustBe(t, err, CodeConflict, "")
}

func TestByHandOnlyWithoutAProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	ref := w.newOrganizationToken(owner, "evidence:write")
	if _, err := w.tokens.AuthorizeSSO(t.Context(), owner, w.org, ref); err != nil {
		t.Errorf("without a provider: %v", err)
	}
	_, _, err := w.tokens.MayAuthorize(t.Context(), owner, w.org, ref.ID)
	mustBe(t, err, CodeConflict, "organization")
	w.connect(w.org)
	// It is asked on the way, under whatever key: nothing is recorded, and nothing recalled.
	asked := owner
	asked.Once = "used before"
	if _, err := w.tokens.Suspend(t.Context(), asked, ref, Suspension{Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	before := w.head()
	if got, p, err := w.tokens.MayAuthorize(t.Context(), asked, w.org, ref.ID); err != nil || got != ref || p != acme {
		t.Errorf("with a key that was used before: %v %v %v", got, p, err)
	}
	w.recorded(before)
	_, err = w.tokens.AuthorizeSSO(t.Context(), owner, w.org, ref)
	mustBe(t, err, CodeForbidden, "")
	if err != nil && !strings.Contains(err.Error(), acme.Issuer) {
		t.Errorf("it is not said why: %v", err)
	}
	if _, err := w.tokens.WithdrawSSO(t.Context(), owner, w.org, ref); err != nil {
		t.Errorf("a stamp is taken back by hand: %v", err)
	}
}

// TestStampsOfCallersAge lets the clock of the rules run ahead of the log's.
func TestStampsOfCallersAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	other := w.found("other")
	ref := w.newPersonalToken(owner, []uuid.UUID{w.org, other})
	through := w.through(ref)
	refusedHere := func() error {
		_, err := w.directory.RenameOrganization(t.Context(), through, w.org, "Demo", "Demo "+uuid.NewString())
		return err
	}
	mustBe(t, w.wants(through, events.Policy{SSORequired: true}), CodeConflict, "ssoRequired")
	w.connect(w.org)
	if _, err := w.signOn(owner, w.org, ref, "1"); err != nil {
		t.Fatal(err)
	}
	if err := w.wants(through, events.Policy{SSORequired: true, SSOMaxAge: 3600}); err != nil {
		t.Fatalf("a stamped token switches enforcement on: %v", err)
	}
	if err := refusedHere(); err != nil {
		t.Errorf("a fresh stamp: %v", err)
	}
	ahead := time.Duration(0)
	w.tokens.Handler.Now = func() time.Time { return time.Now().Add(ahead) }
	ahead = 2 * time.Hour
	mustBe(t, refusedHere(), CodeSSORequired, "")
	if _, err := w.directory.RenameOrganization(t.Context(), through, other, "other", "Other "+uuid.NewString()); err != nil {
		t.Errorf("the other organization, which demands nothing: %v", err)
	}
	if err := w.wants(owner, events.Policy{}); err != nil {
		t.Errorf("a person needs no stamp: %v", err)
	}
	mustBe(t, w.wants(through, events.Policy{SSORequired: true, SSOMaxAge: 60}), CodeConflict, "ssoRequired")
	if err := w.wants(through, events.Policy{SSORequired: true}); err != nil {
		t.Errorf("an old stamp where stamps do not age: %v", err)
	}
	if _, err := w.tokens.WithdrawSSO(t.Context(), owner, w.org, ref); err != nil {
		t.Fatal(err)
	}
	mustBe(t, refusedHere(), CodeSSORequired, "")
}

// TestStampedBounds: a stamp is good from its instant up to its age, not longer,
// and the instant that is told is exactly that.
func TestStampedBounds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		p := Demands{Policy: events.Policy{
			SSORequired:           rapid.Bool().Draw(t, "required"),
			SSOMaxAge:             events.Seconds(rapid.Int64Range(0, 10).Draw(t, "personal age")),
			OrganizationSSOMaxAge: events.Seconds(rapid.Int64Range(0, 10).Draw(t, "organization age")),
		}}
		personal, stamped := rapid.Bool().Draw(t, "personal"), rapid.Bool().Draw(t, "stamped")
		passed := time.Duration(rapid.Int64Range(0, 12).Draw(t, "passed")) * time.Second
		when := time.Time{}
		if stamped {
			when = at
		}
		age := p.OrganizationSSOMaxAge
		if personal {
			age = p.SSOMaxAge
		}
		want := !p.SSORequired || stamped && (age == 0 || passed < age.Duration())
		good, until := p.Stamped(personal, when, at.Add(passed))
		if good != want {
			t.Fatalf("good: %v, want %v", good, want)
		}
		if good && !until.IsZero() {
			if last, _ := p.Stamped(personal, when, until.Add(-1)); !last {
				t.Fatal("refused before the instant that was told")
			}
			if then, _ := p.Stamped(personal, when, until); then {
				t.Fatal("good at the instant that was told")
			}
		}
	})
}
