// What is erased stays so: nothing that is said of the user later is readable again.

package aggregate

import (
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// erase deactivates a user and destroys the key of his personal values.
func (w *world) erase(user uuid.UUID) {
	w.Helper()
	if _, err := w.directory.DeactivateUser(w.Context(), w.by(events.RoleOwner), user, "left"); err != nil {
		w.Fatal(err)
	}
	if _, err := w.directory.EraseSubject(w.Context(), events.UserStream(user), "asked for", false); err != nil {
		w.Fatal(err)
	}
}

// The index of these tests never forgets, as one that lags.
func TestNothingIsSaidOfAnErasedUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp, owner, member := w.provider(), w.by(events.RoleOwner), w.people[events.RoleMember]
	w.erase(member)

	before := w.head()
	_, err := w.directory.UpdateUser(t.Context(), owner, member, Profile{Email: "member@example.com"})
	mustBe(t, err, CodeConflict, "id")
	_, err = w.directory.ReactivateUser(t.Context(), owner, member, "back")
	mustBe(t, err, CodeConflict, "id")
	w.refuses(idp, Provision{User: member, Names: &ProviderNames{UserName: "member"}}, CodeConflict, "id")
	w.refuses(idp, described("member@example.com"), CodeConflict, "email")
	w.recorded(before)

	invited := w.history(events.InvitationStream(w.invite("member@example.com", events.RoleMember).ID))[0].Event.(events.InvitationIssued)
	if invited.User == member || invited.Email.Subject == events.UserStream(member) {
		t.Errorf("the address is recorded as the erased user's: %+v", invited)
	}
	// The provider forgets him all the same.
	before = w.head()
	if _, err := w.directory.Deprovision(t.Context(), idp, Provision{Organization: w.org, User: member}); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "membership.ended in org", "membership.provisioned in org")
}

// Also one who would be active gets no new values.
func TestRulesOfAnErasedUser(t *testing.T) {
	t.Parallel()
	erased := User{Exists: true, Erased: true}
	for name, c := range map[string]UserCommand{
		"another profile": UpdateUser{user1, Profile{Email: "ada@example.com"}},
		"an account":      LinkUser{user1, account("a")},
	} {
		if _, err := UserDecider.Decide(User{Exists: true}, c, noon); err != nil {
			t.Errorf("%s before: %v", name, err)
		}
		_, err := UserDecider.Decide(erased, c, noon)
		mustBe(t, err, CodeConflict, "id")
	}
	_, err := MembershipDecider.Decide(Membership{}, NameMember{user1, erased, ProviderNames{UserName: "ada"}}, noon)
	mustBe(t, err, CodeConflict, "id")
	if forgotten, err := MembershipDecider.Decide(Membership{}, NameMember{ID: user1, User: erased}, noon); err != nil || len(forgotten) != 1 {
		t.Errorf("without names: %v, %v", forgotten, err)
	}
}
