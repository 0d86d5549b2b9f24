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
// looked up, once, where a refusal would rest on it.
type lastUse struct {
	at    time.Time
	known bool
}

// demanded asks the organization's policy, all but its scopes.
func (s *state) demanded(d *decided, t *token, o *organization, q Query, now time.Time) Code {
	use := &t.used
	b := aggregate.Bearer{
		Personal: t.personal, CreatedAt: t.createdAt, ExpiresAt: t.expiresAt, LastUsed: t.createdAt, Source: q.Address,
	}
	if t.personal {
		g := s.grants[pair{d.token, d.subject.Organization}]
		use, b.Approved, b.LastUsed = &g.used, g.approved, g.givenAt
	}
	last := use.at
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
	d.useUnknown = breach == aggregate.IdleTooLong && !use.known
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
	t := s.tokens[id]
	if t == nil {
		return
	}
	organization, ok := r.Trail.Organization()
	if !ok {
		return
	}
	if !t.personal {
		t.used.at = r.RecordedAt
	} else if g := s.grants[pair{id, organization}]; g != nil {
		g.used.at = r.RecordedAt
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
	t := s.tokens[token]
	if t == nil {
		return
	}
	use := &t.used
	if t.personal {
		g := s.grants[pair{token, organization}]
		if g == nil {
			return
		}
		use = &g.used
	}
	if use.known = true; at.After(use.at) {
		use.at = at
	}
}
