// Users, and their membership of organizations.

package aggregate

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// User is what the rules need to know of a user. Addresses and names are
// personal values, which no decision reads.
type User struct {
	Exists      bool
	Deactivated bool
	Erased      bool     // the key of the user's personal values is destroyed
	Issuers     []string // where the user has an account, sorted
}

// Active reports whether the user exists and may do anything at all.
func (u User) Active() bool { return u.Exists && !u.Deactivated }

// UserDecider holds the rules of user streams.
var UserDecider = Decider[User, UserCommand, events.UserEvent]{
	Kind:   events.KindUser,
	Decide: func(u User, c UserCommand, _ time.Time) ([]events.UserEvent, error) { return c.decide(u) },
	Evolve: evolveUser,
}

// UserCommand is something to be decided on one user.
type UserCommand interface {
	decide(u User) ([]events.UserEvent, error)
}

func evolveUser(u User, e events.UserEvent) User {
	switch e := e.(type) {
	case events.UserCreated:
		return User{Exists: true}
	case events.UserIdentityLinked:
		u.Issuers = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(u.Issuers), e.Issuer))))
	case events.UserUpdated, events.UserSignedIn, events.UserSignedOut:
		// Personal values, and what ends sessions; no rule asks.
	case events.UserErased:
		u.Erased = true
	case events.UserDeactivated:
		u.Deactivated = true
	case events.UserReactivated:
		u.Deactivated = false
	}
	return u
}

func (u User) mustExist() error {
	if !u.Exists {
		return refuse(CodeNotFound, "id", "There is no such user.")
	}
	return nil
}

// mustBeReadable refuses to record personal values of a user whose values were
// erased: they would be readable again, under a new key.
func (u User) mustBeReadable() error {
	if err := u.mustExist(); err != nil || !u.Erased {
		return err
	}
	return refuse(CodeConflict, "id", "This user was erased; create another.")
}

// Profile is a user's address and the name that others see; without a name the
// address is shown.
type Profile struct{ Email, DisplayName string }

// personal checks the profile and binds it to the user, whose personal data it is.
func (p Profile) personal(subject events.SubjectID) (email, name events.Personal, err error) {
	if p.DisplayName == "" {
		p.DisplayName = p.Email
	}
	if err := emailText("email", p.Email); err != nil {
		return email, name, err
	}
	if err := nameText("displayName").check(p.DisplayName); err != nil {
		return email, name, err
	}
	return events.Personal{Subject: subject, Value: p.Email}, events.Personal{Subject: subject, Value: p.DisplayName}, nil
}

// CreateUser begins a user.
type CreateUser struct {
	ID      uuid.UUID
	Profile Profile
}

func (c CreateUser) decide(u User) ([]events.UserEvent, error) {
	if u.Exists {
		return nil, refuse(CodeConflict, "id", "There is such a user already.")
	}
	email, name, err := c.Profile.personal(events.UserStream(c.ID))
	if err != nil {
		return nil, err
	}
	return []events.UserEvent{events.UserCreated{Email: email, DisplayName: name}}, nil
}

// UpdateUser replaces a user's address and name. It is recorded also where both
// stay the same, since what they are is not known here.
type UpdateUser struct {
	ID      uuid.UUID
	Profile Profile
}

func (c UpdateUser) decide(u User) ([]events.UserEvent, error) {
	if err := u.mustBeReadable(); err != nil {
		return nil, err
	}
	email, name, err := c.Profile.personal(events.UserStream(c.ID))
	if err != nil {
		return nil, err
	}
	return []events.UserEvent{events.UserUpdated{Email: email, DisplayName: name}}, nil
}

// DeactivateUser ends all that a user may do.
type DeactivateUser struct{}

func (DeactivateUser) decide(u User) ([]events.UserEvent, error) {
	if err := u.mustExist(); err != nil || u.Deactivated {
		return nil, err
	}
	return []events.UserEvent{events.UserDeactivated{}}, nil
}

// ReactivateUser lets a user in again.
type ReactivateUser struct{}

func (ReactivateUser) decide(u User) ([]events.UserEvent, error) {
	if err := u.mustExist(); err != nil || !u.Deactivated {
		return nil, err
	}
	if err := u.mustBeReadable(); err != nil {
		return nil, err
	}
	return []events.UserEvent{events.UserReactivated{}}, nil
}

// Membership is what the rules need to know of a user's membership of an organization.
type Membership struct {
	Role  events.Role // empty: not a member
	Until time.Time   // zero: without end
}

// RoleAt is the role at an instant; empty where there is no membership, or no longer.
func (m Membership) RoleAt(now time.Time) events.Role {
	if !m.Until.IsZero() && !now.Before(m.Until) {
		return ""
	}
	return m.Role
}

// MembershipDecider holds the rules of membership streams.
var MembershipDecider = Decider[Membership, MembershipCommand, events.MembershipEvent]{
	Kind: events.KindMembership,
	Decide: func(m Membership, c MembershipCommand, now time.Time) ([]events.MembershipEvent, error) {
		return c.decide(m, now)
	},
	Evolve: evolveMembership,
}

// MembershipCommand is something to be decided on one membership.
type MembershipCommand interface {
	decide(m Membership, now time.Time) ([]events.MembershipEvent, error)
}

func evolveMembership(m Membership, e events.MembershipEvent) Membership {
	switch e := e.(type) {
	case events.MembershipStarted:
		return Membership{Role: e.Role, Until: e.Until}
	case events.MembershipRoleChanged:
		m.Role, m.Until = e.Role, e.Until
	case events.MembershipProvisioned:
		// Personal values; no rule asks.
	case events.MembershipEnded:
		return Membership{}
	}
	return m
}

// StartMembership makes a user a member. A membership whose time is over is to
// be ended first, so that what depended on it has ended by an event before
// anything depends on the new one.
type StartMembership struct {
	Organization, User uuid.UUID
	Role               events.Role
	Until              time.Time
}

func (c StartMembership) decide(m Membership, now time.Time) ([]events.MembershipEvent, error) {
	switch {
	case m.RoleAt(now) != "":
		return nil, refuse(CodeConflict, "userID", "This user is a member already, as %s; change the role instead.", m.Role)
	case m.Role != "":
		return nil, refuse(CodeConflict, "userID", "This user's membership ran out at %s; end it, then start another.",
			m.Until.Format(time.RFC3339))
	}
	until, err := termOf(c.Role, c.Until, now)
	if err != nil {
		return nil, err
	}
	return []events.MembershipEvent{events.MembershipStarted{
		Organization: c.Organization, User: c.User, Role: c.Role, Until: until,
	}}, nil
}

// ChangeMembership gives a member another role or another end.
type ChangeMembership struct {
	Role  events.Role
	Until time.Time
}

func (c ChangeMembership) decide(m Membership, now time.Time) ([]events.MembershipEvent, error) {
	if m.RoleAt(now) == "" {
		return nil, refuse(CodeNotFound, "userID", "There is no such member.")
	}
	until, err := termOf(c.Role, c.Until, now)
	if err != nil || c.Role == m.Role && until.Equal(m.Until) {
		return nil, err
	}
	return []events.MembershipEvent{events.MembershipRoleChanged{Before: m.Role, Role: c.Role, Until: until}}, nil
}

// EndMembership takes a member out, also one whose time is over.
type EndMembership struct{}

func (EndMembership) decide(m Membership, _ time.Time) ([]events.MembershipEvent, error) {
	if m.Role == "" {
		return nil, refuse(CodeNotFound, "userID", "There is no such member.")
	}
	return []events.MembershipEvent{events.MembershipEnded{}}, nil
}

// NameMember records under which names the identity provider knows a member,
// also a former one. It is recorded whatever they were, which is not known here.
// Without names the provider knows the member no longer, which is recorded of
// somebody who was erased, too.
type NameMember struct {
	ID    uuid.UUID // of the user
	User  User
	Names ProviderNames
}

func (c NameMember) decide(Membership, time.Time) ([]events.MembershipEvent, error) {
	if c.Names != (ProviderNames{}) {
		if err := c.User.mustBeReadable(); err != nil {
			return nil, err
		}
	}
	user := events.UserStream(c.ID)
	for _, t := range []struct {
		text
		value string
	}{
		{text{field: "userName", max: maxProviderName}, c.Names.UserName},
		{text{field: "externalId", max: maxProviderName}, c.Names.ExternalID},
	} {
		if err := t.check(t.value); err != nil {
			return nil, err
		}
	}
	var e events.MembershipProvisioned
	if c.Names.UserName != "" {
		e.UserName = events.Personal{Subject: user, Value: c.Names.UserName}
	}
	if c.Names.ExternalID != "" {
		e.ExternalID = events.Personal{Subject: user, Value: c.Names.ExternalID}
	}
	return []events.MembershipEvent{e}, nil
}

// ProviderNames are how an identity provider calls a member: the name that it
// goes by, and the provider's own.
type ProviderNames struct{ UserName, ExternalID string }

const maxProviderName = 320 // bytes; as long as an address can be

// termOf checks a role and its end. An owner's has none, so that no
// organization loses its last owner to the clock.
func termOf(role events.Role, until, now time.Time) (time.Time, error) {
	switch role {
	case events.RoleOwner, events.RoleAdmin, events.RoleAuditor, events.RoleMember:
	default:
		return time.Time{}, refuse(CodeBadUserInput, "role", "A role is owner, admin, auditor or member.")
	}
	until = micro(until)
	if role == events.RoleOwner && !until.IsZero() {
		return time.Time{}, refuse(CodeBadUserInput, "until", "An owner's membership has no end; make somebody else owner instead.")
	}
	return until, future("until", until, now)
}
