// What stands in the read models and waits for a person, counted for metrics.

package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Outstanding is what waits in the whole installation.
type Outstanding struct {
	Findings    map[Rule]int64 // open and not resolved
	DeadLetters int64          // messages to webhooks that were given up and not sent again
	Failing     int64          // webhooks whose last call failed
}

// Outstanding counts. It reads all findings, so it is for a look now and then.
func (v *Views) Outstanding(ctx context.Context) (o Outstanding, err error) {
	o.Findings = make(map[Rule]int64, len(Rules))
	for _, rule := range Rules {
		o.Findings[rule] = 0
	}
	rows, err := v.db.Query(ctx, `SELECT rule, count(*) FROM findings
		WHERE status = 'open' AND resolved_at IS NULL AND raised_at <= clock_timestamp() GROUP BY rule`)
	if err != nil {
		return o, fmt.Errorf("count findings: %w", err)
	}
	var rule Rule
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&rule, &n}, func() error { o.Findings[rule] = n; return nil }); err != nil {
		return o, fmt.Errorf("count findings: %w", err)
	}
	err = v.db.QueryRow(ctx, `SELECT (SELECT count(*) FROM webhook_dead_letters WHERE NOT again),
		(SELECT count(*) FROM webhook_states s JOIN webhooks w ON w.id = s.webhook WHERE s.failures > 0)`).Scan(&o.DeadLetters, &o.Failing)
	if err != nil {
		return o, fmt.Errorf("count dead letters: %w", err)
	}
	return o, nil
}
