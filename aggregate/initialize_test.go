// The beginning of a log, and the way back in.

package aggregate

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestInitialize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.since(0)[:8]
	want := []string{
		"installation.initialized in operator", "installation.organization_registered in operator",
		"organization.created in org", "user.created in owner", "installation.operator_appointed in operator",
		"membership.started in org", "token.created in owner", "grant.given in org",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("recorded %v", got)
	}
	for rec, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch e := rec.Event.(type) {
		case events.InstallationInitialized:
			if e.Origin != w.log.Origin() {
				t.Errorf("the origin is %s, recorded is %s", w.log.Origin(), e.Origin)
			}
		case events.OrganizationCreated:
			if e.Index != 0 || rec.TrailPosition != 1 {
				t.Errorf("index %d at %d", e.Index, rec.TrailPosition)
			}
		}
		if rec.Position == 8 {
			break
		}
	}
	if !w.token(w.admin.ID).Live(noon) || w.admin.Value.Reveal() == "" || w.token(w.admin.ID).Name != "admin" {
		t.Errorf("the first token is %+v", w.token(w.admin.ID))
	}
	found, err := w.log.Credentials(t.Context(), []uuid.UUID{w.admin.ID})
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	if good, err := w.tokens.Peppers.Verify(1, []byte(w.admin.Value.Reveal()), found[0].MAC); !good || err != nil {
		t.Errorf("the first token does not verify: %v", err)
	}
}

func TestALogBeginsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.head()
	_, err := w.directory.Initialize(t.Context(), Initialization{
		Origin: w.log.Origin(), Organization: "Other", Owner: Profile{Email: "other@example.com"},
	})
	mustBe(t, err, CodeConflict, "")
	w.recorded(before)
}

func TestBadInputBeginsNothing(t *testing.T) {
	t.Parallel()
	log := &memory{}
	y := &Directory{Tokens: &Tokens{Handler: &Handler{Log: log}, Peppers: peppers(t)}}
	_, err := y.Initialize(t.Context(), Initialization{Organization: "", Owner: Profile{Email: "a@example.com"}})
	mustBe(t, err, CodeBadUserInput, "name")
	_, err = y.Initialize(t.Context(), Initialization{Organization: "Demo", Owner: Profile{Email: "nobody"}})
	mustBe(t, err, CodeBadUserInput, "email")
	_, err = y.Recover(t.Context(), Recovery{})
	mustBe(t, err, CodeConflict, "")
	if len(log.recorded) > 0 {
		t.Fatalf("%d events", len(log.recorded))
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.found("Other")
	withoutIndex := &Directory{Tokens: w.tokens}
	before := w.head()
	made, err := withoutIndex.Recover(t.Context(), Recovery{})
	if err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "token.created in owner", "grant.given in org", "grant.given in "+other.String(),
		"installation.administrator_recovered in operator")
	if made.User != w.people[events.RoleOwner] || made.Organization != w.org || made.Token.Value.Reveal() == "" {
		t.Fatalf("%+v", made)
	}
	if _, err := w.tokens.CreateOrganizationToken(t.Context(), w.through(personalRef(made.Token.ID)), NewOrganizationToken{
		Organization: other, NewToken: NewToken{Name: "ci", Scopes: []string{"read"}},
	}); err != nil {
		t.Errorf("the recovered token cannot administrate: %v", err)
	}

	_, err = w.directory.Recover(t.Context(), Recovery{Email: "admin@example.com"})
	mustBe(t, err, CodeConflict, "user")
	_, err = w.directory.Recover(t.Context(), Recovery{Email: "nobody@example.com"})
	mustBe(t, err, CodeNotFound, "email")
	_, err = w.directory.Recover(t.Context(), Recovery{User: uuid.New()})
	mustBe(t, err, CodeConflict, "user")
}

// An organization that requires single sign-on stays reachable for its owner.
func TestRecoverWhereSingleSignOnIsRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := personalRef(w.admin.ID)
	if _, err := w.tokens.AuthorizeSSO(t.Context(), w.through(admin), w.org, admin); err != nil {
		t.Fatal(err)
	}
	if err := w.wants(w.through(admin), events.Policy{SSORequired: true}); err != nil {
		t.Fatal(err)
	}
	made, err := w.directory.Recover(t.Context(), Recovery{Email: "OWNER@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if !w.grant(made.Token.ID, w.org).Stamped {
		t.Fatal("the recovered token would be refused")
	}
	if _, err := w.tokens.AuthorizeSSO(t.Context(), w.through(personalRef(made.Token.ID)), w.org, admin); err != nil {
		t.Error(err)
	}
}
