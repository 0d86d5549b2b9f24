// Who may do what, as one table: a line that changes here is a change of what people may do.

package aggregate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// matrix has a row for each operation and a group of columns for each credential
// that has a person behind it: a person, a personal token with all its owner's
// rights, the same where people can sign in, one with just the scope, the same
// where people can sign in. The columns of a group are owner, admin, auditor,
// member, own and operator. Last stand an organization token with the scope, and
// the service.
const matrix = `
event.open-personal-values       ··○·○· ··○·○· ··○·○· ··○·○· ··○·○· · ·
event.read                       ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○ ·
finding.read                     ○○○··· ○○○··· ○○○··· ○○○··· ○○○··· ○ ·
finding.triage                   ○○···· ○○···· ······ ○○···· ······ · ·
grant.approve                    ○○···· ○○···· ······ ○○···· ······ · ·
grant.decline                    ○○···· ○○···· ······ ○○···· ······ · ·
grant.end                        ○○···· ○○···· ○○···· ○○···· ○○···· ○ ·
grant.read                       ○○○··· ○○○··· ○○○··· ○○○··· ○○○··· ○ ·
installation.read-events         ·····○ ·····○ ·····○ ·····○ ·····○ · ·
member.add                       ○○···· ○○···· ○○···· ○○···· ○○···· · ·
member.appoint-owner             ○····· ○····· ······ ○····· ······ · ·
member.change-role               ○○···· ○○···· ○○···· ○○···· ○○···· · ·
member.end                       ○○···· ○○···· ○○···· ○○···· ○○···· · ·
member.invite                    ○○···· ○○···· ······ ○○···· ······ · ·
member.read                      ○○○··· ○○○··· ○○○··· ○○○··· ○○○··· ○ ·
member.withdraw-invitation       ○○···· ○○···· ······ ○○···· ······ · ·
organization-token.change        ○○···· ○○···· ○○···· ○○···· ○○···· ○ ·
organization-token.create        ○○···· ○○···· ○○···· ○○···· ○○···· ○ ·
organization-token.delete        ○○···· ○○···· ○○···· ○○···· ○○···· ○ ·
organization-token.read          ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○ ·
organization-token.revoke        ○○···· ○○···· ○○···· ○○···· ○○···· ○ ○
organization-token.rotate        ○○···· ○○···· ○○···· ○○···· ○○···· ○ ·
organization.create              ·····○ ·····○ ·····○ ·····○ ·····○ · ·
organization.erase-network-data  ○○···· ○○···· ······ ○○···· ······ · ·
organization.read                ○○○○·· ○○○○·· ○○○○·· ○○○○·· ○○○○·· ○ ·
organization.register-object     ○○···· ○○···· ○○···· ○○···· ○○···· · ·
organization.rename              ○○···· ○○···· ○○···· ○○···· ○○···· · ·
personal-token.change            ····○· ····○· ····○· ····○· ····○· · ·
personal-token.create            ····○· ····○· ····○· ····○· ····○· · ·
personal-token.delete            ····○· ····○· ····○· ····○· ····○· · ·
personal-token.read              ····○· ····○· ····○· ····○· ····○· · ·
personal-token.revoke            ····○· ····○· ····○· ····○· ····○· · ○
personal-token.rotate            ····○· ····○· ····○· ····○· ····○· · ·
policy.change                    ○○···· ○○···· ······ ○○···· ······ · ·
policy.preview                   ○○○··· ○○○··· ○○○··· ○○○··· ○○○··· ○ ·
policy.read                      ○○○··· ○○○··· ○○○··· ○○○··· ○○○··· ○ ·
provisioning.read                ······ ······ ······ ······ ······ ○ ·
provisioning.write               ······ ······ ······ ······ ······ ○ ·
report.export-evidence           ○○○··· ○○○··· ○○○··· ○○○··· ○○○··· ○ ·
report.read                      ○○○··· ○○○··· ○○○··· ○○○··· ○○○··· ○ ·
review.close                     ○○···· ○○···· ······ ○○···· ······ · ·
review.decide                    ○○···· ○○···· ······ ○○···· ······ · ·
review.open                      ○○···· ○○···· ······ ○○···· ······ · ·
review.read                      ○○○··· ○○○··· ○○○··· ○○○··· ○○○··· ○ ·
session.sign-out                 ····○· ······ ······ ······ ······ · ·
sso.authorize                    ○○···· ○○···· ······ ○○···· ······ · ·
sso.set-provider                 ○○···· ○○···· ······ ○○···· ······ · ·
sso.stamp-organization-token     ○○···· ○○···· ······ ○○···· ······ · ·
sso.stamp-personal-token         ····○· ····○· ······ ····○· ······ · ·
sso.withdraw                     ○○···· ○○···· ······ ○○···· ······ · ·
token.expire                     ······ ······ ······ ······ ······ · ○
token.preview-revoke             ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○ ·
token.report-leak                ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○ ·
token.review                     ○○···· ○○···· ······ ○○···· ······ · ·
token.verify                     ○○···· ○○···· ○○···· ○○···· ○○···· ○ ·
user.create                      ○○···· ○○···· ○○···· ○○···· ○○···· · ·
user.deactivate                  ○○···· ○○···· ○○···· ○○···· ○○···· · ·
user.read                        ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○○○·○· ○ ·
user.update                      ○○··○· ○○··○· ○○··○· ○○··○· ○○··○· · ·
webhook.manage                   ○○···· ○○···· ○○···· ○○···· ○○···· · ·
webhook.read                     ○○○··· ○○○··· ○○○··· ○○○··· ○○○··· ○ ·
`

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	got.WriteString("\n")
	for _, op := range Operations() {
		fmt.Fprintf(&got, "%-32s", op)
		for _, c := range Credentials() {
			stances := Stances()
			if c == CredentialOrganizationToken || c == CredentialService {
				stances = make([]Stance, 1)
			}
			got.WriteString(" ")
			for _, at := range stances {
				mark := "·"
				if Permission(op, c, at).Allowed {
					mark = "○"
				}
				got.WriteString(mark)
			}
		}
		got.WriteString("\n")
	}
	if got.String() != matrix {
		t.Errorf("the rules are now%sand the table says%s", got.String(), matrix)
	}
}

// A credential only takes away: whatever a token may do, its person may do.
func TestATokenNeverMayMoreThanItsPerson(t *testing.T) {
	t.Parallel()
	user := uuid.New()
	person := Principal{Actor: events.Person(user), User: user}
	for _, op := range Operations() {
		for _, role := range append(slices.Clone(everyRole), "") {
			for _, scopes := range []Scopes{nil, {"admin"}, {"read"}, {"write"}, AllScopes(), {"evidence:write"}} {
				for bits := range 4 {
					at := Standing{Role: role, Own: bits&1 > 0, Operator: bits&2 > 0}
					token := Principal{
						Actor: events.PersonalToken(uuid.New(), user), User: user, Kind: events.PersonalKind, Scopes: scopes,
					}
					byToken, byPerson := Authorize(token, at, op) == nil, Authorize(person, at, op) == nil
					if byToken && !byPerson {
						t.Errorf("%s as %+v: the token with %v may, the person may not", op, at, scopes)
					}
					if need := ScopeFor(op); byToken && len(scopes) > 0 && !(Scopes{need}).Within(scopes) {
						t.Errorf("%s as %+v: a token with %v may without %s", op, at, scopes, need)
					}
					if len(scopes) == 0 && op != OpSignOut && byToken != byPerson {
						t.Errorf("%s as %+v: an unscoped token may %v, its person %v", op, at, byToken, byPerson)
					}
				}
			}
		}
	}
}

// What separates people from automation: no token with narrow scopes and no
// organization token does any of this, and where people can sign in, no token at
// all does what is for people alone.
func TestSomeOperationsTakeAPerson(t *testing.T) {
	t.Parallel()
	at := Standing{Role: events.RoleOwner, Operator: true, Own: true, Member: events.RoleMember}
	everything := slices.DeleteFunc(Registry{}.Scopes(), func(s string) bool { return s == scopeAdmin })
	user := uuid.New()
	admin := Principal{Actor: events.PersonalToken(uuid.New(), user), User: user, Kind: events.PersonalKind, Scopes: Scopes{"admin"}}
	full := admin
	full.Scopes = nil
	for op, policy := range map[Operation]string{
		OpApproveGrant: "tokens-never-approve", OpDeclineGrant: "tokens-never-approve",
		OpOpenReview: "tokens-never-review", OpDecideReview: "tokens-never-review", OpCloseReview: "tokens-never-review",
		OpReviewToken: "tokens-never-review", OpTriageFinding: "tokens-never-review",
		OpInviteMember: "tokens-never-invite", OpWithdrawInvitation: "tokens-never-invite", OpAppointOwner: "tokens-never-invite",
		OpChangePolicy: "tokens-never-change-policy",
		OpAuthorizeSSO: "tokens-never-change-sso", OpWithdrawSSO: "tokens-never-change-sso",
		OpSetSSOProvider: "tokens-never-change-sso", OpStampPersonalToken: "tokens-never-change-sso",
		OpStampOrganizationToken: "tokens-never-change-sso",
		OpEraseNetworkData:       "tokens-never-erase",
		OpRegisterObject:         "", OpRenameOrganization: "", OpCreateOrganization: "", OpManageWebhooks: "", OpAddMember: "",
		OpChangeRole: "", OpEndMember: "", OpCreateUser: "", OpUpdateUser: "", OpSwitchUser: "",
	} {
		for _, p := range []Principal{
			{Actor: events.PersonalToken(uuid.New(), user), User: user, Kind: events.PersonalKind, Scopes: everything},
			{Actor: events.OrganizationToken(uuid.New()), Kind: events.OrganizationKind, Scopes: AllScopes()},
			Service("scheduler"),
		} {
			mustBe(t, Authorize(p, at, op), CodeForbidden, "")
		}
		for _, p := range []Principal{admin, full} {
			if err := Authorize(p, at, op); err != nil {
				t.Errorf("%s where nobody can sign in: %v", op, err)
			}
			p.SignIn = true
			err := Authorize(p, at, op)
			if policy == "" {
				if err != nil {
					t.Errorf("%s where people can sign in: %v", op, err)
				}
				continue
			}
			mustBe(t, err, CodeForbidden, "")
			var r *Refusal
			if !errors.As(err, &r) || r.Policy != policy {
				t.Errorf("%s is refused by %+v, want %s", op, r, policy)
			}
		}
	}
	mustBe(t, Authorize(Principal{}, Standing{Role: events.RoleOwner}, "token.forge"), CodeForbidden, "")
}

func TestRoleScopes(t *testing.T) {
	t.Parallel()
	policy := events.Policy{MemberScopes: []string{"task:write", "evidence:read", "token:write", "write"}}
	for role, want := range map[events.Role]Scopes{
		events.RoleOwner: AllScopes(), events.RoleAdmin: AllScopes(), events.RoleAuditor: {"read"},
		events.RoleMember: {"evidence:read", "task:write"}, "": nil, "janitor": nil,
	} {
		if got := RoleScopes(role, policy); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", role, got, want)
		}
	}
	if got := RoleScopes(events.RoleMember, events.Policy{}); len(got) > 0 {
		t.Errorf("members have %v without a policy", got)
	}
	// An operation that a role may do in its organization is one that its scopes allow.
	for _, op := range Operations() {
		for _, role := range []events.Role{events.RoleOwner, events.RoleAdmin, events.RoleAuditor} {
			if Rule(Principal{}, Standing{Role: role}, op).Allowed && !(Scopes{ScopeFor(op)}).Within(RoleScopes(role, policy)) {
				t.Errorf("%s may do %s without the scope %s", role, op, ScopeFor(op))
			}
		}
	}
}
