// Who may do what. This one table and one function decide it for every
// interface; what the table does not allow is forbidden.

package aggregate

import (
	"maps"
	"slices"
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
}

// Service is the principal for what the service does by itself.
func Service(component string) Principal { return Principal{Actor: events.System(component)} }

// full reports whether the credential carries all that its person may: then
// that person is taken to act. Organization tokens never do.
func (p Principal) full() bool {
	return p.Kind == "" || p.Kind == events.PersonalKind &&
		(len(p.Scopes) == 0 || slices.Contains(p.Scopes, scopeAdmin))
}

// Standing is how a principal stands to the thing at hand. Role is the one in
// the thing's organization, at this instant; organization tokens have none.
type Standing struct {
	Role     events.Role
	Operator bool // of the installation
	Own      bool // the thing is the caller's own: his user, his personal token, what he created
	// Member is the role of the membership at hand, now and as it shall be; only
	// [OpProvision] asks for it, once for each.
	Member events.Role
}

// Operation is something that a rule allows or forbids.
type Operation string

// The operations.
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
	OpExportEvents     Operation = "event.export"
	OpReadHealth       Operation = "installation.read-health"
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
	OpReadProof      Operation = "proof.read"

	OpEraseUser        Operation = "user.erase" // his personal values, for good
	OpEraseNetworkData Operation = "organization.erase-network-data"
	OpRotateKeys       Operation = "installation.rotate-keys"
	OpSignOut          Operation = "session.sign-out"   // everywhere
	OpReadProvisioned  Operation = "provisioning.read"  // users and members, by SCIM
	OpProvision        Operation = "provisioning.write" // create, change and end a member, by SCIM; see [Standing].Member
)

// rule says who may do one operation.
type rule struct {
	roles    []events.Role // whoever has one of them in the organization
	own      bool          // whoever it belongs to, whatever his role
	operator bool
	service  bool   // the service by itself
	person   bool   // through a token only with a person's full rights
	scope    string // what a token with scopes must allow
	tokens   bool   // an organization token that has the scope may, too
}

var (
	managers = []events.Role{events.RoleOwner, events.RoleAdmin}
	readers  = []events.Role{events.RoleOwner, events.RoleAdmin, events.RoleAuditor}
	everyone = []events.Role{events.RoleOwner, events.RoleAdmin, events.RoleAuditor, events.RoleMember}
)

var rules = map[Operation]rule{
	OpReadOrganizationTokens:  {roles: readers, own: true, scope: "token:read", tokens: true},
	OpCreateOrganizationToken: {roles: managers, scope: "token:write", tokens: true},
	OpChangeOrganizationToken: {roles: managers, scope: "token:write", tokens: true},
	OpRotateOrganizationToken: {roles: managers, scope: "token:write", tokens: true},
	OpRevokeOrganizationToken: {roles: managers, scope: "token:write", tokens: true, service: true},
	OpDeleteOrganizationToken: {roles: managers, scope: "token:delete", tokens: true},

	OpReadPersonalTokens:  {own: true, scope: "token:read"},
	OpCreatePersonalToken: {own: true, scope: "token:write"},
	OpChangePersonalToken: {own: true, scope: "token:write"},
	OpRotatePersonalToken: {own: true, scope: "token:write"},
	OpRevokePersonalToken: {own: true, scope: "token:write", service: true},
	OpDeletePersonalToken: {own: true, scope: "token:delete"},

	OpReadGrants:   {roles: readers, scope: "token:read", tokens: true},
	OpEndGrants:    {roles: managers, scope: "token:write", tokens: true},
	OpAuthorizeSSO: {roles: managers, person: true},
	OpWithdrawSSO:  {roles: managers, person: true},
	OpVerifyTokens: {roles: managers, scope: "token:introspect", tokens: true},

	OpReadOrganization:   {roles: everyone, scope: "organization:read", tokens: true},
	OpCreateOrganization: {operator: true, person: true},
	OpRenameOrganization: {roles: managers, person: true},
	OpRegisterObject:     {roles: managers, person: true},
	OpReadPolicy:         {roles: readers, scope: "policy:read", tokens: true},
	OpChangePolicy:       {roles: managers, person: true},

	OpReadMembers:      {roles: readers, scope: "user:read", tokens: true},
	OpAddMember:        {roles: managers, person: true},
	OpChangeRole:       {roles: managers, person: true},
	OpEndMember:        {roles: managers, person: true},
	OpAppointOwner:     {roles: []events.Role{events.RoleOwner}, person: true},
	OpReadUser:         {roles: readers, own: true, scope: "user:read", tokens: true},
	OpCreateUser:       {roles: managers, person: true},
	OpUpdateUser:       {roles: managers, own: true, person: true},
	OpSwitchUser:       {roles: managers, person: true},
	OpReadEvents:       {roles: readers, own: true, scope: "event:read", tokens: true},
	OpReadPersonal:     {roles: []events.Role{events.RoleAuditor}, own: true, scope: "event:read"},
	OpExportEvents:     {roles: readers, scope: "report:read", tokens: true},
	OpReadHealth:       {operator: true, scope: VerbRead},
	OpReadInstallation: {operator: true, scope: "event:read"},
	OpExpireTokens:     {service: true},

	OpInviteMember:           {roles: managers, person: true},
	OpWithdrawInvitation:     {roles: managers, person: true},
	OpApproveGrant:           {roles: managers, person: true},
	OpDeclineGrant:           {roles: managers, person: true},
	OpSetSSOProvider:         {roles: managers, person: true},
	OpStampPersonalToken:     {own: true, person: true},
	OpStampOrganizationToken: {roles: managers, person: true},
	OpPreviewPolicy:          {roles: readers, scope: "report:read", tokens: true},
	OpManageWebhooks:         {roles: managers, person: true},
	OpReadWebhooks:           {roles: readers, scope: "organization:read", tokens: true},

	OpReadReviews:    {roles: readers, scope: "report:read", tokens: true},
	OpOpenReview:     {roles: managers, person: true},
	OpDecideReview:   {roles: managers, person: true},
	OpCloseReview:    {roles: managers, person: true},
	OpReviewToken:    {roles: managers, person: true},
	OpPreviewRevoke:  {roles: readers, own: true, scope: "token:read", tokens: true},
	OpReportLeak:     {roles: readers, own: true, scope: "event:read", tokens: true},
	OpReadFindings:   {roles: readers, scope: "event:read", tokens: true},
	OpTriageFinding:  {roles: managers, person: true},
	OpReadReports:    {roles: readers, scope: "report:read", tokens: true},
	OpExportEvidence: {roles: readers, scope: "report:read", tokens: true},
	OpReadProof:      {roles: readers, own: true, scope: "event:read", tokens: true},

	OpEraseUser:        {roles: managers, person: true},
	OpEraseNetworkData: {roles: managers, person: true},
	OpRotateKeys:       {operator: true, person: true},
	OpSignOut:          {own: true, person: true},
	OpReadProvisioned:  {scope: "user:read", tokens: true},
	OpProvision:        {scope: "user:write", tokens: true},
}

// Operations lists all operations, sorted; documents and tests walk it.
func Operations() []Operation { return slices.Sorted(maps.Keys(rules)) }

// Authorize says whether the principal may do the operation where it stands
// so. The error is a [Refusal] with the code FORBIDDEN. What belongs to another
// organization is to be refused as not found before this is asked.
func Authorize(p Principal, at Standing, op Operation) error {
	r, known := rules[op]
	switch {
	case !known:
		return refuse(CodeForbidden, "", "Nobody may do %s.", op)
	case p.Actor.Kind == events.ActorSystem:
		if !r.service {
			return refuse(CodeForbidden, "", "The service does not do %s by itself.", op)
		}
		return nil
	case p.Kind == events.OrganizationKind:
		if op == OpProvision && at.Member != events.RoleMember {
			return refuse(CodeForbidden, "", "Only memberships with the role member are created, changed and ended by %s.", op)
		}
		return r.byOrganizationToken(p, op)
	case !slices.Contains(r.roles, at.Role) && !(r.own && at.Own) && !(r.operator && at.Operator):
		return refuse(CodeForbidden, "", "Your role does not allow %s.", op)
	case r.person && !p.full():
		return refuse(CodeForbidden, "", "%s takes a person, or a personal token without scopes or with the scope admin.", op)
	case p.Kind == events.PersonalKind && len(p.Scopes) > 0 && r.scope != "" && !r.within(p.Scopes):
		return refuse(CodeForbidden, "", "%s needs the scope %s, which this token lacks.", op, r.scope)
	}
	return nil
}

func (r rule) byOrganizationToken(p Principal, op Operation) error {
	if !r.tokens {
		return refuse(CodeForbidden, "", "An organization token may not do %s.", op)
	}
	if !r.within(p.Scopes) {
		return refuse(CodeForbidden, "", "%s needs the scope %s, which this token lacks.", op, r.scope)
	}
	return nil
}

func (r rule) within(s Scopes) bool { return Scopes{r.scope}.Within(s) }

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
