// Roll-forward: opening, what came, what went, closing; and that it adds up.

package evidence

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

type rollForward struct{ lives }

// life names one life of a credential.
type life struct {
	id    uuid.UUID
	begun time.Time
}

// flow is one population's way through the period.
type flow struct {
	opening, issued, closing []Credential
	ended                    map[string][]Credential
}

// The lines that a population can go out by, in their order.
var ends = []struct{ end, line string }{
	{endRevoked, "revoked"}, {endEnded, "ended"}, {endExpired, "expired"}, {endDeleted, "deleted"},
}

func (r *rollForward) finish(_ context.Context, p *period, t *Table) error {
	t.Columns = columns("population", "Population", "line", "Line", "sign", "Sign", "count", "Number", "tokens", "Tokens")
	chart := Chart{Title: "Roll-forward of live tokens", Kind: Bars}
	for _, kind := range []string{organizationToken, personalToken} {
		f := r.flow(p, kind)
		series := Series{Name: kind}
		line := func(name, sign string, list []Credential) {
			t.row(kind, name, sign, len(list), names(list))
			series.Values = append(series.Values, int64(len(list)))
		}
		line("opening", "+", f.opening)
		line("issued", "+", f.issued)
		total := len(f.opening) + len(f.issued)
		for _, e := range ends {
			line(e.line, "-", f.ended[e.end])
			total -= len(f.ended[e.end])
		}
		line("closing", "=", f.closing)
		t.row(kind, "difference", "0", total-len(f.closing), []string{})
		chart.Series = append(chart.Series, series)
	}
	chart.Labels = []string{"opening", "issued", "revoked", "ended", "expired", "deleted", "closing"}
	t.Charts = []Chart{chart}
	return nil
}

// flow sorts the lives of one kind. What was live at the opening is taken from
// the state of then, everything else from that of the end, so that a life that
// came back after its end would show as a difference.
func (r *rollForward) flow(p *period, kind string) flow {
	f := flow{ended: map[string][]Credential{}}
	live := map[life]bool{}
	for _, c := range p.opening.Credentials() {
		if c.Kind == kind && c.LiveAt(p.From) {
			live[life{c.ID, c.Begun}] = true
			f.opening = append(f.opening, c)
		}
	}
	for _, c := range r.all(p.closing) {
		if c.Kind != kind {
			continue
		}
		issued := !c.Begun.Before(p.From)
		if issued {
			f.issued = append(f.issued, c)
		}
		switch {
		case c.LiveAt(p.To):
			f.closing = append(f.closing, c)
		case issued || live[life{c.ID, c.Begun}]:
			f.ended[c.End] = append(f.ended[c.End], c)
		}
	}
	return f
}

func names(list []Credential) []string {
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.ID.String()
	}
	slices.Sort(ids)
	return ids
}
