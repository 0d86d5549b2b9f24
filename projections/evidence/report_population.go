// Population: every token that existed in the period, those too that came and went inside it.

package evidence

import (
	"context"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

type population struct{ lives }

func (r *population) finish(_ context.Context, p *period, t *Table) error {
	t.Columns = columns("token", "Token", "kind", "Kind", "name", "Name", "owner", "Owner", "created_by", "Created by", "created_at", "Created at",
		"scopes", "Scopes", "deadline", "Deadline", "status", "Status at the end", "ended_at", "Ended at", "end", "How it ended", "inside", "Only inside the period")
	for _, c := range r.all(p.closing) {
		if !c.Begun.Before(p.From) || c.LiveAt(p.From) {
			owner := any(c.User)
			if c.Kind == organizationToken {
				owner = p.Organization
			}
			ended, how := c.within(p.To)
			t.row(c.ID, c.Kind, c.Name, owner, c.CreatedBy, c.Begun, c.Scopes, c.Deadline, c.Status, ended, how,
				!c.Begun.Before(p.From) && ended != nil)
		}
	}
	return none(t, "no token existed in the period")
}

// within is how and when the credential ended, if it had at the instant.
func (c Credential) within(at time.Time) (*time.Time, string) {
	if c.LiveAt(at) {
		return nil, ""
	}
	return c.EndedAt, c.End
}

// none says so where a table has no rows: that nothing was found is a finding, too.
func none(t *Table, what string) error {
	if len(t.Rows) == 0 {
		cells := make([]any, len(t.Columns))
		cells[0] = "none: " + what
		t.Rows = append(t.Rows, cells)
	}
	return nil
}

// lives keeps the lives of grants that another life of the same grant followed.
type lives struct{ past []Credential }

func (l *lives) event(s *State, rec events.Recorded, _ bool) {
	if _, given := rec.Event.(events.GrantGiven); !given {
		return
	}
	token, organization, err := rec.Stream.IDs()
	if row := s.Grants[Pair{token, organization}]; err == nil && row != nil {
		l.past = append(l.past, ofGrant(*row, rec.RecordedAt))
	}
}

// all are all lives, in the order in which they began.
func (l *lives) all(s *State) []Credential { return inOrder(append(s.Credentials(), l.past...)) }
