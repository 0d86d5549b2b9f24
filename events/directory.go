// Organizations, users, memberships and the installation that they live in.

package events

import (
	"time"

	"github.com/google/uuid"
)

// OrganizationEvent is a fact about one organization.
//
//sumtype:decl
type OrganizationEvent interface {
	Event
	organizationEvent()
}

type organizationFact struct{}

func (organizationFact) sealed()            {}
func (organizationFact) organizationEvent() {}

// OrganizationCreated is the first event of an organization's trail. Index is
// its fixed place in the heads trees: 0, 1, 2 … without a gap.
type OrganizationCreated struct {
	organizationFact
	Index       int64  `json:"index"`
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
}

// OrganizationRenamed gives an organization other names.
type OrganizationRenamed struct {
	organizationFact
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
}

// OrganizationObjectRegistered makes an object of the organization's own systems
// known: tokens may have scopes on it, and each action needs the verb given.
type OrganizationObjectRegistered struct {
	organizationFact
	Object  string            `json:"object"`
	Actions map[string]string `json:"actions,omitempty"` // action → verb
}

// OrganizationPolicyChanged replaces the organization's policy for tokens.
type OrganizationPolicyChanged struct {
	organizationFact
	Before Policy `json:"before"`
	After  Policy `json:"after"`
}

// UserEvent is a fact about one user.
//
//sumtype:decl
type UserEvent interface {
	Event
	userEvent()
}

type userFact struct{}

func (userFact) sealed()    {}
func (userFact) userEvent() {}

// UserCreated begins a user's trail.
type UserCreated struct {
	userFact
	Email       Personal `json:"email,omitzero"`
	DisplayName Personal `json:"display_name,omitzero"`
}

// UserUpdated replaces a user's address and name.
type UserUpdated struct {
	userFact
	Email       Personal `json:"email,omitzero"`
	DisplayName Personal `json:"display_name,omitzero"`
}

// UserDeactivated ends all that the user may do.
type UserDeactivated struct{ userFact }

func (UserDeactivated) gate() Gate { return Gate{Closed: true} }

// UserReactivated lets the user in again; what ended stays ended.
type UserReactivated struct{ userFact }

func (UserReactivated) gate() Gate { return Gate{} }

// MembershipEvent is a fact about one user's membership of one organization.
//
//sumtype:decl
type MembershipEvent interface {
	Event
	membershipEvent()
}

type membershipFact struct{}

func (membershipFact) sealed()          {}
func (membershipFact) membershipEvent() {}

// Role is what a member is in an organization.
type Role string

// The roles, from most to least.
const (
	RoleOwner   Role = "owner"
	RoleAdmin   Role = "admin"
	RoleAuditor Role = "auditor"
	RoleMember  Role = "member"
)

// MembershipStarted makes a user a member, until Until where it is set.
type MembershipStarted struct {
	membershipFact
	Organization uuid.UUID `json:"organization"`
	User         uuid.UUID `json:"user"`
	Role         Role      `json:"role"`
	Until        time.Time `json:"until,omitzero"`
}

func (MembershipStarted) gate() Gate { return Gate{} }

// MembershipRoleChanged gives a member another role.
type MembershipRoleChanged struct {
	membershipFact
	Before Role      `json:"before"`
	Role   Role      `json:"role"`
	Until  time.Time `json:"until,omitzero"`
}

// MembershipProvisioned tells under which names the organization's identity
// provider knows the member: one that it goes by and is searched for, and one
// that is the provider's own. With neither, the provider knows him no longer.
type MembershipProvisioned struct {
	membershipFact
	UserName   Personal `json:"user_name,omitzero"`
	ExternalID Personal `json:"external_id,omitzero"`
}

// MembershipEnded takes the user out of the organization.
type MembershipEnded struct{ membershipFact }

func (MembershipEnded) gate() Gate { return Gate{Closed: true} }

// InstallationEvent is a fact about the installation, in the operator's trail.
//
//sumtype:decl
type InstallationEvent interface {
	Event
	installationEvent()
}

type installationFact struct{}

func (installationFact) sealed()            {}
func (installationFact) installationEvent() {}

// InstallationInitialized is the first event of a log.
type InstallationInitialized struct {
	installationFact
	Origin string `json:"origin"`
}

// InstallationOrganizationRegistered gives an organization the next index.
type InstallationOrganizationRegistered struct {
	installationFact
	Organization uuid.UUID `json:"organization"`
	Index        int64     `json:"index"`
}

// InstallationOperatorAppointed makes a user an operator of the installation.
type InstallationOperatorAppointed struct {
	installationFact
	User uuid.UUID `json:"user"`
}

// InstallationAdministratorRecovered records that someone with database
// credentials issued an administrator's token.
type InstallationAdministratorRecovered struct {
	installationFact
	User  uuid.UUID `json:"user"`
	Token uuid.UUID `json:"token"`
}

// InstallationUnknownRefused sums up guesses at token ids that do not exist.
type InstallationUnknownRefused struct {
	installationFact
	Address Personal `json:"address,omitzero"`
	Count   int64    `json:"count"`
}

// InstallationKeyRotated records that the installation's keys of one use have a
// new version; the old ones still open, verify or prove what they made.
type InstallationKeyRotated struct {
	installationFact
	Use     KeyUse `json:"use"`
	Version int64  `json:"version"`
	Public  string `json:"public,omitempty"` // the verifier key of a signed note, where the key is one
}

// KeyUse is what a key of the installation is for.
type KeyUse string

// The uses of keys.
const (
	KeySigning    KeyUse = "signing"    // signs checkpoints
	KeyPepper     KeyUse = "pepper"     // makes the MACs of token values
	KeyEncryption KeyUse = "encryption" // wraps the subjects' keys
)

// Type implements [Event].
func (OrganizationCreated) Type() Type { return "organization.created" }

// Type implements [Event].
func (OrganizationRenamed) Type() Type { return "organization.renamed" }

// Type implements [Event].
func (OrganizationObjectRegistered) Type() Type { return "organization.object_registered" }

// Type implements [Event].
func (OrganizationPolicyChanged) Type() Type { return "organization.policy_changed" }

// Type implements [Event].
func (UserCreated) Type() Type { return "user.created" }

// Type implements [Event].
func (UserUpdated) Type() Type { return "user.updated" }

// Type implements [Event].
func (UserDeactivated) Type() Type { return "user.deactivated" }

// Type implements [Event].
func (UserReactivated) Type() Type { return "user.reactivated" }

// Type implements [Event].
func (MembershipStarted) Type() Type { return "membership.started" }

// Type implements [Event].
func (MembershipRoleChanged) Type() Type { return "membership.role_changed" }

// Type implements [Event].
func (MembershipProvisioned) Type() Type { return "membership.provisioned" }

// Type implements [Event].
func (MembershipEnded) Type() Type { return "membership.ended" }

// Type implements [Event].
func (InstallationInitialized) Type() Type { return "installation.initialized" }

// Type implements [Event].
func (InstallationOrganizationRegistered) Type() Type { return "installation.organization_registered" }

// Type implements [Event].
func (InstallationOperatorAppointed) Type() Type { return "installation.operator_appointed" }

// Type implements [Event].
func (InstallationAdministratorRecovered) Type() Type { return "installation.administrator_recovered" }

// Type implements [Event].
func (InstallationUnknownRefused) Type() Type { return "installation.unknown_refused" }

// Type implements [Event].
func (InstallationKeyRotated) Type() Type { return "installation.key_rotated" }
