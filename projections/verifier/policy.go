// What the organization's policy makes of a use.

package verifier

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// The codes of what a policy refuses.
const (
	ApprovalRequired = Code(aggregate.ApprovalRequired)
	ExpiryRequired   = Code(aggregate.ExpiryRequired)
	LifetimeExceeded = Code(aggregate.LifetimeExceeded)
	RotationOverdue  = Code(aggregate.RotationOverdue)
	IdleTooLong      = Code(aggregate.IdleTooLong)
	SourceUnknown    = Code(aggregate.SourceUnknown)
	SourceForbidden  = Code(aggregate.SourceForbidden)
)

// lastUse is when a token was last used for an organization, as far as this
// memory knows. Filling reads decisions only; so what was used before that is
// looked up, once, where a refusal would rest on it, and then known.
func (t *token) lastUse(organization uuid.UUID) (at *instant, known *bool) {
	if !t.personal {
		return &t.usedAt, &t.useKnown
	}
	if g := t.grant(organization); g != nil {
		return &g.usedAt, &g.useKnown
	}
	return nil, nil
}

// demanded asks the organization's policy, all but its scopes.
func (s *state) demanded(d *decided, t *token, o *organization, q Query, now time.Time) Code {
	used, known := t.lastUse(d.subject.Organization)
	b := aggregate.Bearer{
		Personal: t.personal, CreatedAt: t.createdAt.time(), ExpiresAt: t.expiresAt.time(), LastUsed: t.createdAt.time(), Source: q.Address,
	}
	if t.personal {
		g := t.grant(d.subject.Organization)
		b.Approved, b.LastUsed = g.approved, g.givenAt.time()
	}
	last := used.time()
	if s.tried != nil {
		last = s.tried[d.token]
	}
	if last.After(b.LastUsed) {
		b.LastUsed = last
	}
	breach, until := o.demands.Judge(b, now)
	if !until.IsZero() {
		d.until(until.Add(-time.Microsecond)) // at that instant it is over
	}
	d.idle = o.policy.IdleExpiry.Duration()
	d.useUnknown = breach == aggregate.IdleTooLong && !*known
	return Code(breach)
}

// signedOn asks for an authorization through single sign-on that has not aged away.
func (o *organization) signedOn(d *decided, personal bool, stamped, now time.Time) Code {
	good, until := o.demands.Stamped(personal, stamped, now)
	if !good {
		return SSORequired
	}
	if !until.IsZero() {
		d.until(until.Add(-time.Microsecond)) // at that instant it is over
	}
	return ""
}

// underCeiling is allowed, and tells the scopes as the policy's ceiling cuts
// them. A token that it leaves nothing is refused.
func underCeiling(d *decided, o *organization, q Query) Code {
	if code := allowed(d, o, q); code != "" || len(o.policy.ScopeCeiling) == 0 {
		return code
	}
	if !d.ceiling.leaves {
		d.policy = aggregate.PolicyCeiling
		return AboveCeiling
	}
	d.subject.OwnScopes, d.subject.Scopes = d.ceiling.own, d.ceiling.scopes
	return ""
}

// used notes a use that the log tells of.
func (s *state) used(r events.Recorded) {
	id, _, err := r.Stream.IDs()
	if err != nil {
		return
	}
	t := s.tokens.get(id)
	if t == nil {
		return
	}
	organization, ok := r.Trail.Organization()
	if !ok {
		return
	}
	if used, _ := t.lastUse(organization); used != nil {
		*used = instantOf(r.RecordedAt)
	}
}

// recallUse looks up when a token was last used before this memory began.
func (v *Verifier) recallUse(ctx context.Context, d decided) error {
	v.mu.RLock()
	filled := v.filled
	v.mu.RUnlock()
	at, _, err := v.sources.find.LastUse(ctx, d.token, d.trail, filled)
	if err != nil {
		return fmt.Errorf("look up the last use: %w: %w", err, events.ErrUnavailable)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.recalled(d.token, d.subject.Organization, at)
	return nil
}

func (s *state) recalled(token, organization uuid.UUID, at time.Time) {
	t := s.tokens.get(token)
	if t == nil {
		return
	}
	used, known := t.lastUse(organization)
	if used == nil {
		return
	}
	*known, *used = true, max(*used, instantOf(at))
}
