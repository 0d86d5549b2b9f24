// Tokens that want attention: dormant, never used, over-age, never expiring; with the policy in force.

package evidence

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

type dormant struct {
	used map[uuid.UUID]time.Time // the last use of each token, of either kind
}

// The limits where neither the request nor the policy has one.
const (
	defaultDormantDays = 90
	defaultOverAgeDays = 365
)

const day = 24 * time.Hour

func (d *dormant) event(_ *State, rec events.Recorded, _ bool) {
	if _, ok := rec.Event.(events.TokenUsed); !ok {
		return
	}
	if token, _, err := rec.Stream.IDs(); err == nil {
		d.used[token] = rec.RecordedAt
	}
}

func (d *dormant) finish(_ context.Context, p *period, t *Table) error {
	policy := p.organization().Policy
	idle := limit(p.DormantDays, policy.IdleExpiry, defaultDormantDays)
	age := limit(p.OverAgeDays, policy.RotationAge, defaultOverAgeDays)
	t.Parameters = append(t.Parameters,
		Parameter{"dormant_after_days", fmt.Sprint(int(idle / day))}, Parameter{"over_age_after_days", fmt.Sprint(int(age / day))},
		Parameter{"policy_idle_expiry_seconds", fmt.Sprint(policy.IdleExpiry)}, Parameter{"policy_rotation_age_seconds", fmt.Sprint(policy.RotationAge)},
		Parameter{"policy_max_lifetime_seconds", fmt.Sprint(policy.MaxLifetime)}, Parameter{"policy_expiry_required", fmt.Sprint(policy.ExpiryRequired)})
	t.Columns = columns("condition", "Condition", "token", "Token", "kind", "Kind", "name", "Name", "since", "Since", "days", "Days", "limit", "Limit in days")
	live := p.closing.standing()
	list := func(condition string, limit time.Duration, since func(Credential) (time.Time, bool)) {
		found := false
		for _, c := range live {
			if from, ok := since(c); ok && p.To.Sub(from) >= limit {
				found = true
				t.row(condition, c.ID, c.Kind, c.Name, from, int64(p.To.Sub(from)/day), int64(limit/day))
			}
		}
		if !found {
			t.row(condition, nil, "", "none", nil, nil, int64(limit/day))
		}
	}
	list("dormant", idle, func(c Credential) (time.Time, bool) { at, ok := d.used[c.ID]; return at, ok })
	list("never used", 0, func(c Credential) (time.Time, bool) { _, used := d.used[c.ID]; return c.Begun, !used })
	list("over-age", age, func(c Credential) (time.Time, bool) { return c.Begun, true })
	list("never expiring", 0, func(c Credential) (time.Time, bool) { return c.Begun, c.Deadline == nil })
	t.Charts = []Chart{ages(live, p.To)}
	return nil
}

func limit(asked int, policy events.Seconds, otherwise int) time.Duration {
	switch {
	case asked > 0:
		return time.Duration(asked) * day
	case policy > 0:
		return policy.Duration()
	}
	return time.Duration(otherwise) * day
}

// ages draws how old the live tokens are.
func ages(live []Credential, at time.Time) Chart {
	steps := []struct {
		label string
		days  int
	}{{"up to 7 days", 7}, {"30 days", 30}, {"90 days", 90}, {"180 days", 180}, {"1 year", 365}, {"older", 1 << 30}}
	c := Chart{Title: "Live tokens by age", Kind: Bars, Series: []Series{{Name: "tokens", Values: make([]int64, len(steps))}}}
	for _, s := range steps {
		c.Labels = append(c.Labels, s.label)
	}
	for _, one := range live {
		for i, s := range steps {
			if int(at.Sub(one.Begun)/day) < s.days {
				c.Series[0].Values[i]++
				break
			}
		}
	}
	return c
}
