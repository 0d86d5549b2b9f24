// Who may do what: the questions that every interface asks. The answers are the
// policies', see policies.go; what no policy permits is denied.

package aggregate

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Principal is who calls: what an authenticated credential, or a signed-in
// person, or the service itself stands for.
type Principal struct {
	Actor        events.Actor
	User         uuid.UUID        // the person, or a personal token's owner
	Token        uuid.UUID        // the credential, where it is a token
	Organization uuid.UUID        // of an organization token
	Kind         events.TokenKind // of the token; empty for a person and for the service
	Scopes       Scopes           // of the token; see [Effective]
	ExpiresAt    time.Time        // of the token; zero: never
	// SignIn: people can sign in at this installation, so that no token stands
	// for one; see docs/decisions.
	SignIn bool
	Source netip.Addr // where the call comes from; what the policy of an organization may ask for
}

// Service is the principal for what the service does by itself.
func Service(component string) Principal { return Principal{Actor: events.System(component)} }

// Standing is how a principal stands to the thing at hand. Role is the one in
// the thing's organization, at this instant; organization tokens have none.
type Standing struct {
	Role     events.Role
	Operator bool // of the installation
	Own      bool // the thing is the caller's own: his user, his personal token, what he created
	// Organization is whose the thing is. Zero: the organization token's own, or none.
	Organization uuid.UUID
	// Member is the role of the membership at hand, now and as it shall be; only
	// [OpProvision] asks for it, once for each.
	Member events.Role
}

// Operation is something that a rule allows or forbids.
type Operation string

// The steps that are no operations of their own: what tokens do in other systems
// and at the ledger's door, see [Authority], and what they are given, see [Limits].
const (
	groupSteps Operation = "steps"
	opUse      Operation = "use"
	opCall     Operation = "call"
	opIdentify Operation = "identify"
	opHandOn   Operation = "token.hand-on"
)

// The operations. The schema of the policies declares them, with their scopes.
const (
	OpReadOrganizationTokens  Operation = "organization-token.read"
	OpCreateOrganizationToken Operation = "organization-token.create"
	OpChangeOrganizationToken Operation = "organization-token.change" // rename, scopes, deadline, suspend, resume
	OpRotateOrganizationToken Operation = "organization-token.rotate"
	OpRevokeOrganizationToken Operation = "organization-token.revoke"
	OpDeleteOrganizationToken Operation = "organization-token.delete"

	OpReadPersonalTokens  Operation = "personal-token.read"
	OpCreatePersonalToken Operation = "personal-token.create"
	OpChangePersonalToken Operation = "personal-token.change"
	OpRotatePersonalToken Operation = "personal-token.rotate"
	OpRevokePersonalToken Operation = "personal-token.revoke"
	OpDeletePersonalToken Operation = "personal-token.delete"

	OpReadGrants   Operation = "grant.read"
	OpEndGrants    Operation = "grant.end"
	OpAuthorizeSSO Operation = "sso.authorize"
	OpWithdrawSSO  Operation = "sso.withdraw"
	OpVerifyTokens Operation = "token.verify"

	OpReadOrganization   Operation = "organization.read"
	OpCreateOrganization Operation = "organization.create"
	OpRenameOrganization Operation = "organization.rename"
	OpRegisterObject     Operation = "organization.register-object"
	OpReadPolicy         Operation = "policy.read"
	OpChangePolicy       Operation = "policy.change"

	OpReadMembers      Operation = "member.read"
	OpAddMember        Operation = "member.add"
	OpChangeRole       Operation = "member.change-role"
	OpEndMember        Operation = "member.end"
	OpAppointOwner     Operation = "member.appoint-owner" // make, demote or end an owner, besides the above
	OpReadUser         Operation = "user.read"
	OpCreateUser       Operation = "user.create"
	OpUpdateUser       Operation = "user.update"
	OpSwitchUser       Operation = "user.deactivate" // and reactivate
	OpReadEvents       Operation = "event.read"
	OpReadPersonal     Operation = "event.open-personal-values"
	OpReadInstallation Operation = "installation.read-events"
	OpExpireTokens     Operation = "token.expire" // records that a deadline came

	OpInviteMember           Operation = "member.invite"
	OpWithdrawInvitation     Operation = "member.withdraw-invitation"
	OpApproveGrant           Operation = "grant.approve" // a personal token's access to the organization
	OpDeclineGrant           Operation = "grant.decline"
	OpSetSSOProvider         Operation = "sso.set-provider"
	OpStampPersonalToken     Operation = "sso.stamp-personal-token" // by signing in with the organization's provider
	OpStampOrganizationToken Operation = "sso.stamp-organization-token"
	OpPreviewPolicy          Operation = "policy.preview" // what a draft would have refused
	OpManageWebhooks         Operation = "webhook.manage"
	OpReadWebhooks           Operation = "webhook.read"

	OpReadReviews    Operation = "review.read"
	OpOpenReview     Operation = "review.open"
	OpDecideReview   Operation = "review.decide"
	OpCloseReview    Operation = "review.close"
	OpReviewToken    Operation = "token.review"         // outside an access review
	OpPreviewRevoke  Operation = "token.preview-revoke" // who would miss it
	OpReportLeak     Operation = "token.report-leak"    // what was done with a leaked value
	OpReadFindings   Operation = "finding.read"
	OpTriageFinding  Operation = "finding.triage" // and close
	OpReadReports    Operation = "report.read"
	OpExportEvidence Operation = "report.export-evidence"

	OpEraseNetworkData Operation = "organization.erase-network-data"
	OpSignOut          Operation = "session.sign-out"   // everywhere
	OpReadProvisioned  Operation = "provisioning.read"  // users and members, by SCIM
	OpProvision        Operation = "provisioning.write" // create, change and end a member, by SCIM; see [Standing].Member
)

// Authorize says whether the principal may do the operation where it stands
// so: denied unless a policy permits it and none forbids it. The error is a
// [Refusal] with the code FORBIDDEN, which names the policy. What belongs to
// another organization is to be refused as not found before this is asked.
func Authorize(p Principal, at Standing, op Operation) error {
	return ask(question{principal: p, standing: at, operation: op})
}

// known keeps steps and groups, which are no operations, from being asked for as such.
func (q question) known() bool { return ScopeFor(q.operation) != "" }

// Rule is Authorize for who needs to know which policy allows, too.
func Rule(p Principal, at Standing, op Operation) Ruling {
	q := question{principal: p, standing: at, operation: op}
	if !q.known() {
		return Ruling{Policy: NoPolicy}
	}
	ruling, _ := policies().rule(q)
	return ruling
}

// Authority is what a use in an organization's systems is decided on.
type Authority struct {
	Principal    Principal
	Role         events.Role // of the owner of a personal token
	Organization uuid.UUID
	Policy       events.Policy
	Ledger       bool // at the ledger's own door: the rules of each operation decide the rest
}

// Use says whether a token may do what these scopes stand for, all of them. Of
// an allowed use with several, the policy is that of the first.
func (a Authority) Use(need Scopes) Ruling {
	q := question{
		principal: a.Principal, standing: Standing{Role: a.Role, Organization: a.Organization}, operation: opUse,
		members: RoleScopes(events.RoleMember, a.Policy),
	}
	if len(a.Policy.ScopeCeiling) > 0 {
		q.ceiling = a.Policy.ScopeCeiling
	}
	if a.Ledger {
		q.operation = opCall
	}
	if len(need) == 0 {
		q.operation = opIdentify
		ruling, _ := policies().rule(q)
		return ruling
	}
	var first Ruling
	for i, scope := range need {
		q.scope = scope
		ruling, _ := policies().rule(q)
		if !ruling.Allowed {
			return ruling
		}
		if i == 0 {
			first = ruling
		}
	}
	return first
}

// ask puts a denial into words. Those of a policy stand beside it.
func ask(q question) error {
	ruling, says := Ruling{Policy: NoPolicy}, ""
	if q.known() {
		ruling, says = policies().rule(q)
	}
	if ruling.Allowed {
		return nil
	}
	if says == "" {
		says = "Your role does not allow {operation}."
		switch {
		case q.principal.Actor.Kind == events.ActorSystem:
			says = "The service does not do {operation} by itself."
		case q.principal.Kind == events.OrganizationKind:
			says = "An organization token may not do {operation}."
		}
	}
	scope := q.scope
	if scope == "" {
		scope = ScopeFor(q.operation)
	}
	r := refuse(CodeForbidden, "", "%s", strings.NewReplacer("{operation}", string(q.operation), "{scope}", scope).Replace(says))
	r.Policy = ruling.Policy
	return r
}

// RoleScopes is what a role may do in its organization. Owners and
// administrators may do everything, auditors read everything. Members have
// nothing of the ledger's own objects; what they may do in the organization's
// other systems is the organization's decision. Without a role there is nothing.
func RoleScopes(role events.Role, policy events.Policy) Scopes {
	switch role {
	case events.RoleOwner, events.RoleAdmin:
		return AllScopes()
	case events.RoleAuditor:
		return Scopes{VerbRead}
	case events.RoleMember:
		return slices.DeleteFunc(canonical(policy.MemberScopes), func(scope string) bool {
			object := atomOf(scope).object
			return object == "" || slices.Contains(ledgerObjects, object)
		})
	}
	return nil
}
