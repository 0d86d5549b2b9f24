// Reports at their edges: the very instant of an end, a second departure, a suspension that lapsed, very many values.

package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"weak"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// What was recorded at a moment belongs to it, so a token that was revoked at the
// moment can do nothing then.
func TestAccessAtTheMomentOfAnEnd(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		what string
		tell func(*tale) events.Recorded
	}{
		{"a revocation", func(s *tale) events.Recorded { return s.tell(s.batch, events.TokenRevoked{}) }},
		{"a deadline", func(s *tale) events.Recorded {
			return s.tell(s.batch, events.TokenExpiryChanged{ExpiresAt: s.now})
		}},
		{"a deletion of a live token", func(s *tale) events.Recorded {
			at := s.now
			s.tell(s.batch, events.TokenRevoked{})
			s.now = at
			return s.tell(s.batch, events.TokenDeleted{})
		}},
	} {
		s := tellTale(t)
		s.until(8, 9, 0)
		rec := end.tell(s)
		for _, p := range []evidence.Point{{Position: rec.Position}, {Time: rec.RecordedAt}} {
			after, err := evidence.At(t.Context(), s, s.trail(), p)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range after.Access(s.org) {
				if a.ID == s.batch {
					t.Errorf("%s: at %+v there is %+v", end.what, p, a)
				}
			}
			before, err := evidence.At(t.Context(), s, s.trail(), evidence.Point{Time: on(7, 23, 0)})
			if err != nil {
				t.Fatal(err)
			}
			if d := evidence.Diff(before, after, s.org); len(d) != 1 || d[0].Change != "ended" || d[0].ID != s.batch {
				t.Errorf("%s: the difference at %+v is %+v", end.what, p, d)
			}
		}
	}
}

func TestAReviewIsNotAboutWhatEndedRightBefore(t *testing.T) {
	t.Parallel()
	for _, between := range []bool{false, true} {
		s := tellTale(t)
		s.until(8, 9, 0)
		at := s.tell(s.batch, events.TokenRevoked{}).Position
		if between { // then the snapshot is older than what stands before the opening
			s.token("late", "task:read")
		}
		s.add(events.ReviewStream(s.id()), s.trail(), events.ReviewOpened{Organization: s.org, Name: "q", At: int64(at), Due: on(9, 0, 0), Reviewers: nil})
		wants(t, s.text(t, s.report(t, "reviews", tenDays), "token"), "FRESH")
		all, err := evidence.ReviewsOf(t.Context(), s, s.org, evidence.Point{})
		if err != nil || len(all) != 1 || len(all[0].Snapshot) != 1 || all[0].Snapshot[0].ID != s.fresh {
			t.Errorf("%+v, %v", all, err)
		}
	}
}

func TestUsesBelongToOneDeparture(t *testing.T) {
	t.Parallel()
	s := tellTale(t) // ALICE has left on day 5, and used LAPTOP once after that
	given := events.GrantGiven{Token: s.laptop, Organization: s.org, User: s.alice, Name: "laptop"}
	s.until(6, 10, 0)
	s.member(s.alice, events.RoleMember)
	s.add(events.GrantStream(s.laptop, s.org), s.trail(), given)
	s.use(s.laptop, 0, "listRisks") // while she is back
	s.until(8, 9, 0)
	s.leave(s.alice)
	s.until(8, 9, 1)
	s.use(s.laptop, 0, "listRisks")
	s.use(s.laptop, 0, "listRisks")
	wants(t, s.text(t, s.report(t, "leavers", tenDays), "user", "departed_at", "token", "ended_at", "minutes", "uses_after"),
		"ALICE|d5 08:00|LAPTOP|d5 08:30|30|1", "ALICE|d5 08:00|BATCH|||",
		"BOB|d5 09:00||||0",
		"ALICE|d8 09:00|LAPTOP|||2", "ALICE|d8 09:00|BATCH|||")
}

func TestALeaverHasNoAccessByWhatHadExpired(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	s.until(6, 10, 0)
	s.member(s.alice, events.RoleMember)
	s.add(events.GrantStream(s.laptop, s.org), s.trail(), events.GrantGiven{
		Token: s.laptop, Organization: s.org, User: s.alice, Name: "laptop", ExpiresAt: on(7, 0, 0),
	})
	s.until(8, 9, 0)
	s.leave(s.alice)
	r := evidence.Request{From: on(8, 0, 0), To: on(10, 0, 0)}
	wants(t, s.text(t, s.report(t, "leavers", r), "departed_at", "what", "token"),
		"d8 09:00|organization token that he created|BATCH", "d8 09:00|no personal token with access|")
}

func TestASuspensionThatLapsedDetectedNothing(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	s.until(8, 9, 0)
	s.tell(s.fresh, events.TokenSuspended{Until: on(8, 10, 0)})
	s.until(8, 9, 30)
	s.tell(s.batch, events.TokenSuspended{Until: on(8, 10, 0)})
	s.until(8, 9, 45)
	s.tell(s.batch, events.TokenSuspended{Until: on(8, 12, 0)}) // prolonged in time
	s.until(8, 11, 0)
	s.tell(s.fresh, events.TokenRevoked{})
	s.tell(s.batch, events.TokenRevoked{})
	r := evidence.Request{From: on(8, 0, 0), To: on(9, 0, 0)}
	wants(t, s.text(t, s.report(t, "revocations", r), "token", "detected_at", "minutes"), "FRESH||", "BATCH|d8 09:30|90")
}

func TestRefusalsSinceTheEndAreThoseAfterIt(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	refuse := func() {
		s.tell(s.batch, events.TokenUseRefused{Code: "SOURCE_NOT_ALLOWED", Action: "listRisks", Count: 2})
	}
	s.until(7, 12, 0)
	refuse()
	refuse()
	s.until(8, 9, 0)
	s.tell(s.batch, events.TokenRevoked{})
	s.until(8, 10, 0)
	refuse()
	var got []string
	for _, line := range s.text(t, s.report(t, "leak", evidence.Request{Token: s.batch, To: on(9, 0, 0)}), "section", "value", "refusals", "first_at") {
		if line[:8] == "refusals" {
			got = append(got, line)
		}
	}
	wants(t, got, "refusals since|SOURCE_NOT_ALLOWED|2|d8 10:00")
}

func TestUsageSumsUpWhatIsBeyondItsBound(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	const many = 1500
	s.until(8, 9, 0)
	for i := range many {
		s.tell(s.fresh, events.TokenUsed{Action: fmt.Sprint("action ", i), Resource: fmt.Sprint("thing/", i), Source: s.ledger.source(s.fresh)})
	}
	table := s.report(t, "usage", evidence.Request{From: on(8, 0, 0), To: on(9, 0, 0)})
	for _, dimension := range []string{"source", "action", "resource"} {
		rows, uses, others := 0, int64(0), int64(0)
		for _, row := range table.Rows {
			if row[0] == s.fresh.String() && row[2] == dimension {
				rows++
				uses += row[4].(int64)
				if row[3] == "(all others)" {
					others = row[4].(int64)
				}
			}
		}
		if rows != 1001 || uses != many || others != many-1000 {
			t.Errorf("%s: %d rows, %d uses, %d of them of all others", dimension, rows, uses, others)
		}
	}
}

// heavy gives each event a line that is much longer, and tells which lines are
// still in memory when the last event comes.
type heavy struct {
	*ledger
	kept int
}

func (h *heavy) Trail(ctx context.Context, trail events.TrailID, after, through events.Position) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		var lines []weak.Pointer[byte]
		for rec, err := range h.ledger.Trail(ctx, trail, after, through) {
			if rec.Leaf = make([]byte, 64<<10); rec.Position < events.Position(len(h.all)) {
				lines = append(lines, weak.Make(&rec.Leaf[0]))
			}
			if !yield(rec, err) {
				return
			}
		}
		runtime.GC()
		for _, line := range lines {
			if line.Value() != nil {
				h.kept++
			}
		}
	}
}

// Events share memory with the stretch of the trail that they were read with; a
// report that kept one would keep all of that.
func TestReportsKeepNoLineOfTheTrail(t *testing.T) {
	t.Parallel()
	s := tellTale(t)
	const many = 50 // of whatever a report lists
	s.until(8, 9, 0)
	for i := range many {
		s.add(events.OrganizationStream(s.org), s.trail(), events.OrganizationRenamed{Name: fmt.Sprint("name ", i)})
		s.tell(s.token("short-lived"), events.TokenRevoked{})
		s.tell(s.fresh, events.TokenRenamed{Name: fmt.Sprint("name ", i)})
	}
	for _, k := range evidence.Kinds() {
		h := &heavy{ledger: s.ledger}
		_, err := evidence.Reports(t.Context(), h, []evidence.Kind{k}, evidence.Request{Organization: s.org, Token: s.fresh})
		if err != nil {
			t.Fatal(err)
		}
		if h.kept > many/2 { // those that were read last may still be at hand
			t.Errorf("%s keeps %d lines", k.Name, h.kept)
		}
	}
}

// nobody is a read model that has nothing yet.
type nobody struct{ evidence.Source }

func (nobody) Trail(context.Context, events.TrailID, events.Position, events.Position) iter.Seq2[events.Recorded, error] {
	return func(func(events.Recorded, error) bool) {}
}

func TestAPackWaitsForTheReadModel(t *testing.T) {
	t.Parallel()
	s := seal(t)
	e := s.exporter
	e.Trails = nobody{}
	if _, err := e.Plan(t.Context(), s.later()); !errors.Is(err, evidence.ErrBehind) {
		t.Errorf("of nothing, %v", err)
	}
}
