// What an organization demands, and how it is connected: its policy, its provider, its webhooks.

package events

import (
	"time"

	"github.com/google/uuid"
)

// Seconds is a span of time in whole seconds; 0 sets no limit.
type Seconds int64

// Duration is the span as a [time.Duration].
func (s Seconds) Duration() time.Duration { return time.Duration(s) * time.Second }

// Policy is what an organization demands of the tokens that reach it. The zero
// Policy demands nothing.
type Policy struct {
	// SSORequired: an unstamped token is refused.
	SSORequired bool `json:"sso_required,omitempty"`
	// SSOMaxAge is how old the stamp of a personal token may be, OrganizationSSOMaxAge that of an organization token.
	SSOMaxAge             Seconds `json:"sso_max_age,omitempty"`
	OrganizationSSOMaxAge Seconds `json:"organization_sso_max_age,omitempty"`
	// MemberScopes is what the role member may do in the organization's own systems.
	MemberScopes []string `json:"member_scopes,omitempty"`
	// ScopeCeiling limits what any token may do here; empty: no limit.
	ScopeCeiling []string `json:"scope_ceiling,omitempty"`
	// AllowedSources are the networks, in CIDR notation, that uses may come from; empty: any.
	AllowedSources []string `json:"allowed_sources,omitempty"`
	// MaxLifetime is the longest time from creation to deadline; ExpiryRequired: a token needs a deadline.
	MaxLifetime    Seconds `json:"max_lifetime,omitempty"`
	ExpiryRequired bool    `json:"expiry_required,omitempty"`
	// IdleExpiry: a token that was not used for so long is refused, and ended.
	IdleExpiry Seconds `json:"idle_expiry,omitempty"`
	// DescriptionRequired: a token needs a description.
	DescriptionRequired bool `json:"description_required,omitempty"`
	// RotationAge is how old a token may get before it is to be rotated: warned of, then a finding, and
	// with RotationEnforced refused.
	RotationAge      Seconds `json:"rotation_age,omitempty"`
	RotationEnforced bool    `json:"rotation_enforced,omitempty"`
	// ApprovalRequired: a personal token works here only once an administrator has approved it.
	ApprovalRequired bool `json:"approval_required,omitempty"`
	// ReviewEvery is how often a token is to be reviewed; overdue is a finding.
	ReviewEvery Seconds `json:"review_every,omitempty"`
	// EndFamilyOnReuse: the use of a value that was rotated away ends all its successors.
	EndFamilyOnReuse bool `json:"end_family_on_reuse,omitempty"`
}

// Provider is the OpenID provider of an organization's single sign-on. The zero
// Provider is none. A client secret, where the provider wants one, stands in no event.
type Provider struct {
	Issuer   string `json:"issuer,omitempty"`
	ClientID string `json:"client_id,omitempty"`
}

// OrganizationSSOProviderChanged names the provider whose sign-ins authorize tokens.
type OrganizationSSOProviderChanged struct {
	organizationFact
	Before Provider `json:"before"`
	After  Provider `json:"after"`
}

// OrganizationWebhookAdded sends the organization's events of these types to a
// URL; a type may name a kind of stream alone ("token"), and "finding" stands for findings.
type OrganizationWebhookAdded struct {
	organizationFact
	Webhook uuid.UUID `json:"webhook"`
	URL     string    `json:"url"`
	Types   []string  `json:"types,omitempty"` // empty: all
}

// OrganizationWebhookRemoved ends a webhook.
type OrganizationWebhookRemoved struct {
	organizationFact
	Webhook uuid.UUID `json:"webhook"`
}

// OrganizationNetworkDataErased records that the key of the addresses and agents
// seen with the organization's tokens is destroyed.
type OrganizationNetworkDataErased struct{ organizationFact }

// OrganizationFindingTriaged records what somebody made of a finding, which is
// named by its rule and the position of the event that raised it.
type OrganizationFindingTriaged struct {
	organizationFact
	Rule   string        `json:"rule"`
	At     int64         `json:"at"`
	Status FindingStatus `json:"status"`
}

// FindingStatus is what became of a finding.
type FindingStatus string

// The statuses; a finding that nobody has triaged is open.
const (
	FindingOpen          FindingStatus = "open" // again
	FindingAcknowledged  FindingStatus = "acknowledged"
	FindingClosed        FindingStatus = "closed"
	FindingFalsePositive FindingStatus = "false_positive"
)

// Type implements [Event].
func (OrganizationSSOProviderChanged) Type() Type { return "organization.sso_provider_changed" }

// Type implements [Event].
func (OrganizationWebhookAdded) Type() Type { return "organization.webhook_added" }

// Type implements [Event].
func (OrganizationWebhookRemoved) Type() Type { return "organization.webhook_removed" }

// Type implements [Event].
func (OrganizationNetworkDataErased) Type() Type { return "organization.network_data_erased" }

// Type implements [Event].
func (OrganizationFindingTriaged) Type() Type { return "organization.finding_triaged" }
