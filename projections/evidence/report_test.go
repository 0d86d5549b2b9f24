// Reports: that they add up, and that they are equal however they are made.

package evidence_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
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
		to := from.Add(time.Duration(rapid.IntRange(1, span+1).Draw(t, "to")) * time.Hour)
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

func TestReportsAreEqualFromSegmentsAndFromTheLog(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	rapid.Custom(func(t *rapid.T) bool { life(t, l, 80); return true }).Example(3)
	r := record(t, l)
	request := evidence.Request{Organization: l.org, Position: events.Position(len(l.all) - 5)}
	var which []evidence.Kind
	for _, k := range evidence.Kinds() {
		if !k.OnDemand {
			which = append(which, k)
		}
	}
	var outputs [][]byte
	for _, source := range []evidence.Source{r.views, evidence.Log{Blocks: r.log}} {
		tables, err := evidence.Reports(t.Context(), source, which, request)
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
		outputs = append(outputs, out.Bytes())
	}
	if len(outputs[0]) < 10_000 || !bytes.Equal(outputs[0], outputs[1]) {
		at := 0
		for at < min(len(outputs[0]), len(outputs[1])) && outputs[0][at] == outputs[1][at] {
			at++
		}
		around := func(b []byte) []byte { return b[max(0, at-100):min(len(b), at+100)] }
		t.Errorf("%d and %d bytes differ at %d:\n%q\n%q", len(outputs[0]), len(outputs[1]), at, around(outputs[0]), around(outputs[1]))
	}
}
