// Leavers: who left, when each of his ways in ended, and whether one was used after that.

package evidence

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

type leavers struct {
	lives
	left []*leaver
	away map[uuid.UUID]*leaver // by user, until he comes back
}

type leaver struct {
	user   uuid.UUID
	at     time.Time
	by     string
	grants []life              // that were live at the departure, or ended in the same append
	after  map[uuid.UUID]int64 // token → uses after this departure
}

func (l *leavers) event(s *State, rec events.Recorded, inside bool) {
	l.lives.event(s, rec, inside)
	switch e := rec.Event.(type) {
	case events.MembershipStarted:
		delete(l.away, e.User)
	case events.MembershipEnded:
		organization, user, err := rec.Stream.IDs()
		if err != nil || !inside {
			return
		}
		gone := &leaver{user: user, at: rec.RecordedAt, by: rec.Meta.Actor.Name(), after: map[uuid.UUID]int64{}}
		for _, pair := range sortedPairs(s.Grants) {
			row := s.Grants[pair]
			if row.User == user && pair[1] == organization && ofGrant(*row, rec.RecordedAt).LiveAt(rec.RecordedAt) {
				gone.grants = append(gone.grants, life{pair[0], row.GivenAt})
			}
		}
		l.left, l.away[user] = append(l.left, gone), gone
	case events.TokenUsed:
		token, _, err := rec.Stream.IDs()
		organization, ok := rec.Trail.Organization()
		if err != nil || !ok || len(l.away) == 0 {
			return
		}
		if row := s.Grants[Pair{token, organization}]; row != nil {
			if gone := l.away[row.User]; gone != nil {
				gone.after[token] += max(e.Count, 1)
			}
		}
	}
}

func (l *leavers) finish(_ context.Context, p *period, t *Table) error {
	t.Columns = columns("user", "User", "departed_at", "Departed at", "by", "By", "what", "What he had", "token", "Token", "name", "Name",
		"ended_at", "Ended at", "minutes", "Minutes between", "uses_after", "Uses after departure")
	all, byLife := l.all(p.closing), map[life]Credential{}
	for _, c := range all {
		byLife[life{c.ID, c.Begun}] = c
	}
	for _, gone := range l.left {
		for _, one := range gone.grants {
			c := byLife[one]
			ended, _ := c.within(p.To)
			t.row(gone.user, gone.at, gone.by, personalToken, c.ID, c.Name, ended, minutes(gone.at, ended), gone.after[c.ID])
		}
		for _, c := range all {
			if c.Kind == organizationToken && c.CreatedBy == gone.user.String() && c.Begun.Before(gone.at) && c.LiveAt(gone.at) {
				ended, _ := c.within(p.To)
				t.row(gone.user, gone.at, gone.by, "organization token that he created", c.ID, c.Name, ended, minutes(gone.at, ended), nil)
			}
		}
		if len(gone.grants) == 0 {
			t.row(gone.user, gone.at, gone.by, "no personal token with access", nil, "", nil, nil, int64(0))
		}
	}
	return none(t, "nobody left in the period")
}

// minutes is the whole minutes from one instant to another, nil where there is none.
func minutes(from time.Time, to *time.Time) any {
	if to == nil {
		return nil
	}
	return int64(max(to.Sub(from), 0) / time.Minute)
}
