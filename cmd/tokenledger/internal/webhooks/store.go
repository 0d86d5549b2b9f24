// How far each webhook is: the state that no log holds, in the database.

package webhooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
)

// hook is a webhook that may be called now, and how far it is.
type hook struct {
	ID            uuid.UUID
	Organization  uuid.UUID
	URL           string
	Types         []string
	TrailPosition events.Position // of the last event that is done with
	Notice        int64           // number of the last finding that is done with
	Attempts      int             // at what comes next
}

// errMoved: another process has gone on with the webhook meanwhile.
var errMoved = errors.New("another process goes on with this webhook")

type store struct{ pool *pgxpool.Pool }

// begin makes the states of webhooks that have none: they are sent what comes
// after their own beginning.
func (s store) begin(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO webhook_states (webhook, trail_position, notice)
		SELECT w.id, w.trail_position, coalesce((SELECT max(number) FROM finding_notices n
			WHERE n.organization = w.organization AND n.created_at < w.created_at), 0)
		FROM webhooks w WHERE NOT EXISTS (SELECT FROM webhook_states s WHERE s.webhook = w.id)
		ON CONFLICT DO NOTHING`)
	if err != nil {
		return fmt.Errorf("begin webhooks: %w", err)
	}
	return nil
}

// due lists the webhooks that have something to be sent and may be called, the
// one that has waited longest first.
func (s store) due(ctx context.Context) ([]hook, error) {
	rows, err := s.pool.Query(ctx, `SELECT w.id, w.organization, w.url, w.types, s.trail_position, s.notice, s.attempts
		FROM webhooks w JOIN webhook_states s ON s.webhook = w.id
		WHERE (s.next_at IS NULL OR s.next_at <= clock_timestamp()) AND (
			(SELECT t.last FROM trails_segments t WHERE t.trail = w.organization::text ORDER BY t.first DESC LIMIT 1) > s.trail_position
			OR EXISTS (SELECT FROM finding_notices n WHERE n.organization = w.organization AND n.number > s.notice)
			OR EXISTS (SELECT FROM webhook_dead_letters d WHERE d.webhook = w.id AND d.again))
		ORDER BY s.next_at NULLS FIRST, w.id`)
	if err != nil {
		return nil, fmt.Errorf("look for webhooks: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[hook])
	if err != nil {
		return nil, fmt.Errorf("look for webhooks: %w", err)
	}
	return list, nil
}

// live reports whether the webhook has not been removed.
func (s store) live(ctx context.Context, id uuid.UUID) (found bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM webhooks WHERE id = $1)`, id).Scan(&found)
	return found, err
}

// advance moves on past what is done with; delivered says whether it was sent.
func (s store) advance(ctx context.Context, h *hook, to events.Position, notice int64, delivered bool) error {
	sql := `UPDATE webhook_states SET trail_position = $4, notice = $5, attempts = 0, next_at = NULL`
	if delivered {
		sql += `, failures = 0, delivered = delivered + 1, last_success_at = clock_timestamp(), last_error = NULL`
	}
	tag, err := s.pool.Exec(ctx, sql+` WHERE webhook = $1 AND trail_position = $2 AND notice = $3`,
		h.ID, int64(h.TrailPosition), h.Notice, int64(to), notice)
	if err != nil {
		return fmt.Errorf("move webhook %s on: %w", h.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return errMoved
	}
	h.TrailPosition, h.Notice, h.Attempts = to, notice, 0
	return nil
}

// failed notes a failure, and when the next try is due.
func (s store) failed(ctx context.Context, h *hook, reason string, pause time.Duration) error {
	tag, err := s.pool.Exec(ctx, `UPDATE webhook_states SET attempts = attempts + 1, failures = failures + 1,
			last_failure_at = clock_timestamp(), last_error = $4, next_at = clock_timestamp() + $5
		WHERE webhook = $1 AND trail_position = $2 AND notice = $3`, h.ID, int64(h.TrailPosition), h.Notice, reason, pause)
	if err == nil && tag.RowsAffected() == 0 {
		err = errMoved
	}
	return err
}

// letter is a message and where it stands among what a webhook is sent.
type letter struct {
	message
	kind   string // event or finding
	number int64
}

// bury gives a message up and moves on. pause is how long the webhook rests.
func (s store) bury(ctx context.Context, h *hook, l letter, reason string, to events.Position, notice int64, pause time.Duration) error {
	attempts := h.Attempts + 1
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE webhook_states SET trail_position = $4, notice = $5, attempts = 0, failures = failures + 1,
				last_failure_at = clock_timestamp(), last_error = $6, next_at = clock_timestamp() + $7
			WHERE webhook = $1 AND trail_position = $2 AND notice = $3`,
			h.ID, int64(h.TrailPosition), h.Notice, int64(to), notice, reason, pause)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errMoved
		}
		_, err = tx.Exec(ctx, `INSERT INTO webhook_dead_letters (webhook, kind, number, message_id, attempts, last_error, dead_at)
			VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp()) ON CONFLICT DO NOTHING`, h.ID, l.kind, l.number, l.id, attempts, reason)
		return err
	})
	if err == nil {
		h.TrailPosition, h.Notice, h.Attempts = to, notice, 0
	}
	return err
}

// again lists the dead letters that are to be sent again, in their order.
func (s store) again(ctx context.Context, webhook uuid.UUID, limit int) (kinds []string, numbers []int64, err error) {
	rows, err := s.pool.Query(ctx, `SELECT kind, number FROM webhook_dead_letters WHERE webhook = $1 AND again ORDER BY kind, number LIMIT $2`, webhook, limit)
	if err != nil {
		return nil, nil, err
	}
	var kind string
	var number int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &number}, func() error {
		kinds, numbers = append(kinds, kind), append(numbers, number)
		return nil
	})
	return kinds, numbers, err
}

// raised takes a letter that was sent again out of the dead ones.
func (s store) raised(ctx context.Context, h hook, l letter) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM webhook_dead_letters WHERE webhook = $1 AND kind = $2 AND number = $3`, h.ID, l.kind, l.number); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE webhook_states SET failures = 0, delivered = delivered + 1, last_success_at = clock_timestamp(), last_error = NULL
			WHERE webhook = $1`, h.ID)
		return err
	})
}

// buriedAgain leaves a letter dead that was not taken this time either.
func (s store) buriedAgain(ctx context.Context, h hook, kind string, number int64, reason string) error {
	_, err := s.pool.Exec(ctx, `UPDATE webhook_dead_letters SET again = false, attempts = attempts + 1, last_error = $4, dead_at = clock_timestamp()
		WHERE webhook = $1 AND kind = $2 AND number = $3`, h.ID, kind, number, reason)
	return err
}

// notice is a finding as it is sent.
type notice struct {
	Number   int64
	Rule     string
	Position int64
	Body     []byte
}

// notices gives an organization's findings behind a number.
func (s store) notices(ctx context.Context, organization uuid.UUID, after int64, limit int) ([]notice, error) {
	rows, err := s.pool.Query(ctx, `SELECT number, rule, position, body FROM finding_notices
		WHERE organization = $1 AND number > $2 ORDER BY number LIMIT $3`, organization, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read findings to be sent: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[notice])
}
