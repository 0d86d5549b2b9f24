// Who is in the story, and how things stood before its last month.

package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// The organizations, and the tokens and people that several parts of the story name.
const (
	organizationName = "lighthouse"
	lighthouse       = "lighthouse"
	harbour          = "harbour"

	adminToken = "admin"

	owner      = "Ada"
	platform   = "Ben"
	security   = "Chiara"
	developer  = "Dmitri"
	leaver     = "Emma"
	departed   = "Farid"
	auditor    = "Grace"
	contractor = "Hugo"
	consultant = "Jonas"
	visitor    = "Keiko"
)

type person struct{ name, email string }

// Addresses are of domains that belong to nobody.
var people = map[string]person{
	owner:      {"Ada Lindqvist", "ada@lighthouse.example"},
	platform:   {"Ben Okafor", "ben@lighthouse.example"},
	security:   {"Chiara Conti", "chiara@lighthouse.example"},
	developer:  {"Dmitri Petrov", "dmitri@lighthouse.example"},
	leaver:     {"Emma Schulz", "emma@lighthouse.example"},
	departed:   {"Farid Haddad", "farid@lighthouse.example"},
	auditor:    {"Grace Kim", "grace@audit.example"},
	contractor: {"Hugo Martin", "hugo@contractors.example"},
	consultant: {"Jonas Weber", "jonas@harbour.example"},
	visitor:    {"Keiko Tanaka", "keiko@harbour.example"},
}

// made is a token that stands in the inventory from before the last month.
type made struct {
	workday int // how many ago
	by      string
	name    string
	text    string
	tags    []string
	scopes  []string
	days    int // until its deadline, from today; 0: none
}

var inventory = []made{
	{87, platform, "ci-evidence", "uploads evidence from the builds", []string{"ci"}, []string{"evidence:write", "control:read"}, 200},
	{87, platform, "nightly-scan", "starts the scans at night", []string{"scans"}, []string{"scan:write"}, 240},
	{86, departed, "risk-sync", "keeps the risk register and the tracker alike", []string{"sync"}, []string{"risk:write", "task:write"}, 150},
	{86, security, "audit-export", "the weekly export to the archive", []string{"audit"}, []string{"control:read", "evidence:read"}, 0},
	{85, platform, "legacy-importer", "the importer of the old register", []string{"legacy"}, []string{"write"}, 0},
	{85, platform, "dashboard", "for the wall in the hall", nil, []string{"read"}, 0},
	{84, departed, "terraform", "plans and applies infrastructure", []string{"infrastructure"}, []string{"control:read", "deployment:write"}, 120},
	{83, departed, "backup-agent", "reads what is backed up", []string{"infrastructure"}, []string{"evidence:read"}, 180},
	{80, platform, "partner-portal", "what partners see of our controls", []string{"partners"}, []string{"control:read"}, 90},
	{78, security, "vendor-scanner", "the scanner of a vendor", []string{"vendors", "scans"}, []string{"scan:write", "evidence:write"}, 60},
	{76, platform, "old-ci", "the pipeline that was replaced", []string{"ci", "legacy"}, []string{"evidence:write"}, -6},
	{75, platform, "mobile-backend", "the backend of the app", []string{"apps"}, []string{"task:write"}, 100},
	{74, owner, "import-2025", "the import of last year's evidence", []string{"legacy"}, []string{"evidence:write"}, 0},
	{60, platform, "reports", "the numbers for the board", nil, []string{"control:read", "risk:read"}, 45},
	{55, owner, "proxy", "verifies tokens for the proxies", []string{"infrastructure"}, []string{"token:introspect"}, 0},
}

// cast plans the first quarter: people come, tokens are made.
func (t *teller) cast() {
	t.directed(t.office(88, 8, 40), "the organization gets its name", func(ctx context.Context) error {
		_, err := t.directory.RenameOrganization(ctx, t.by(owner), t.orgs[lighthouse], organizationName, "Lighthouse Software (demo)")
		return err
	})
	for i, who := range []string{platform, security, departed} {
		t.joins(t.office(88, 9, 5+3*i), who, lighthouse, events.RoleAdmin, time.Time{})
	}
	t.joins(t.office(88, 9, 20), developer, lighthouse, events.RoleMember, time.Time{})
	t.joins(t.office(88, 9, 24), leaver, lighthouse, events.RoleMember, time.Time{})
	t.joins(t.office(88, 9, 31), auditor, lighthouse, events.RoleAuditor, time.Time{})
	t.joins(t.office(70, 10, 2), contractor, lighthouse, events.RoleMember, t.office(6, 18, 0))
	t.directed(t.office(88, 10, 15), "deployments are an object", func(ctx context.Context) error {
		_, err := t.directory.RegisterObject(ctx, t.by(owner), t.orgs[lighthouse], "deployment", map[string]string{"deploy": "write", "deployments": "read"})
		return err
	})
	t.policy(t.office(88, 10, 40), owner, lighthouse, aggregate.PolicyChange{
		MemberScopes: []string{"control:read", "evidence:write", "risk:read", "task:write"}, ReviewEvery: days(60), RotationAge: days(75),
	})
	t.secondOrganization()
	for i, m := range inventory {
		t.creates(t.office(m.workday, 11, 3*i%60), m.by, lighthouse, t.newToken(m))
	}
	t.personalTokens()
	const review = "First quarter"
	t.opensReview(t.office(45, 9, 0), security, review, t.office(38, 17, 0))
	for i, name := range []string{"ci-evidence", "nightly-scan", "audit-export", "partner-portal", "dashboard"} {
		t.decides(t.office(44, 10, 4*i), owner, review, name, events.ReviewKeep, "in use, and its owner was asked")
	}
	t.decides(t.office(43, 15, 10), security, review, "import-2025", events.ReviewRevoke, "the import is done")
	t.directed(t.office(38, 16, 30), "the review closes", func(ctx context.Context) error {
		_, err := t.directory.Tokens.CloseAccessReview(ctx, t.by(security), t.orgs[lighthouse], t.reviews[review])
		return err
	})
}

func (t *teller) newToken(m made) aggregate.NewToken {
	in := aggregate.NewToken{Name: m.name, Description: m.text, Tags: m.tags, Scopes: m.scopes}
	if m.days != 0 {
		in.ExpiresAt = t.today.AddDate(0, 0, m.days).Add(9 * time.Hour)
	}
	return in
}

// secondOrganization is a customer's, to which a consultant's token is granted, too. It
// has single sign-on before the first one does.
func (t *teller) secondOrganization() {
	t.directed(t.office(82, 9, 0), "a second organization", func(ctx context.Context) error {
		p := people[consultant]
		made, err := t.directory.CreateOrganization(ctx, t.by(owner), aggregate.NewOrganization{
			Name: harbour, DisplayName: "Harbour Consulting (demo)",
			OwnerProfile: aggregate.Profile{Email: p.email, DisplayName: p.name},
		})
		if err != nil {
			return err
		}
		t.orgs[harbour] = made.ID
		for _, placed := range made.Receipt.Placed {
			if placed.Stream.Kind() == events.KindUser {
				t.users[consultant], _, _ = placed.Stream.IDs()
			}
		}
		return nil
	})
	t.directed(t.office(82, 9, 30), "a user of the second organization", func(ctx context.Context) error {
		p := people[visitor]
		made, err := t.directory.CreateUser(ctx, t.by(consultant), aggregate.NewUser{
			Organization: t.orgs[harbour], Profile: aggregate.Profile{Email: p.email, DisplayName: p.name}, Role: events.RoleMember,
		})
		t.users[visitor] = made.ID
		return err
	})
	t.directed(t.office(81, 9, 0), "the consultant joins the first organization", func(ctx context.Context) error {
		_, err := t.directory.AddMember(ctx, t.by(owner), aggregate.NewMember{
			Organization: t.orgs[lighthouse], User: t.users[consultant], Role: events.RoleMember,
		})
		return err
	})
	t.creates(t.office(80, 14, 0), consultant, harbour, aggregate.NewToken{
		Name: "harbour-intake", Description: "the intake of the customer", Scopes: []string{"evidence:write"},
	})
}

func (t *teller) personalTokens() {
	both := []string{lighthouse, harbour}
	one := both[:1]
	t.grants(t.office(72, 9, 12), platform, one, aggregate.NewToken{Name: "ben-laptop", Description: "my laptop", Scopes: []string{"admin"}, ExpiresAt: t.today.AddDate(0, 0, 75)})
	t.grants(t.office(71, 13, 40), developer, one, aggregate.NewToken{Name: "dmitri-cli", Description: "the command line", Scopes: []string{"read", "evidence:write"}, ExpiresAt: t.today.AddDate(0, 0, 40)})
	t.grants(t.office(68, 10, 25), leaver, one, aggregate.NewToken{Name: "emma-notebook", Description: "notebooks", Scopes: []string{"read"}})
	t.grants(t.office(66, 16, 2), contractor, one, aggregate.NewToken{Name: "hugo-upload", Description: "evidence of the migration", Scopes: []string{"evidence:write"}, ExpiresAt: t.today.AddDate(0, 0, 30)})
	t.grants(t.office(64, 11, 48), consultant, both, aggregate.NewToken{Name: "jonas-both", Description: "for the workshop", Scopes: []string{"read"}, ExpiresAt: t.today.AddDate(0, 0, 25)})
	t.grants(t.office(50, 9, 9), security, one, aggregate.NewToken{Name: "chiara-console", Description: "looking around", Scopes: []string{"read"}, ExpiresAt: t.today.AddDate(0, 0, 60)})
}

// filler is a kind of token that fills the inventory, and what it is used for.
type filler struct {
	job    string
	scopes []string
	action string
}

var fillers = []filler{
	{"deploy", []string{"evidence:write"}, "createEvidence"},
	{"exporter", []string{"control:read"}, "controls"},
	{"linter", []string{"task:write", "risk:read"}, "createTask"},
	{"sync", []string{"scan:write"}, "createScan"},
	{"uploader", []string{"read"}, "controls"},
}

// extra plans tokens that fill the inventory, as the seed draws them; two in three are
// used.
func (t *teller) extra() {
	creators := []string{owner, platform, security}
	addresses := []string{ciAddress, cloudAddress, officeAddress, sixthAddress}
	for i, team := range []string{"billing", "identity", "mobile", "payments", "search", "storage"} {
		for range 1 + t.random.IntN(2) {
			f := fillers[t.random.IntN(len(fillers))]
			name := fmt.Sprintf("%s-%s-%d", team, f.job, 1+t.random.IntN(9))
			if _, taken := t.begins[name]; taken {
				continue
			}
			t.creates(t.office(24+t.random.IntN(20), 9+t.random.IntN(8), t.random.IntN(60)), creators[i%len(creators)], lighthouse, aggregate.NewToken{
				Name: name, Description: "what the team " + team + " runs", Tags: []string{team},
				Scopes: f.scopes, ExpiresAt: t.today.AddDate(0, 0, 20+t.random.IntN(150)).Add(10 * time.Hour),
			})
			if t.random.IntN(3) == 0 {
				continue
			}
			t.extras = append(t.extras, job{
				use:   use{token: name, resource: "team/" + team, address: addresses[t.random.IntN(len(addresses))], agent: scriptAgent, via: "introspect"},
				hours: workHours[t.random.IntN(4) : 5+t.random.IntN(4)], weekdays: weekdays, often: 2, most: 2, actions: []string{f.action},
			})
		}
	}
}

func days(n int64) *events.Seconds {
	s := events.Seconds(n * 24 * 60 * 60)
	return &s
}

func on() *bool {
	yes := true
	return &yes
}
