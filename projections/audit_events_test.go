// Trails and the questions about them, against the log itself.

package projections_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

func TestTrailsAreByteEqual(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	w.history(4, 200)
	w.caughtUp(r)
	var want []byte
	var all []events.Position
	for rec, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Trail == w.trail() {
			want = append(append(want, rec.Leaf...), '\n')
			all = append(all, rec.Position)
		}
	}
	var got []byte
	if err := r.pool.QueryRow(t.Context(), `SELECT string_agg(leaves, '' ORDER BY first) FROM trails_segments WHERE trail = $1`, string(w.trail())).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Error("the segments are not the trail's leaves")
	}
	for _, size := range []int{1, 7, 100} {
		var forward, backward []events.Position
		q := projections.EventQuery{Trail: w.trail(), Count: true}
		for q.Page = (projections.PageArgs{First: &size}); ; {
			p, err := r.views.AuditEvents(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if p.Total != int64(len(all)) || p.HasPrevious != (len(forward) > 0) {
				t.Fatalf("total %d of %d, previous %v after %d", p.Total, len(all), p.HasPrevious, len(forward))
			}
			for _, rec := range p.Nodes() {
				forward = append(forward, rec.Position)
			}
			if !p.HasNext {
				break
			}
			q.Page.After = p.Edges[len(p.Edges)-1].Cursor
		}
		for q.Page = (projections.PageArgs{Last: &size}); ; {
			p, err := r.views.AuditEvents(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			nodes := p.Nodes()
			slices.Reverse(nodes)
			for _, rec := range nodes {
				backward = append(backward, rec.Position)
			}
			if !p.HasPrevious {
				break
			}
			q.Page.Before = p.Edges[0].Cursor
		}
		slices.Reverse(backward)
		if !slices.Equal(forward, all) || !slices.Equal(backward, all) {
			t.Errorf("pages of %d: %d forward and %d backward of %d", size, len(forward), len(backward), len(all))
		}
	}
}

func TestAuditEventFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	w.history(3, 80)
	w.caughtUp(r)
	hundred := 100
	for name, c := range map[string]struct {
		q    projections.EventQuery
		want func(events.Recorded) bool
	}{
		"token":     {projections.EventQuery{Token: w.tokens[1]}, func(r events.Recorded) bool { return r.Stream == events.TokenStream(w.tokens[1]) }},
		"type":      {projections.EventQuery{Types: []events.Type{"token.renamed"}}, func(r events.Recorded) bool { return r.Event.Type() == "token.renamed" }},
		"actor":     {projections.EventQuery{Actor: w.user.String()}, func(events.Recorded) bool { return true }},
		"nobody":    {projections.EventQuery{Actor: "nobody"}, func(events.Recorded) bool { return false }},
		"long ago":  {projections.EventQuery{To: time.Now().Add(-time.Hour)}, func(events.Recorded) bool { return false }},
		"last hour": {projections.EventQuery{From: time.Now().Add(-time.Hour)}, func(events.Recorded) bool { return true }},
	} {
		var want int64
		for rec, err := range w.log.ReadAll(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if rec.Trail == w.trail() && c.want(rec) {
				want++
			}
		}
		c.q.Trail, c.q.Count, c.q.Page = w.trail(), true, projections.PageArgs{First: &hundred}
		p, err := r.views.AuditEvents(t.Context(), c.q)
		if err != nil || p.Total != want || int64(len(p.Edges)) != min(want, 100) {
			t.Errorf("%s: %d edges, total %d, %v; want %d", name, len(p.Edges), p.Total, err, want)
		}
	}
}
