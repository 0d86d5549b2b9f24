// The last month: what people did, what went wrong, and what was made of it.

package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// Where things are used from. The addresses are of the ranges for documents.
const (
	ciAddress      = "192.0.2.17"
	officeAddress  = "192.0.2.80"
	cloudAddress   = "198.51.100.24"
	vendorAddress  = "198.51.100.201"
	homeAddress    = "203.0.113.54"
	foreignAddress = "203.0.113.166"
	sixthAddress   = "2001:db8:40:2::19"

	ciAgent      = "evidence-uploader/2.4"
	scanAgent    = "nightly-scan/1.9"
	syncAgent    = "risk-sync/0.14 (Go)"
	vendorAgent  = "vendor-scanner/7"
	browserAgent = "Mozilla/5.0"
	scriptAgent  = "curl/8.5.0"
	foreignAgent = "python-requests/2.31"
)

// plot plans the last month.
func (t *teller) plot() {
	t.extra()
	t.approvals()
	t.singleSignOn()
	t.rotations()
	t.endings()
	t.leak()
	t.leavers()
	t.oddities()
	t.looksBack()
}

// approvals become the rule for personal tokens, and each answer to one happens.
func (t *teller) approvals() {
	for i, name := range []string{adminToken, "ben-laptop", "dmitri-cli", "emma-notebook", "hugo-upload", "chiara-console", "jonas-both"} {
		t.approves(t.office(22, 9, 10+i), security, lighthouse, name, "known, from before the rule")
	}
	t.policy(t.office(22, 10, 0), owner, lighthouse, aggregate.PolicyChange{ApprovalRequired: on(), DescriptionRequired: on()})
	one := []string{lighthouse}
	t.grants(t.office(18, 9, 33), developer, one, aggregate.NewToken{Name: "dmitri-ci-debug", Description: "a look at a failing build", Scopes: []string{"evidence:write"}, ExpiresAt: t.today.AddDate(0, 0, 20)})
	t.approves(t.office(18, 11, 2), security, lighthouse, "dmitri-ci-debug", "two weeks are enough")
	t.grants(t.office(15, 14, 20), leaver, one, aggregate.NewToken{Name: "emma-bulk", Description: "all of it, to be sure", Scopes: []string{"read", "evidence:write", "task:write"}})
	t.declines(t.office(15, 16, 45), security, lighthouse, "emma-bulk", "no deadline, and more than the task needs")
	t.grants(t.office(2, 16, 10), developer, one, aggregate.NewToken{Name: "dmitri-tablet", Description: "the new tablet", Scopes: []string{"read"}, ExpiresAt: t.today.AddDate(0, 0, 90)})
}

// singleSignOn becomes the rule, with every token authorized before it but one.
func (t *teller) singleSignOn() {
	t.at(t.office(21, 9, 0), "tokens are authorized through single sign-on", func(ctx context.Context) error {
		for _, name := range t.known() {
			h := t.tokens[name]
			if h.ended || h.organization != t.orgs[lighthouse] || name == "reports" {
				continue
			}
			if _, err := t.directory.Tokens.AuthorizeSSO(ctx, t.by(owner), t.orgs[lighthouse], h.ref); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			t.clock.to(t.clock.Now().Add(7 * time.Second))
		}
		t.stamping = true
		return nil
	})
	t.policy(t.office(21, 10, 30), owner, lighthouse, aggregate.PolicyChange{SSORequired: on()})
	for i := range 3 {
		t.plays(t.office(21, 11, 20*i), use{token: "reports", action: "controls", resource: "control/all", address: cloudAddress, agent: syncAgent, via: "introspect", refused: true})
	}
	t.authorizes(t.office(21, 13, 5), platform, lighthouse, "reports")
	t.on(t.office(9, 10, 15), "single sign-on withdrawn from", "audit-export", func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.WithdrawSSO(ctx, t.by(security), t.orgs[lighthouse], h.ref)
		return err
	})
	t.plays(t.office(9, 10, 40), use{token: "audit-export", action: "controls", resource: "control/all", address: officeAddress, agent: scriptAgent, via: "introspect", refused: true})
	t.authorizes(t.office(9, 11, 30), security, lighthouse, "audit-export")
}

// rotations: one whose predecessor ends at the first use of the successor, one with an
// overlap after which somebody still has the old value, one of a person.
func (t *teller) rotations() {
	t.rotates(t.office(14, 9, 40), platform, "ci-evidence", aggregate.Rotation{EndsAtFirstUse: true, Reason: "the quarter's rotation"})
	overlap := 24 * time.Hour
	t.rotates(t.office(12, 15, 20), platform, "mobile-backend", aggregate.Rotation{Overlap: &overlap, Reason: "the quarter's rotation"})
	for i := range 4 {
		t.plays(t.office(8, 9, 7*i), use{token: former("mobile-backend"), action: "createTask", resource: "task/inbox", address: cloudAddress, agent: scriptAgent, via: "auth-check", refused: true})
	}
	t.rotates(t.office(5, 10, 50), platform, "ben-laptop", aggregate.Rotation{Overlap: &overlap})
	week := 7 * 24 * time.Hour
	t.rotates(t.office(1, 16, 30), platform, "partner-portal", aggregate.Rotation{Overlap: &week, Reason: "asked for by the partner"})
}

// endings: a token that runs out, one that is suspended and comes back, one that stays
// suspended, one that is deleted, and one whose end is near.
func (t *teller) endings() {
	t.plays(t.today.AddDate(0, 0, -5).Add(4*time.Hour), use{token: "old-ci", action: "createEvidence", resource: "evidence/2026-q1", address: ciAddress, agent: ciAgent, via: "auth-check", refused: true})
	t.suspends(t.office(13, 11, 5), security, "terraform", "its state file was found in a shared folder", time.Time{})
	t.plays(t.office(13, 12, 0), use{token: "terraform", action: "deploy", resource: "deployment/staging", address: cloudAddress, agent: scriptAgent, via: "introspect", refused: true})
	t.resumes(t.office(12, 9, 15), security, "terraform", "the folder was never shared outside")
	t.suspends(t.office(3, 17, 20), security, "partner-portal", "asked for by the partner", t.today.AddDate(0, 0, 1).Add(8*time.Hour))
	t.resumes(t.office(2, 9, 0), security, "partner-portal", "the partner is ready earlier")
	t.suspends(t.office(2, 14, 30), platform, "dashboard", "nobody knows who looks at it", time.Time{})
	t.deletes(t.office(10, 16, 0), owner, "import-2025", "ended, and out of the way")
	t.creates(t.office(20, 15, 15), platform, lighthouse, aggregate.NewToken{Name: "migration-upload", Description: "uploads of the migration", Tags: []string{"migration"}, Scopes: []string{"evidence:write"}, ExpiresAt: t.today.AddDate(0, 0, 4).Add(12 * time.Hour)})
	t.updates(t.office(16, 13, 0), platform, "risk-sync", aggregate.TokenUpdate{Scopes: []string{"risk:write", "task:read"}, AppendTags: []string{"critical"}})
	name := "reports-board"
	t.updates(t.office(11, 10, 10), platform, "reports", aggregate.TokenUpdate{Name: &name})
	later := t.today.AddDate(0, 0, 200).Add(9 * time.Hour)
	t.updates(t.office(7, 11, 30), platform, "nightly-scan", aggregate.TokenUpdate{ExpiresAt: &later})
}

// leak: a vendor's token stands in a public repository, is used from elsewhere, is found
// the next morning, and somebody goes on trying.
func (t *teller) leak() {
	night := t.workday(7).Add(2*time.Hour + 13*time.Minute)
	abuse := use{token: "vendor-scanner", action: "createScan", resource: "scan/external", address: foreignAddress, agent: foreignAgent, via: "introspect"}
	for i := range 66 {
		t.plays(night.Add(time.Duration(i)*600*time.Millisecond), abuse)
	}
	for i := range 6 {
		take := abuse
		take.action, take.resource = "createEvidence", fmt.Sprintf("evidence/probe-%d", i)
		t.plays(night.Add(time.Duration(6+5*i)*time.Minute), take)
	}
	t.on(t.office(7, 8, 55), "the value is found of", "vendor-scanner", func(_ context.Context, h *held) error {
		t.leaked = h.value
		return nil
	})
	t.revokes(t.office(7, 9, 2), security, "vendor-scanner", "its value stood in a public repository of the vendor")
	for i := range 8 {
		again := abuse
		again.refused = true
		t.plays(t.workday(6).Add(time.Duration(70+47*i)*time.Minute), again)
	}
	t.creates(t.office(7, 11, 30), security, lighthouse, aggregate.NewToken{Name: "vendor-scanner-2", Description: "the scanner of a vendor, after the leak", Tags: []string{"vendors", "scans"}, Scopes: []string{"scan:write"}, ExpiresAt: t.today.AddDate(0, 0, 80)})
}

// leavers: one whose membership ends, one who is deactivated and had made tokens, one
// whose time was over.
func (t *teller) leavers() {
	t.leaves(t.office(11, 17, 0), leaver, "left the company", false)
	t.on(t.office(11, 17, 0).Add(time.Second), "no more uses of", "emma-notebook", func(_ context.Context, h *held) error {
		h.ended = true
		return nil
	})
	t.plays(t.office(10, 8, 50), use{token: "emma-notebook", action: "controls", resource: "control/all", address: homeAddress, agent: browserAgent, via: "introspect", refused: true})
	t.leaves(t.office(4, 17, 30), departed, "his contract has ended", true)
	t.on(t.office(6, 18, 0), "no more uses of", "hugo-upload", func(_ context.Context, h *held) error {
		h.ended = true
		return nil
	})
	t.plays(t.office(5, 9, 20), use{token: "hugo-upload", action: "createEvidence", resource: "evidence/migration", address: homeAddress, agent: scriptAgent, via: "introspect", refused: true})
	t.invites(t.office(6, 10, 0), platform, "ines@lighthouse.example", events.RoleMember)
	t.invites(t.office(17, 10, 0), platform, people[visitor].email, events.RoleMember)
	t.directed(t.office(17, 13, 12), "an invitation is accepted", func(ctx context.Context) error {
		_, err := t.directory.AcceptInvitation(ctx, t.by(visitor), t.invited[people[visitor].email].Secret)
		return err
	})
	t.invites(t.office(16, 10, 0), platform, "wrong@lighthouse.example", events.RoleAdmin)
	t.directed(t.office(16, 10, 9), "an invitation is withdrawn", func(ctx context.Context) error {
		_, err := t.directory.WithdrawInvitation(ctx, t.by(platform), t.orgs[lighthouse], t.invited["wrong@lighthouse.example"].ID, "the wrong address")
		return err
	})
	t.directed(t.office(19, 9, 50), "a role changes", func(ctx context.Context) error {
		_, err := t.directory.ChangeRole(ctx, t.by(owner), aggregate.Term{Organization: t.orgs[lighthouse], User: t.users[developer], Role: events.RoleAdmin})
		return err
	})
	t.directed(t.office(17, 17, 45), "and changes back", func(ctx context.Context) error {
		_, err := t.directory.ChangeRole(ctx, t.by(owner), aggregate.Term{Organization: t.orgs[lighthouse], User: t.users[developer], Role: events.RoleMember})
		return err
	})
	t.at(t.office(20, 11, 0), "a webhook is added", func(ctx context.Context) error {
		made, err := t.directory.AddWebhook(ctx, t.by(platform), aggregate.NewWebhook{
			Organization: t.orgs[lighthouse], URL: "https://hooks.lighthouse.example/ledger", Types: []string{"token"},
		})
		t.webhooks["trial"] = made.ID
		return err
	})
	t.at(t.office(20, 11, 40), "and removed", func(ctx context.Context) error {
		_, err := t.directory.RemoveWebhook(ctx, t.by(platform), t.orgs[lighthouse], t.webhooks["trial"])
		return err
	})
}

// oddities raise the findings that the rest does not.
func (t *teller) oddities() {
	t.plays(t.office(6, 10, 40), use{token: "legacy-importer", action: "createRisk", resource: "risk/import", address: officeAddress, agent: scriptAgent, via: "introspect"})
	sunday := t.workday(4)
	for sunday.Weekday() != time.Sunday {
		sunday = sunday.AddDate(0, 0, -1)
	}
	t.plays(sunday.Add(3*time.Hour+22*time.Minute), use{token: "risk-sync", action: "createRisk", resource: "risk/register", address: cloudAddress, agent: syncAgent, via: "introspect"})
	for i := range 10 {
		t.plays(t.office(3, 14, 5).Add(time.Duration(i)*11*time.Second), use{token: "ci-evidence", action: "createScan", resource: "scan/all", address: ciAddress, agent: ciAgent, via: "auth-check", refused: true})
	}
}

// looksBack: findings are triaged, and a review of everything is half done.
func (t *teller) looksBack() {
	t.triages(t.office(7, 9, 20), security, projections.RuleBurst, events.FindingAcknowledged, "the leak of the vendor's token; it is revoked")
	t.triages(t.office(7, 9, 24), security, projections.RuleNewNetwork, events.FindingClosed, "the leak of the vendor's token; it is revoked")
	t.triages(t.office(5, 10, 5), platform, projections.RuleDormantWoken, events.FindingFalsePositive, "the import of the last three files, by hand")
	t.triages(t.office(3, 15, 0), platform, projections.RuleRefusedStorm, events.FindingClosed, "a pipeline asked for scans; it is mended")
	const review = "Second quarter"
	t.opensReview(t.office(4, 9, 0), security, review, t.today.AddDate(0, 0, 9).Add(17*time.Hour))
	kept := []string{"ci-evidence", "nightly-scan", "backup-agent", "reports", "terraform", "ben-laptop", "dmitri-cli"}
	for i, name := range kept {
		t.decides(t.office(3, 9, 6*i), owner, review, name, events.ReviewKeep, "in use, and its owner was asked")
	}
	t.decides(t.office(2, 11, 45), security, review, "legacy-importer", events.ReviewRevoke, "the old register is gone")
	t.decides(t.office(1, 10, 20), security, review, "dmitri-ci-debug", events.ReviewRevoke, "the build is mended")
	t.policy(t.office(2, 15, 30), security, lighthouse, aggregate.PolicyChange{EndFamilyOnReuse: on(), RotationAge: days(60)})
}
