// Access reviews on the real log: who decides on what, and what follows from it.

package aggregate

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestAccessReview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, admin := w.by(events.RoleOwner), w.by(events.RoleAdmin)
	kept := w.newOrganizationToken(owner, "evidence:write")
	ended := w.newOrganizationToken(owner, "risk:write")
	personal := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org}, "evidence:write")
	mine := w.newPersonalToken(admin, []uuid.UUID{w.org}, "evidence:write")
	in := OpenReview{Organization: w.org, Name: "Q3", At: w.head(), Due: time.Now().Add(time.Hour)}

	_, err := w.tokens.OpenAccessReview(t.Context(), w.by(events.RoleAuditor), in)
	refused(t, err, CodeForbidden)
	_, err = w.tokens.OpenAccessReview(t.Context(), w.through(kept), in)
	refused(t, err, CodeForbidden)
	past := in
	past.Due = time.Now().Add(-time.Hour)
	_, err = w.tokens.OpenAccessReview(t.Context(), owner, past)
	refused(t, err, CodeBadUserInput)
	stranger := in
	stranger.Reviewers = []uuid.UUID{w.people[events.RoleMember]}
	_, err = w.tokens.OpenAccessReview(t.Context(), owner, stranger)
	refused(t, err, CodeBadUserInput)

	before := w.head()
	owner.Once = "open"
	opened, err := w.tokens.OpenAccessReview(t.Context(), owner, in)
	if err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "review.opened in org")
	in.At++
	if again, err := w.tokens.OpenAccessReview(t.Context(), owner, in); err != nil || again.ID != opened.ID || !again.Receipt.Replayed {
		t.Errorf("replayed: %+v, %v", again, err)
	}
	owner.Once = ""
	late := w.newOrganizationToken(owner, "evidence:write")

	decide := func(call Call, ref TokenRef, decision events.ReviewDecision, reason string) error {
		_, err := w.tokens.DecideAccessReview(t.Context(), call, ReviewedToken{w.org, opened.ID, ref.ID, decision, reason})
		return err
	}
	refused(t, decide(owner, kept, events.ReviewKeep, ""), CodeForbidden) // he created it
	refused(t, decide(admin, mine, events.ReviewKeep, ""), CodeForbidden) // it is his own
	refused(t, decide(admin, late, events.ReviewKeep, ""), CodeNotFound)  // it came later
	refused(t, decide(admin, ended, events.ReviewRevoke, ""), CodeBadUserInput)
	refused(t, decide(admin, kept, "perhaps", ""), CodeBadUserInput)
	refused(t, decide(w.through(kept), ended, events.ReviewKeep, ""), CodeForbidden)

	before = w.head()
	for _, c := range []struct {
		ref      TokenRef
		decision events.ReviewDecision
		reason   string
	}{{kept, events.ReviewKeep, ""}, {ended, events.ReviewRevoke, "not needed"}, {personal, events.ReviewRevoke, "left the project"}} {
		if err := decide(admin, c.ref, c.decision, c.reason); err != nil {
			t.Fatal(err)
		}
	}
	w.recorded(before, "review.decided in org", "token.reviewed in org", "review.decided in org", "token.revoked in org",
		"review.decided in org", "grant.ended in org", "token.organizations_changed in member")
	if g := w.grant(personal.ID, w.org); g.Live || g.Cause != events.CauseReview {
		t.Errorf("%+v", g)
	}
	_, err = w.tokens.Update(t.Context(), w.by(events.RoleMember), personal, TokenUpdate{AddOrganizations: []uuid.UUID{w.org}})
	mustBe(t, err, CodeConflict, "organizationIDs") // what a review ended, its owner does not give again
	refused(t, decide(admin, kept, events.ReviewRevoke, "after all"), CodeConflict)
	if _, err := w.tokens.CloseAccessReview(t.Context(), owner, w.org, opened.ID); err != nil {
		t.Fatal(err)
	}
	refused(t, decide(owner, mine, events.ReviewKeep, ""), CodeConflict)
	_, err = w.tokens.CloseAccessReview(t.Context(), owner, w.org, uuid.New())
	refused(t, err, CodeNotFound)
}

// A review is about what could reach the organization when it began: not about
// what had ended by then, also where it has come back since.
func TestAReviewIsAboutWhatWasThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, admin, member := w.by(events.RoleOwner), w.by(events.RoleAdmin), w.by(events.RoleMember)
	here := []uuid.UUID{w.org}
	revoked, later := w.newOrganizationToken(owner, "risk:write"), w.newOrganizationToken(owner, "risk:write")
	gone, back, leaving := w.newPersonalToken(member, here), w.newPersonalToken(member, here), w.newPersonalToken(member, here)
	revoke := func(ref TokenRef) {
		if _, err := w.tokens.Revoke(t.Context(), owner, ref, "not needed"); err != nil {
			t.Fatal(err)
		}
	}
	update := func(ref TokenRef, in TokenUpdate) {
		if _, err := w.tokens.Update(t.Context(), member, ref, in); err != nil {
			t.Fatal(err)
		}
	}
	revoke(revoked)
	update(gone, TokenUpdate{RemoveOrganizations: here})
	update(back, TokenUpdate{RemoveOrganizations: here})
	in := OpenReview{Organization: w.org, Name: "Q3", At: w.head(), Due: time.Now().Add(time.Hour)}
	opened, err := w.tokens.OpenAccessReview(t.Context(), owner, in)
	if err != nil {
		t.Fatal(err)
	}
	update(back, TokenUpdate{AddOrganizations: here})
	update(leaving, TokenUpdate{RemoveOrganizations: here})
	revoke(later)

	before := w.head()
	decide := func(ref TokenRef) error {
		_, err := w.tokens.DecideAccessReview(t.Context(), admin, ReviewedToken{w.org, opened.ID, ref.ID, events.ReviewRevoke, "nobody knows it"})
		return err
	}
	for _, ref := range []TokenRef{revoked, gone, back} {
		mustBe(t, decide(ref), CodeNotFound, "token")
	}
	w.recorded(before)
	if !w.grant(back.ID, w.org).Live {
		t.Error("access that began after the review has ended")
	}
	for _, ref := range []TokenRef{later, leaving} { // what has ended since was there
		if err := decide(ref); err != nil {
			t.Error(err)
		}
	}
	w.recorded(before, "review.decided in org", "review.decided in org")
}

// refused checks the code of a refusal.
func refused(t *testing.T, err error, want Code) {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) || r.Code != want {
		t.Errorf("%v, want %s", err, want)
	}
}
