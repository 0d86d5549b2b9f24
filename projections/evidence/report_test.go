// Reports: that they add up, and that they are equal however they are made.

package evidence_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

func (l *ledger) report(t tester, name string, r evidence.Request) evidence.Table {
	t.Helper()
	if r.Organization = l.org; r.To.IsZero() {
		r.To = l.now
	}
	table, err := evidence.Report(context.Background(), l, name, r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return table
}

func TestRollForwardReconcilesToZero(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger(t)
		life(t, l, rapid.IntRange(0, 60).Draw(t, "steps"))
		span := int(l.now.Sub(dawn)/time.Hour) + 1
		from := dawn.Add(time.Duration(rapid.IntRange(0, span).Draw(t, "from")) * time.Hour)
		if rapid.Bool().Draw(t, "at an event") { // the very instant at which something happens
			from = l.all[rapid.IntRange(0, len(l.all)-1).Draw(t, "event")].RecordedAt
		}
		to := from.Add(time.Duration(rapid.IntRange(1, span+1).Draw(t, "to")) * time.Hour)
		if later := rapid.IntRange(4, len(l.all)-1).Draw(t, "last"); l.all[later].RecordedAt.After(from) && rapid.Bool().Draw(t, "to an event") {
			to = l.all[later].RecordedAt
		}
		table := l.report(t, "roll-forward", evidence.Request{From: from, To: to})
		created := int64(0)
		for _, rec := range l.all {
			if _, ok := rec.Event.(events.TokenCreated); ok && rec.Trail == l.trail() && !rec.RecordedAt.Before(from) && rec.RecordedAt.Before(to) {
				created++
			}
		}
		for _, row := range table.Rows {
			number, listed := row[3].(int64), row[4].([]string)
			switch {
			case row[1] == "difference" && number != 0:
				t.Fatalf("it does not add up: %v", table.Rows)
			case row[1] != "difference" && number != int64(len(listed)):
				t.Fatalf("%v lists %d", row, len(listed))
			case row[0] == "organization token" && row[1] == "issued" && number != created:
				t.Fatalf("%d were issued, not %d", created, number)
			}
		}
		next := l.report(t, "roll-forward", evidence.Request{From: to, To: to.Add(time.Hour)})
		for i, row := range table.Rows { // what closes one period opens the next
			if row[1] == "closing" && evidence.Text(row[4]) != evidence.Text(next.Rows[i-6][4]) {
				t.Fatalf("closing %v, then opening %v", row, next.Rows[i-6])
			}
		}
	})
}

// all are the reports that need no more than a period, in every form.
func allReports(t *testing.T, from evidence.Source, r evidence.Request) []byte {
	t.Helper()
	var which []evidence.Kind
	for _, k := range evidence.Kinds() {
		if !k.OnDemand {
			which = append(which, k)
		}
	}
	tables, err := evidence.Reports(t.Context(), from, which, r)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, f := range []evidence.Form{evidence.JSON, evidence.HTML, evidence.PDF} {
		if err := evidence.Render(&out, f, tables...); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range tables {
		if err := evidence.Render(&out, evidence.CSV, one); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) && len(want) > 10_000 {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	around := func(b []byte) []byte { return b[max(0, at-100):min(len(b), at+100)] }
	t.Errorf("%s: %d and %d bytes differ at %d:\n%q\n%q", what, len(got), len(want), at, around(got), around(want))
}

// Reports are byte-equal for the same position and the same erasures, whether they
// are made of read models, of read models that were built again, or of the log alone.
func TestReportsAreEqualHoweverTheyAreMade(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	rapid.Custom(func(t *rapid.T) bool { life(t, l, 80); return true }).Example(3)
	user := l.id()
	l.add(events.UserStream(user), events.UserTrail(user), events.UserCreated{})
	l.member(user, events.RoleMember)
	l.actor = events.Person(user)
	token := l.token("from everywhere", "evidence:write")
	l.actor = events.Person(l.owner)
	l.from(token, "192.0.2.1")
	l.use(token, 0, "createEvidence")
	for i := range 5 {
		l.use(token, l.from(token, fmt.Sprintf("198.51.%d.1", i)), "createEvidence")
	}
	l.add(events.UserStream(user), events.UserTrail(user), events.UserDeactivated{}) // in another trail
	r := record(t, l)
	position := events.Position(len(l.all))
	ask := func() (all [][]byte) {
		t.Helper()
		for _, at := range []events.Position{position - 5, position} {
			made := allReports(t, r.views, evidence.Request{Organization: l.org, Position: at})
			same(t, fmt.Sprintf("from the log at %d", at), allReports(t, evidence.Log{Blocks: r.log}, evidence.Request{Organization: l.org, Position: at}), made)
			all = append(all, made)
		}
		return all
	}
	rebuild := func() {
		t.Helper()
		for _, p := range projections.All() {
			if err := r.runner.Rebuild(t.Context(), p.Name(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := ask()
	if n := bytes.Count(before[1], []byte("\r\nnew_network,")); n != 5 {
		t.Errorf("%d findings of new networks", n)
	}
	rebuild()
	for i, again := range ask() {
		same(t, "rebuilt", again, before[i])
	}

	l.requests = nil
	l.add(events.OrganizationStream(l.org), l.trail(), events.OrganizationNetworkDataErased{}, "asked for")
	for i := range 3 {
		l.use(token, l.from(token, fmt.Sprintf("203.0.%d.1", i)), "createEvidence")
	}
	r.tell(t, l.requests)
	position = events.Position(len(l.all))
	erased := ask()
	if n := bytes.Count(erased[1], []byte("\r\nnew_network,")); n != 2 {
		t.Errorf("after the erasure there are %d findings of new networks", n)
	}
	rebuild()
	for i, again := range ask() {
		same(t, "rebuilt after an erasure", again, erased[i])
	}
}
