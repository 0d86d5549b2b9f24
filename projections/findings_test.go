// The rules of findings, on stories: what is found and where; the same findings however the log is cut.

package projections_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// stories tell what is found, and where.
var stories = []struct {
	name string
	tell func(s *story) (want []string)
}{
	{"the first sources are the token's own", func(s *story) []string {
		s.from("192.0.2.1")
		s.from("198.51.100.1")
		s.use("createEvidence")
		return nil
	}},
	{"a new source in a known network, and one in a new network", func(s *story) []string {
		s.from("192.0.2.1")
		s.use("createEvidence")
		a := s.from("192.0.2.77")
		b := s.from("198.51.100.1")
		c := s.from("198.51.100.2")
		return []string{at("new_source", a), at("new_network", b), at("new_source", b), at("new_source", c)}
	}},
	{"the network of IPv6 is a /48", func(s *story) []string {
		s.from("2001:db8:1:2::1")
		s.use("createEvidence")
		a := s.from("2001:db8:1:ffff::9")
		b := s.from("2001:db8:2::1")
		return []string{at("new_source", a), at("new_network", b), at("new_source", b)}
	}},
	{"findings about sources are twenty a day", func(s *story) (want []string) {
		s.use("createEvidence")
		for i := range 30 {
			if p := s.about(events.TokenSourceSeen{Agent: events.Personal{Subject: events.OrganizationStream(s.org), Value: fmt.Sprint(i)}}); i < 20 {
				want = append(want, at("new_source", p))
			}
		}
		return want
	}},
	{"a token that rested for a month", func(s *story) []string {
		s.use("createEvidence")
		s.wait(29 * day)
		s.use("createEvidence")
		s.wait(30 * day)
		return []string{at("dormant_woken", s.use("createEvidence"))}
	}},
	{"one that was never used before", func(s *story) []string {
		s.wait(31 * day)
		return []string{at("dormant_woken", s.use("createEvidence"))}
	}},
	{"a burst against its own history", func(s *story) (want []string) {
		for range 6 {
			s.use("createEvidence")
			s.wait(time.Minute)
		}
		for i := range 200 {
			if p := s.use("createEvidence"); i == 59 {
				want = append(want, at("burst", p))
			}
		}
		return want
	}},
	{"many uses are no burst where that is usual", func(s *story) []string {
		for range 8 {
			s.about(events.TokenUsed{Action: "createEvidence", Count: 500})
			s.wait(time.Minute)
		}
		s.about(events.TokenUsed{Action: "createEvidence", Count: 4000})
		return nil
	}},
	{"an hour in which it is never used", func(s *story) []string {
		s.habit(3)
		s.wait(time.Hour + 30*time.Minute) // the hour beside the habit is no finding
		s.use("createEvidence")
		s.wait(15 * time.Hour)
		return []string{at("off_hours", s.use("createEvidence"))}
	}},
	{"refusals in a storm", func(s *story) []string {
		s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Count: 8})
		s.wait(6 * time.Minute)
		s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Count: 8})
		s.wait(time.Minute)
		s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT"})
		p := s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT"})
		s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Count: 100})
		return []string{at("refused_storm", p)}
	}},
	{"a value that was rotated away", func(s *story) []string {
		s.about(events.TokenUseRefused{Code: "EXPIRED"})
		s.about(events.TokenRotated{Successor: newID(), Until: s.at})
		p := s.about(events.TokenUseRefused{Code: "REPLACED"})
		s.about(events.TokenUseRefused{Code: "REPLACED"})
		s.wait(time.Hour)
		s.about(events.TokenExpired{ExpiresAt: s.at})
		return []string{at("rotated_value_used", p), at("rotated_value_used", s.about(events.TokenUseRefused{Code: "EXPIRED"}))}
	}},
	{"a personal token's, too, in every organization", func(s *story) []string {
		s.tell(events.TokenStream(s.user), events.UserTrail(s.user), events.TokenCreated{Kind: events.PersonalKind, Owner: s.user, Name: "p"})
		s.tell(events.GrantStream(s.user, s.org), s.trail(), events.GrantGiven{Token: s.user, Organization: s.org, User: s.user, Name: "p"})
		s.tell(events.TokenStream(s.user), events.UserTrail(s.user), events.TokenRotated{Successor: newID(), Until: s.at})
		return []string{at("rotated_value_used", s.tell(events.TokenStream(s.user), s.trail(), events.TokenUseRefused{Code: "REPLACED"}))}
	}},
	{"scopes that are never exercised", func(s *story) []string {
		s.use("createEvidence")
		s.wait(10 * day)
		s.use("createEvidence")
		s.wait(20 * day)
		s.use("createEvidence,nobodyKnows")
		s.wait(29 * day)
		s.use("createEvidence")
		s.wait(29 * day)
		s.use("createEvidence")
		s.wait(2 * day)
		return []string{at("unused_scopes", 2)}
	}},
	{"scopes that are all exercised in time, or end", func(s *story) []string {
		s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationObjectRegistered{Object: "ticket", Actions: map[string]string{"look": "read"}})
		s.about(events.TokenScopesChanged{Scopes: []string{"ticket:read"}})
		other := newID()
		s.created(other, "evidence:write")
		s.wait(20 * day)
		s.use("look")
		s.tell(events.TokenStream(other), s.trail(), events.TokenRevoked{})
		s.wait(80 * day)
		return nil
	}},
	{"and resolved when they are exercised at last", func(s *story) []string {
		s.about(events.TokenScopesChanged{Scopes: []string{"evidence:write"}})
		s.wait(91 * day)
		return []string{"unused_scopes 3 resolved", at("dormant_woken", s.use("createEvidence"))}
	}},
	{"a review that is overdue, and done", func(s *story) []string {
		s.policy(events.Policy{ReviewEvery: events.Seconds(10 * day / time.Second)})
		s.wait(11 * day)
		r := s.about(events.TokenReviewed{})
		s.wait(9 * day)
		r2 := s.about(events.TokenReviewed{})
		s.wait(11 * day)
		_ = r
		return []string{"review_overdue 2 resolved", at("review_overdue", r2)}
	}},
	{"a policy that becomes strict, and lenient", func(s *story) []string {
		s.wait(20 * day)
		s.policy(events.Policy{RotationAge: events.Seconds(10 * day / time.Second), ReviewEvery: events.Seconds(30 * day / time.Second)})
		s.wait(day)
		s.policy(events.Policy{})
		s.wait(60 * day)
		return []string{"rotation_due 2 resolved"}
	}},
	{"rotation due, and done", func(s *story) []string {
		s.policy(events.Policy{RotationAge: events.Seconds(10 * day / time.Second)})
		s.wait(11 * day)
		s.about(events.TokenRotated{Successor: newID(), Until: s.at.Add(day)})
		return []string{"rotation_due 2 resolved"}
	}},
	{"a deadline that is near, and moved", func(s *story) []string {
		until := s.at.Add(30 * day)
		s.about(events.TokenExpiryWarned{ExpiresAt: until, Days: 30})
		s.about(events.TokenExpiryWarned{ExpiresAt: until, Days: 7})
		p := s.about(events.TokenExpiryWarned{ExpiresAt: until, Days: 1})
		s.about(events.TokenExpiryChanged{ExpiresAt: until.Add(day)})
		return []string{"expiry_near 4 resolved", at("expiry_near", p) + " resolved"}
	}},
	{"a personal token's deadline, told to the organization", func(s *story) []string {
		stream, until := events.GrantStream(s.user, s.org), s.at.Add(30*day)
		given := s.tell(stream, s.trail(), events.GrantGiven{Token: s.user, Organization: s.org, User: s.user, Name: "p", ExpiresAt: until})
		s.wait(24 * day)
		s.tell(stream, s.trail(), events.GrantChanged{Name: "q", ExpiresAt: until})
		moved := s.tell(stream, s.trail(), events.GrantChanged{Name: "q", ExpiresAt: until.Add(day)})
		s.wait(day)
		s.tell(stream, s.trail(), events.GrantEnded{Cause: events.CauseTokenRevoked})
		return []string{at("expiry_near", given) + " resolved", at("expiry_near", moved) + " resolved"}
	}},
	{"a creator who left the organization, and one who was deactivated", func(s *story) []string {
		other := newID()
		s.created(other)
		a := s.tell(events.MembershipStream(s.org, s.user), s.trail(), events.MembershipEnded{})
		s.tell(events.MembershipStream(s.org, newID()), s.trail(), events.MembershipEnded{})
		b := s.tell(events.UserStream(s.user), events.UserTrail(s.user), events.UserDeactivated{})
		return []string{at("creator_left", a), at("creator_left", b)}
	}},
	{"triage is only an event", func(s *story) []string {
		s.use("createEvidence")
		p := s.from("192.0.2.1")
		s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationFindingTriaged{Rule: "new_source", At: int64(p), Status: events.FindingClosed})
		s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationFindingTriaged{Rule: "burst", At: int64(p), Status: events.FindingClosed})
		return []string{at("new_source", p) + " closed"}
	}},
	{"erased networks are not known any more, nor what only they could show", func(s *story) []string {
		s.from("192.0.2.1")
		s.use("createEvidence")
		a := s.from("198.51.100.1") // was a new network
		s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationNetworkDataErased{})
		b := s.from("192.0.2.2") // the first one that is known again
		c := s.from("203.0.113.1")
		return []string{at("new_source", a), at("new_source", b), at("new_network", c), at("new_source", c)}
	}},
	{"an erasure is the holder's own", func(s *story) []string {
		s.from("192.0.2.1")
		s.use("createEvidence")
		a := s.from("198.51.100.1")
		s.tell(events.UserStream(s.user), events.UserTrail(s.user), events.UserErased{})
		return []string{at("new_network", a), at("new_source", a)}
	}},
	{"an erased user's networks, in every organization", func(s *story) []string {
		s.tell(events.TokenStream(s.user), events.UserTrail(s.user), events.TokenCreated{Kind: events.PersonalKind, Owner: s.user, Name: "p"})
		s.tell(events.GrantStream(s.user, s.org), s.trail(), events.GrantGiven{Token: s.user, Organization: s.org, User: s.user, Name: "p"})
		seen := func(address string) events.Position {
			return s.tell(events.TokenStream(s.user), s.trail(), events.TokenSourceSeen{Address: events.Personal{Subject: events.UserStream(s.user), Value: address}})
		}
		seen("192.0.2.1")
		s.tell(events.TokenStream(s.user), s.trail(), events.TokenUsed{Action: "createEvidence"})
		a := seen("198.51.100.1")
		s.tell(events.UserStream(s.user), events.UserTrail(s.user), events.UserErased{})
		return []string{at("new_source", a)}
	}},
}

func at(rule string, p events.Position) string { return fmt.Sprint(rule, " ", p) }

func TestFindingsTellStories(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	for _, c := range stories {
		s := newStory(t)
		want := c.tell(s)
		rows, got := g.fold(s, whole)
		if !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", c.name, got, want)
		}
		for _, row := range rows {
			if strings.Contains(row, "192.0.2.1") { // an address itself stands nowhere
				t.Errorf("%s: %s", c.name, row)
			}
		}
		random := rand.New(rand.NewPCG(1, 2))
		for _, cut := range []func() int{func() int { return 1 }, func() int { return 1 + random.IntN(7) }} {
			if cutRows, _ := g.fold(s, cut); !slices.Equal(cutRows, rows) {
				t.Errorf("%s: otherwise cut:\n%s\nin one:\n%s", c.name, strings.Join(cutRows, "\n"), strings.Join(rows, "\n"))
			}
		}
	}
}

// What a proposal says is enough for all that was done, and less than there was.
func TestUnusedScopesProposeLess(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	s := newStory(t)
	s.about(events.TokenScopesChanged{Scopes: []string{"write", "token:read"}})
	s.use("createEvidence,apiTokens,controls")
	s.wait(29 * day)
	s.use("controls")
	rows, _ := g.fold(s, whole)
	if !slices.ContainsFunc(rows, func(row string) bool {
		return strings.Contains(row, `""unused"": [""write""]`) && strings.Contains(row, `""proposed"": [""control:read"", ""evidence:write"", ""token:read""]`)
	}) {
		t.Errorf("no such proposal in\n%s", strings.Join(rows, "\n"))
	}
}
