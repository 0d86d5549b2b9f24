// What a token was used for of late.

package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// UsageLately is a token's usage since an instant. Actions and sources are those
// that were used since then, with counts of all time.
type UsageLately struct {
	Usage
	Actions []UsageAction
	Sources []UsageSource
}

// UsageSince tells what a token was used for since an instant, by the hour, in
// the given trail alone where one is given, with at most so many actions and sources.
func (v *Views) UsageSince(ctx context.Context, token uuid.UUID, trail events.TrailID, since time.Time, most int) (u UsageLately, err error) {
	err = v.db.QueryRow(ctx, `SELECT coalesce(sum(uses), 0)::bigint, coalesce(sum(refusals), 0)::bigint,
			(SELECT max(last_used_at) FROM `+usageActionsSQL+` AS a)
		FROM `+usageHoursSQL+` AS h WHERE hour >= date_trunc('hour', $3::timestamptz)`, token, string(trail), since).
		Scan(&u.Uses, &u.Refusals, &u.LastUsedAt)
	if err != nil {
		return u, fmt.Errorf("read usage: %w", err)
	}
	u.Actions, err = usagePart[UsageAction](ctx, v.db, `SELECT action, sum(uses)::bigint AS uses, sum(refusals)::bigint AS refusals,
			max(last_used_at) AS last_used_at FROM `+usageActionsSQL+` AS a WHERE last_used_at >= $4
		GROUP BY action ORDER BY 2 DESC, action LIMIT $3`, token, trail, most, since)
	if err != nil {
		return u, err
	}
	u.Sources, err = usagePart[UsageSource](ctx, v.db, `SELECT position, address, agent, first_seen_at, last_used_at, uses, refusals
		FROM `+usageSourcesSQL+` AS s WHERE last_used_at >= $4 ORDER BY last_used_at DESC, position DESC LIMIT $3`, token, trail, most, since)
	return u, err
}
