// Revocations: who ended what, when and why, and how long after it was detected.

package evidence

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

type revocations struct {
	suspended map[uuid.UUID]suspension // while one lasts: somebody had noticed something
	ends      []revocation
}

// suspension is one that goes on from its first instant, also where it was prolonged.
type suspension struct {
	since time.Time
	until time.Time // zero: until it is resumed
}

func (s suspension) lasts(at time.Time) bool {
	return !s.since.IsZero() && (s.until.IsZero() || s.until.After(at))
}

type revocation struct {
	rec      events.Recorded
	token    uuid.UUID
	kind     string
	how      string
	detected time.Time
}

func (r *revocations) event(s *State, rec events.Recorded, inside bool) {
	token, _, err := rec.Stream.IDs()
	if err != nil {
		return
	}
	end := revocation{rec: slim(rec), token: token, kind: personalToken}
	if noticed := r.suspended[token]; noticed.lasts(rec.RecordedAt) {
		end.detected = noticed.since
	}
	switch e := rec.Event.(type) {
	case events.TokenSuspended:
		r.suspend(token, rec.RecordedAt, e.Until)
		return
	case events.GrantSuspended:
		r.suspend(token, rec.RecordedAt, e.Until)
		return
	case events.TokenResumed, events.GrantResumed:
		delete(r.suspended, token)
		return
	case events.TokenRevoked:
		end.kind, end.how = organizationToken, "revoked"
	case events.GrantEnded:
		end.how = string(e.Cause)
	default:
		return
	}
	if inside {
		r.ends = append(r.ends, end)
	}
}

func (r *revocations) suspend(token uuid.UUID, at, until time.Time) {
	since := at
	if before := r.suspended[token]; before.lasts(at) {
		since = before.since
	}
	r.suspended[token] = suspension{since, until}
}

func (r *revocations) finish(_ context.Context, p *period, t *Table) error {
	t.Columns = columns("at", "At", "position", "Position", "token", "Token", "kind", "Kind", "name", "Name", "how", "How", "by", "By", "by_kind", "By what",
		"reason", "Reason", "detected_at", "Detected at", "minutes", "Minutes from detection to end")
	for _, e := range r.ends {
		at := e.rec.RecordedAt
		var took any
		if !e.detected.IsZero() {
			took = minutes(e.detected, &at)
		}
		t.row(at, e.rec.Position, e.token, e.kind, p.closing.name(e.token, p.Organization), e.how,
			e.rec.Meta.Actor.Name(), string(e.rec.Meta.Actor.Kind), e.rec.Meta.Reason, e.detected, took)
	}
	return none(t, "nothing was revoked in the period")
}
