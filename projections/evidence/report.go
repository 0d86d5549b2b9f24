// How reports are made: one pass over a trail that all reports of a request share.

package evidence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// Request is what a report is asked for.
type Request struct {
	Organization uuid.UUID
	From, To     time.Time       // From ≤ recorded < To; zero: from the first event, until right after the last
	Position     events.Position // events behind it are left out; 0: none are
	Token        uuid.UUID       // of the leak report
	Fingerprint  string          // of the leak report, in place of the token or to be compared with it
	DormantDays  int             // 0: as the policy says, else 90
	OverAgeDays  int             // 0: as the policy says, else 365
}

// What can be wrong with a request for a report.
var (
	ErrUnknownReport = errors.New("there is no such report")
	ErrPeriod        = errors.New("the period ends before it begins")
	ErrNoToken       = errors.New("the report needs a token")
	ErrTokenUnknown  = errors.New("no such token stands in the organization's trail")
)

// Kind is one report of the catalogue.
type Kind struct {
	Name     string
	Title    string
	Criteria []string
	Limits   []string
	// OnDemand reports need more than a period, and so stand in no pack.
	OnDemand bool
	events   []string // what it is made of, as types or kinds of streams
	make     func(Request) fold
}

// fold is a report in the making.
type fold interface {
	// event is told each event of the trail, the state as it was right before it,
	// and whether the event lies in the period.
	event(s *State, rec events.Recorded, inside bool)
	// finish fills in the table.
	finish(ctx context.Context, p *period, t *Table) error
}

// period is what all reports of a request know in the end.
type period struct {
	Request
	source  Source
	began   time.Time // of the trail
	opening *State    // right before the period's first instant
	closing *State    // at its end
}

func (p *period) trail() events.TrailID { return events.OrganizationTrail(p.Organization) }

func (p *period) organization() projections.OrganizationRow {
	if row := p.closing.Organizations[p.Organization]; row != nil {
		return *row
	}
	return projections.OrganizationRow{}
}

// Kinds are all reports, in the order in which documents and packs have them.
func Kinds() []Kind { return slices.Clone(kinds[:]) }

// KindOf finds a report by its name.
func KindOf(name string) (Kind, error) {
	for _, k := range kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, fmt.Errorf("%q: %w", name, ErrUnknownReport)
}

// Report makes one report.
func Report(ctx context.Context, from Source, name string, r Request) (Table, error) {
	k, err := KindOf(name)
	if err != nil {
		return Table{}, err
	}
	tables, err := Reports(ctx, from, []Kind{k}, r)
	if err != nil {
		return Table{}, err
	}
	return tables[0], nil
}

// Reports makes several in one reading of the trail.
func Reports(ctx context.Context, from Source, which []Kind, r Request) ([]Table, error) {
	r.From, r.To = micros(r.From), micros(r.To)
	if !r.To.IsZero() && !r.From.Before(r.To) {
		return nil, ErrPeriod
	}
	folds := make([]fold, len(which))
	for i, k := range which {
		folds[i] = k.make(r)
	}
	p, err := walk(ctx, from, r, folds)
	if err != nil {
		return nil, err
	}
	tables := make([]Table, len(which))
	for i, k := range which {
		tables[i] = p.table(k)
		if err := folds[i].finish(ctx, p, &tables[i]); err != nil {
			return nil, fmt.Errorf("report %s: %w", k.Name, err)
		}
	}
	return tables, nil
}

// slim is an event as a report may keep it: its line shares memory with a stretch
// of the trail, which would stay with it.
func slim(rec events.Recorded) events.Recorded {
	rec.Leaf = nil
	return rec
}

// walk folds the trail, and tells every report each event on the way.
func walk(ctx context.Context, from Source, r Request, folds []fold) (*period, error) {
	p := &period{Request: r, source: from}
	s := NewState()
	for rec, err := range from.Trail(ctx, p.trail(), 0, r.Position) {
		if err != nil {
			return nil, fmt.Errorf("read the trail: %w", err)
		}
		if !r.To.IsZero() && !rec.RecordedAt.Before(r.To) {
			break
		}
		if p.began.IsZero() {
			p.began = rec.RecordedAt
		}
		if r.From.IsZero() { // the organization's beginning
			r.From, p.From = rec.RecordedAt, rec.RecordedAt
		}
		inside := !rec.RecordedAt.Before(r.From)
		if inside && p.opening == nil {
			p.opening = s.clone()
		}
		for _, f := range folds {
			f.event(s, rec, inside)
		}
		if err := s.Apply(rec); err != nil {
			return nil, err
		}
	}
	if s.Position == 0 {
		return nil, ErrTooEarly
	}
	if r.To.IsZero() {
		p.To = s.At.Add(time.Microsecond)
	}
	if !p.From.Before(p.To) {
		return nil, ErrPeriod
	}
	if p.opening == nil {
		p.opening = s.clone()
	}
	p.opening.At, s.At, p.closing = p.From, p.To, s
	return p, nil
}

func (p *period) table(k Kind) Table {
	return Table{
		Report: k.Name, Title: k.Title, Criteria: k.Criteria, Organization: p.Organization, From: p.From, To: p.To,
		Position: p.closing.Position, TrailLength: p.closing.TrailPosition, Parameters: []Parameter{}, Rows: [][]any{},
		Limits: slices.Concat(k.Limits, commonLimits),
	}
}

// commonLimits is what no report can know.
var commonLimits = []string{
	"A report tells what the log recorded; what was done without the ledger being asked stands nowhere in it.",
	"Addresses, agents, e-mail addresses and names of people are commitments here; a source is named by the position that introduced it.",
}

// clone is a copy that later events leave as it is.
func (s *State) clone() *State {
	c := *s
	c.Organizations, c.Users, c.Tokens = copied(s.Organizations), copied(s.Users), copied(s.Tokens)
	c.Members, c.Grants, c.GrantUses = copied(s.Members), copied(s.Grants), maps.Clone(s.GrantUses)
	return &c
}

func copied[K comparable, T any](m map[K]*T) map[K]*T {
	out := make(map[K]*T, len(m))
	for k, v := range m {
		row := *v
		out[k] = &row
	}
	return out
}
