// What each report says of a known story, row by row, and what it says where nothing happened.

package evidence_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

func TestWhatReportsSayOfTheStory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, report string
		request      evidence.Request
		columns      string
		want         []string
	}{
		{
			"what ended before the period is not in its population, what came and went inside is", "population", tenDays,
			"token kind name owner created_by created_at scopes status ended_at end inside",
			[]string{
				"CI|organization token|ci|ORG|OWNER|d0 10:00|evidence:write|REVOKED|d4 09:45|revoked|false",
				"BATCH|organization token|nightly|ORG|ALICE|d0 11:00|risk:read|ACTIVE|||false",
				"LAPTOP|personal token|laptop|ALICE|OWNER|d1 09:00|risk:read|ENDED|d5 08:30|ended|false",
				"FLEETING|organization token|fleeting|ORG|OWNER|d2 09:00|task:read|DELETED|d2 12:00|deleted|true",
				"FRESH|organization token|fresh|ORG|OWNER|d7 09:00|task:write|ACTIVE|||false",
			},
		},
		{
			"in the middle, all are there who left later", "access",
			evidence.Request{To: on(4, 9, 30)},
			"kind id name user role scopes status since until",
			[]string{
				"member|OWNER||OWNER|owner||ACTIVE|d0 08:00|",
				"member|ALICE||ALICE|member||ACTIVE|d0 09:00|",
				"member|BOB||BOB|member||ACTIVE|d0 09:00|",
				"member|CAROL||CAROL|member||ACTIVE|d0 09:00|",
				"organization token|CI|ci|||evidence:write|SUSPENDED|d0 10:00|",
				"organization token|BATCH|batch|||risk:read|ACTIVE|d0 11:00|",
				"personal token|LAPTOP|laptop|ALICE|member|risk:read|ACTIVE|d1 09:00|",
			},
		},
		{
			"between a departure and the end of the grant, the grant has no role behind it", "access",
			evidence.Request{To: on(5, 8, 15)},
			"kind id user role",
			[]string{
				"member|OWNER|OWNER|owner", "member|BOB|BOB|member", "member|CAROL|CAROL|member",
				"organization token|BATCH||", "personal token|LAPTOP|ALICE|",
			},
		},
		{
			"at the end, who left is gone", "access", tenDays, "kind id name until",
			[]string{
				"member|OWNER||", "member|CAROL||",
				"organization token|BATCH|nightly|", "organization token|FRESH|fresh|d20 00:00",
			},
		},
		{
			"what came and went between the two instants is no difference", "access-difference", tenDays,
			"kind id name change field before after",
			[]string{
				"member|ALICE||ended||member|",
				"member|BOB||ended||member|",
				"organization token|CI|ci|ended||evidence:write|",
				"organization token|BATCH|nightly|changed|name|batch|nightly",
				"organization token|FRESH|fresh|added|||task:write",
				"personal token|LAPTOP|laptop|ended||risk:read|",
			},
		},
		{
			"a leaver's tokens and uses, and one who had none", "leavers", tenDays,
			"user departed_at by what token name ended_at minutes uses_after",
			[]string{
				"ALICE|d5 08:00|OWNER|personal token|LAPTOP|laptop|d5 08:30|30|1",
				"ALICE|d5 08:00|OWNER|organization token that he created|BATCH|nightly|||",
				"BOB|d5 09:00|OWNER|no personal token with access|||||0",
			},
		},
		{
			"who left in another period is none", "leavers",
			evidence.Request{From: on(6, 0, 0), To: on(10, 0, 0)},
			"user what",
			[]string{"none: nobody left in the period|"},
		},
		{
			"with limits that were asked for", "dormant",
			evidence.Request{To: on(10, 0, 0), DormantDays: 5, OverAgeDays: 8},
			"condition token kind name since days limit",
			[]string{
				"dormant|BATCH|organization token|nightly|d3 11:00|6|5",
				"never used|FRESH|organization token|fresh|d7 09:00|2|0",
				"over-age|BATCH|organization token|nightly|d0 11:00|9|8",
				"never expiring|BATCH|organization token|nightly|d0 11:00|9|0",
			},
		},
		{
			"by default nothing of this is old", "dormant",
			evidence.Request{To: on(10, 0, 0)},
			"condition token name limit",
			[]string{"dormant||none|90", "never used|FRESH|fresh|0", "over-age||none|365", "never expiring|BATCH|nightly|0"},
		},
		{
			"a suspension is a detection, and an end before the period is none of its", "revocations", tenDays,
			"at token kind name how by by_kind reason detected_at minutes",
			[]string{
				"d2 12:00|FLEETING|organization token|fleeting|revoked|OWNER|person|a mistake||",
				"d4 09:45|CI|organization token|ci|revoked|OWNER|person|found in a log|d4 09:00|45",
				"d5 08:30|LAPTOP|personal token|laptop|membership_ended|OWNER|person|||",
			},
		},
		{
			"departures are changes, tokens are not", "changes", tenDays, "at what field before after by by_kind reason",
			[]string{
				"d5 08:00|member|ALICE|member||OWNER|person|left the company",
				"d5 09:00|member|BOB|member||OWNER|person|left the company",
			},
		},
	} {
		t.Run(c.report+": "+c.what, func(t *testing.T) {
			t.Parallel()
			s := tellTale(t)
			wants(t, s.text(t, s.report(t, c.report, c.request), strings.Fields(c.columns)...), c.want...)
		})
	}
}

func TestDormantTakesItsLimitsFromThePolicy(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	asked := s.report(t, "dormant", evidence.Request{To: on(10, 0, 0), DormantDays: 5, OverAgeDays: 8})
	s.until(8, 0, 0)
	s.add(events.OrganizationStream(s.org), s.trail(), events.OrganizationPolicyChanged{
		After: events.Policy{IdleExpiry: 5 * 24 * 3600, RotationAge: 8 * 24 * 3600},
	})
	byPolicy := s.report(t, "dormant", evidence.Request{To: on(10, 0, 0)})
	if !reflect.DeepEqual(byPolicy.Rows, asked.Rows) {
		t.Errorf("by the policy %v, asked %v", byPolicy.Rows, asked.Rows)
	}
	want := evidence.Parameter{Name: "policy_idle_expiry_seconds", Value: "432000"}
	if byPolicy.Parameters[2] != want || asked.Parameters[2].Value != "0" {
		t.Errorf("the policy in force: %v, before it %v", byPolicy.Parameters, asked.Parameters)
	}
}

func TestARevocationAfterAResumptionWasNotDetectedByTheSuspension(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	for _, step := range []struct {
		hour int
		e    events.Event
	}{
		{9, events.TokenSuspended{}},
		{10, events.TokenResumed{}},
		{11, events.TokenSuspended{}},
		{12, events.TokenSuspended{Until: on(9, 0, 0)}}, // longer, and not noticed anew
		{13, events.TokenRevoked{}},
	} {
		s.until(8, step.hour, 0)
		s.tell(s.fresh, step.e)
	}
	s.until(8, 14, 0)
	s.tell(s.batch, events.TokenSuspended{})
	s.until(8, 15, 0)
	s.tell(s.batch, events.TokenResumed{})
	s.until(8, 16, 0)
	s.tell(s.batch, events.TokenRevoked{})
	r := evidence.Request{From: on(8, 0, 0), To: on(9, 0, 0)}
	wants(t, s.text(t, s.report(t, "revocations", r), "token", "detected_at", "minutes"), "FRESH|d8 11:00|120", "BATCH||")
}

func TestReviewsListDecisionsLateOnesAndNone(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	first, second := s.id(), s.id()
	open := func(review uuid.UUID, name string, due time.Time) {
		s.add(events.ReviewStream(review), s.trail(), events.ReviewOpened{
			Organization: s.org, Name: name, At: int64(len(s.all)), Due: due, Reviewers: []uuid.UUID{s.owner, s.carol},
		})
	}
	decide := func(by, token uuid.UUID, d events.ReviewDecision, reason string) {
		s.actor = events.Person(by)
		s.add(events.ReviewStream(first), s.trail(), events.ReviewDecided{Token: token, Decision: d}, reason)
		s.actor = events.Person(s.owner)
	}
	s.until(8, 9, 0)
	open(first, "first quarter", on(9, 9, 0))
	s.until(8, 10, 0)
	decide(s.owner, s.batch, events.ReviewRevoke, "whose is it?")
	s.until(8, 12, 0)
	decide(s.owner, s.batch, events.ReviewKeep, "it is ours") // the last word counts
	s.until(9, 15, 0)
	decide(s.carol, s.fresh, events.ReviewRevoke, "too wide")
	s.until(9, 15, 0)
	s.tell(s.fresh, events.TokenRevoked{}, "too wide")
	s.until(9, 16, 0)
	s.add(events.ReviewStream(first), s.trail(), events.ReviewClosed{})
	s.until(9, 17, 0)
	open(second, "second quarter", on(12, 0, 0))

	const columns = "name due token kind token_name owner decision by decided_at hours late reason closed_at"
	wants(t, s.text(t, s.report(t, "reviews", tenDays), strings.Fields(columns)...),
		"first quarter|d9 09:00|BATCH|organization token|nightly|ALICE|keep|OWNER|d8 12:00|3|false|it is ours|d9 16:00",
		"first quarter|d9 09:00|FRESH|organization token|fresh|OWNER|revoke|CAROL|d9 15:00|30|true|too wide|d9 16:00",
		"second quarter|d12 00:00|BATCH|organization token|nightly|ALICE|none||||false||")
	later := evidence.Request{From: on(11, 0, 0), To: on(13, 0, 0)}
	wants(t, s.text(t, s.report(t, "reviews", later), "name", "token", "decision", "late"), "second quarter|BATCH|none|true")
}

func TestChangesTellBeforeAndAfter(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	hook := s.id()
	tell := func(e events.Event, reason string) {
		s.add(events.OrganizationStream(s.org), s.trail(), e, reason)
	}
	week := events.Policy{ExpiryRequired: true, MaxLifetime: 7 * 24 * 3600}
	s.until(8, 9, 0)
	tell(events.OrganizationPolicyChanged{After: week}, "the audit asked for it")
	s.until(8, 10, 0)
	tell(events.OrganizationPolicyChanged{Before: week, After: events.Policy{MaxLifetime: 24 * 3600}}, "")
	s.until(8, 11, 0)
	tell(events.OrganizationRenamed{Name: "acme", DisplayName: "Acme"}, "")
	s.until(8, 12, 0)
	tell(events.OrganizationWebhookAdded{Webhook: hook, URL: "https://hooks.example/x", Types: []string{"token"}}, "")
	s.until(8, 13, 0)
	tell(events.OrganizationWebhookRemoved{Webhook: hook}, "")
	for i, verb := range []string{"read", "write"} {
		s.until(8, 14+i, 0)
		tell(events.OrganizationObjectRegistered{Object: "invoice", Actions: map[string]string{"pay": verb, "see": "read"}}, "")
	}
	s.until(8, 16, 0)
	s.add(events.MembershipStream(s.org, s.carol), s.trail(), events.MembershipRoleChanged{Before: events.RoleMember, Role: events.RoleAdmin})

	r := evidence.Request{From: on(8, 0, 0), To: on(9, 0, 0)}
	got := s.text(t, s.report(t, "changes", r), "at", "what", "field", "before", "after", "reason")
	wants(t, got,
		"d8 09:00|policy|expiry_required||true|the audit asked for it",
		"d8 09:00|policy|max_lifetime||604800|the audit asked for it",
		"d8 10:00|policy|expiry_required|true||",
		"d8 10:00|policy|max_lifetime|604800|86400|",
		"d8 11:00|organization|name|org-1|acme|",
		"d8 11:00|organization|display_name|An organization|Acme|",
		"d8 12:00|webhook|"+hook.String()+"||https://hooks.example/x token|",
		"d8 13:00|webhook|"+hook.String()+"|present||",
		"d8 14:00|object|invoice||pay=read see=read|",
		"d8 15:00|object|invoice|pay=read see=read|pay=write see=read|",
		"d8 16:00|member|CAROL|member|admin|")
}

func TestFindingsTellTriageAndEnd(t *testing.T) {
	t.Parallel()
	s := tellTale(t) // ALICE, who created BATCH, leaves on day 5
	var left events.Position
	for _, rec := range s.all {
		if _, ok := rec.Event.(events.MembershipEnded); ok && left == 0 {
			left = rec.Position
		}
	}
	const columns = "rule position raised_at tokens name detail resolved_at status triaged_at triaged_by note minutes"
	report := func(r evidence.Request) []string {
		return s.text(t, s.report(t, "findings", r), strings.Fields(columns)...)
	}
	triage := func(rule string, at events.Position, status events.FindingStatus, note string) {
		s.add(events.OrganizationStream(s.org), s.trail(), events.OrganizationFindingTriaged{Rule: rule, At: int64(at), Status: status}, note)
	}
	where := "creator_left|" + evidence.Text(int64(left)) + `|d5 08:00|BATCH||{"user":"ALICE"}||`
	wants(t, report(tenDays), where+"open||||")
	s.until(8, 8, 0)
	triage("creator_left", left, events.FindingAcknowledged, "who takes it?")
	triage("new_network", 4711, events.FindingClosed, "the office moved") // of values that were erased
	s.until(8, 9, 0)
	triage("creator_left", left, events.FindingClosed, "BOB does")
	erased := "new_network|4711||||what showed it was erased||closed|d8 08:00|OWNER|the office moved|"
	wants(t, report(tenDays), where+"closed|d8 09:00|OWNER|BOB does|4380", erased)
	wants(t, report(evidence.Request{From: on(6, 0, 0), To: on(8, 8, 30)}), where+"acknowledged|d8 08:00|OWNER|who takes it?|", erased)
	wants(t, report(evidence.Request{From: on(8, 10, 0), To: on(9, 0, 0)}), "none: nothing was found in the period, and nothing was open|||||||||||")
}

func TestLeakTellsWindowLineageHistoryAndUse(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	columns := strings.Fields("section token value uses refusals first_at last_at by reason")
	byID := s.report(t, "leak", evidence.Request{Token: s.ci, To: on(10, 0, 0)})
	wants(t, s.text(t, byID, columns...),
		"exposure window|CI|revoked|||d0 10:00|d4 09:45|OWNER|found in a log",
		"lineage|CI|the token itself revoked|||d0 10:00|d4 09:45|OWNER|found in a log",
		"history|CI|token.created|||d0 10:00|d0 10:00|OWNER|",
		"history|CI|token.suspended|||d4 09:00|d4 09:00|OWNER|is this ours?",
		"history|CI|token.revoked|||d4 09:45|d4 09:45|OWNER|found in a log",
		"sources|CI|SOURCE|1|3|d3 10:00|d4 10:00||",
		"operations|CI|createEvidence evidence/1|1|3|d3 10:00|d4 10:00||",
		"refusals since|CI|REVOKED|0|3|d4 10:00|d4 10:00||")
	byPrint := s.report(t, "leak", evidence.Request{Fingerprint: "print of ci", To: on(10, 0, 0)})
	if !reflect.DeepEqual(byPrint, byID) {
		t.Errorf("by fingerprint %v, by id %v", byPrint, byID)
	}
	open := s.report(t, "leak", evidence.Request{Token: s.fresh, To: on(10, 0, 0)})
	wants(t, s.text(t, open, columns...)[3:], // behind window, lineage and creation
		"history|FRESH|token.expiry_changed|||d7 09:30|d7 09:30|OWNER|",
		"sources|FRESH|none|0|0||||", "operations|FRESH|none|0|0||||", "refusals|FRESH|none|0|0||||")
	wants(t, s.text(t, open, "section", "value", "last_at")[:1], "exposure window|open: the token still works|")
}

func TestLeakFollowsRotationsBothWays(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	heir := s.id()
	s.until(8, 9, 0)
	s.add(events.TokenStream(heir), s.trail(), events.TokenCreated{
		Kind: events.OrganizationKind, Organization: s.org, Name: "nightly", Scopes: []string{"risk:read"}, Fingerprint: "print of heir", RotatedFrom: s.batch,
	})
	s.tell(s.batch, events.TokenRotated{Successor: heir, Until: on(9, 0, 0)})
	for _, c := range []struct {
		of   uuid.UUID
		want []string
	}{
		{s.batch, []string{"BATCH|the token itself expired|d0 11:00|d9 00:00", heir.String() + "|of the same rotation|d8 09:00|"}},
		{heir, []string{"BATCH|of the same rotation expired|d0 11:00|d9 00:00", heir.String() + "|the token itself|d8 09:00|"}},
	} {
		table := s.report(t, "leak", evidence.Request{Token: c.of, To: on(10, 0, 0)})
		var lineage []string
		for _, line := range s.text(t, table, "section", "token", "value", "first_at", "last_at") {
			if rest, ok := strings.CutPrefix(line, "lineage|"); ok {
				lineage = append(lineage, rest)
			}
		}
		wants(t, lineage, c.want...)
	}
}

func TestLeakRefusesWhatIsNoTokenOfTheOrganization(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	for _, c := range []struct {
		what    string
		request evidence.Request
		want    error
	}{
		{"nothing named", evidence.Request{}, evidence.ErrNoToken},
		{"no such token", evidence.Request{Token: s.id()}, evidence.ErrTokenUnknown},
		{"no such fingerprint", evidence.Request{Fingerprint: "print of nothing"}, evidence.ErrTokenUnknown},
		{"another value under the token's id", evidence.Request{Token: s.ci, Fingerprint: "print of batch"}, evidence.ErrTokenUnknown},
	} {
		c.request.Organization, c.request.To = s.org, on(10, 0, 0)
		if table, err := evidence.Report(context.Background(), s, "leak", c.request); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.what, table.Rows, err, c.want)
		}
	}
}

// That there was nothing to report is a row, in every report of the catalogue.
func TestNothingIsARow(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"population":        "none: no token existed in the period",
		"access-difference": "none: access at the end was what it was at the beginning",
		"leavers":           "none: nobody left in the period",
		"usage":             "none: no token existed in the period",
		"revocations":       "none: nothing was revoked in the period",
		"reviews":           "none: no access review was under way in the period",
		"findings":          "none: nothing was found in the period, and nothing was open",
		"changes":           "none: neither policy nor configuration changed in the period",
	}
	counted := map[string]bool{"roll-forward": true, "access": true, "dormant": true} // have rows of their own, also then
	s := &tale{ledger: newLedger(t)}
	for _, k := range evidence.Kinds() {
		if k.OnDemand {
			continue
		}
		table := s.report(t, k.Name, evidence.Request{From: on(1, 0, 0), To: on(2, 0, 0)})
		switch first := evidence.Text(table.Rows[0][0]); {
		case counted[k.Name]:
			if strings.HasPrefix(first, "none") {
				t.Errorf("%s: %v", k.Name, table.Rows)
			}
		case len(table.Rows) != 1 || first != want[k.Name] || len(table.Rows[0]) != len(table.Columns):
			t.Errorf("%s: %v, want %q", k.Name, table.Rows, want[k.Name])
		}
	}
	wants(t, s.text(t, s.report(t, "dormant", evidence.Request{To: on(2, 0, 0)}), "condition", "name"),
		"dormant|none", "never used|none", "over-age|none", "never expiring|none")
}
