// The projection webhooks: where organizations have their events sent.

package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type webhooks struct{}

// Name implements [Projection].
func (webhooks) Name() string { return "webhooks" }

// Revision implements [Projection].
func (webhooks) Revision() int { return 1 }

const webhooksDDL = `
CREATE TABLE %[1]s (
	id             uuid PRIMARY KEY,
	organization   uuid NOT NULL,
	url            text NOT NULL,
	types          text[] NOT NULL,
	created_at     timestamptz NOT NULL,
	created_by     text COLLATE "C" NOT NULL,
	trail_position bigint NOT NULL
);
CREATE INDEX ON %[1]s (organization, id);`

// Unused implements [Unused].
func (webhooks) Unused() {}

// Schema implements [Projection].
func (webhooks) Schema(ctx context.Context, tx pgx.Tx, t Tables) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(webhooksDDL, t.Name("")))
	return err
}

// Webhook is one webhook that has not been removed.
type Webhook struct {
	ID            uuid.UUID       `json:"id"`
	Organization  uuid.UUID       `json:"organization"`
	URL           string          `json:"url"`
	Types         []string        `json:"types"` // empty: everything
	CreatedAt     time.Time       `json:"created_at"`
	CreatedBy     string          `json:"created_by"`
	TrailPosition events.Position `json:"trail_position"` // of its own beginning; what comes after is sent
}

// Apply implements [Projection].
func (webhooks) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	var b pgx.Batch
	for _, rec := range run {
		switch e := rec.Event.(type) {
		case events.OrganizationWebhookAdded:
			organization, _, err := rec.Stream.IDs()
			if err != nil {
				return at(rec, err)
			}
			b.Queue(`INSERT INTO `+t.Name("")+` VALUES ($1, $2, $3, $4, $5, $6, $7)`, e.Webhook, organization, text(e.URL),
				texts(e.Types), rec.RecordedAt, text(rec.Meta.Actor.Name()), int64(rec.TrailPosition))
		case events.OrganizationWebhookRemoved:
			b.Queue(`DELETE FROM `+t.Name("")+` WHERE id = $1`, e.Webhook)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("write %s: %w", t.Name(""), err)
	}
	return nil
}

// WebhookState is a webhook and how its deliveries go.
type WebhookState struct {
	Webhook
	Attempts      int64      `json:"attempts"` // at what comes next
	Failures      int64      `json:"failures"` // since the last success
	Delivered     int64      `json:"delivered"`
	NextAt        *time.Time `json:"next_at"`
	LastSuccessAt *time.Time `json:"last_success_at"`
	LastFailureAt *time.Time `json:"last_failure_at"`
	LastError     *string    `json:"last_error"`
	Dead          int64      `json:"dead"` // letters
}

// WebhooksOf lists an organization's webhooks, the oldest first.
func (v *Views) WebhooksOf(ctx context.Context, organization uuid.UUID) ([]WebhookState, error) {
	rows, err := v.db.Query(ctx, `SELECT `+qualified("w", columnsOf[Webhook]())+`, coalesce(s.attempts, 0)::bigint AS attempts,
			coalesce(s.failures, 0) AS failures, coalesce(s.delivered, 0) AS delivered, s.next_at, s.last_success_at, s.last_failure_at, s.last_error,
			(SELECT count(*) FROM webhook_dead_letters d WHERE d.webhook = w.id) AS dead
		FROM webhooks w LEFT JOIN webhook_states s ON s.webhook = w.id WHERE w.organization = $1 ORDER BY w.id`, organization)
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[WebhookState])
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", err)
	}
	return list, nil
}

// DeadLetter is a message to a webhook that was given up.
type DeadLetter struct {
	MessageID string    `json:"message_id"`
	Kind      string    `json:"kind"`   // event or finding
	Number    int64     `json:"number"` // trail position, or the finding's number
	Attempts  int       `json:"attempts"`
	LastError string    `json:"last_error"`
	DeadAt    time.Time `json:"dead_at"`
	Again     bool      `json:"again"` // is to be sent again
}

// maxDeadLetters is how many of a webhook's dead letters are listed.
const maxDeadLetters = 100

// DeadLettersOf lists what was given up last.
func (v *Views) DeadLettersOf(ctx context.Context, webhook uuid.UUID) ([]DeadLetter, error) {
	return selectRows[DeadLetter](ctx, v.db, "webhook_dead_letters", "t.webhook = $1 ORDER BY t.dead_at DESC, t.kind, t.number DESC LIMIT $2", webhook, maxDeadLetters)
}

// ReplayWebhook has dead letters of an organization's webhook sent again: one, or
// all where the message's id is empty. It says how many, and found whether there
// is such a webhook.
func (v *Views) ReplayWebhook(ctx context.Context, organization, webhook uuid.UUID, message string) (n int64, found bool, err error) {
	err = pgx.BeginFunc(ctx, v.db, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM webhooks WHERE id = $1 AND organization = $2)`, webhook, organization).Scan(&found); err != nil || !found {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE webhook_dead_letters SET again = true WHERE webhook = $1 AND ($2 = '' OR message_id = $2)`, webhook, message)
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("replay deliveries: %w", err)
	}
	return n, found, nil
}

// TrailAfter gives the events of a trail that come after a trail position, those
// of a few segments at most. Personal values are not opened.
func (v *Views) TrailAfter(ctx context.Context, trail events.TrailID, after events.Position) ([]events.Recorded, error) {
	rows, err := v.db.Query(ctx, `SELECT `+segmentColumns+` FROM trails_segments
		WHERE trail = $1 AND first >= (SELECT max(first) FROM trails_segments WHERE trail = $1 AND first <= $2 + 1) ORDER BY first LIMIT 2`,
		string(trail), int64(after))
	if err != nil {
		return nil, fmt.Errorf("read trails: %w", err)
	}
	segments, err := pgx.CollectRows(rows, pgx.RowToStructByPos[segment])
	if err != nil {
		return nil, fmt.Errorf("read trails: %w", err)
	}
	var out []events.Recorded
	for _, s := range segments {
		recs, err := s.events()
		if err != nil {
			return nil, err
		}
		for _, rec := range recs {
			if rec.TrailPosition > after {
				out = append(out, rec)
			}
		}
	}
	return out, nil
}
