// The projection deadlines: what the clock alone will bring about, and when.
//
// There is a row for each token and membership that has an end and has not
// ended. Its column due says when something is to be recorded about it next: a
// warning, or the end. So whoever waits for deadlines asks one index.

package projections

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type deadlines struct{}

// Name implements [Projection].
func (deadlines) Name() string { return "deadlines" }

// Revision implements [Projection].
func (deadlines) Revision() int { return 1 }

const deadlinesDDL = `
CREATE TABLE %[1]s (
	subject      uuid NOT NULL,
	organization uuid NOT NULL,
	kind         text COLLATE "C" NOT NULL,
	expires_at   timestamptz,
	replaced_at  timestamptz,
	warned_for   timestamptz,
	warned_days  bigint NOT NULL,
	due          timestamptz NOT NULL,
	PRIMARY KEY (subject, organization)
);
CREATE INDEX ON %[1]s (due, subject, organization);`

// Unused implements [Unused].
func (deadlines) Unused() {}

// Schema implements [Projection].
func (deadlines) Schema(ctx context.Context, tx pgx.Tx, t Tables) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(deadlinesDDL, t.Name("")))
	return err
}

// The kinds of deadlines: a token of either kind, or a membership.
const (
	DeadlineOrganizationToken = string(events.OrganizationKind)
	DeadlinePersonalToken     = string(events.PersonalKind)
	DeadlineMembership        = "membership"
)

// Deadline is one thing that ends by the clock. Subject is the token, or the
// member of Organization, which is zero for a token.
type Deadline struct {
	Subject      uuid.UUID  `json:"subject"`
	Organization uuid.UUID  `json:"organization"`
	Kind         string     `json:"kind"`
	ExpiresAt    *time.Time `json:"expires_at"`
	ReplacedAt   *time.Time `json:"replaced_at"` // the end of a rotation's overlap
	WarnedFor    *time.Time `json:"warned_for"`  // the deadline that was last warned of
	WarnedDays   int64      `json:"warned_days"`
	Due          time.Time  `json:"due"`
}

// EndsAt is when it ends; zero: never.
func (d Deadline) EndsAt() (end time.Time) {
	for _, t := range []*time.Time{d.ExpiresAt, d.ReplacedAt} {
		if t != nil && (end.IsZero() || t.Before(end)) {
			end = *t
		}
	}
	return end
}

// next is when something is to be recorded: the first warning that was not
// given, else the end.
func (d Deadline) next() time.Time {
	if d.Kind == DeadlineMembership || d.ReplacedAt != nil {
		return d.EndsAt()
	}
	for _, ahead := range events.WarningDays {
		if d.WarnedFor == nil || !d.WarnedFor.Equal(*d.ExpiresAt) || ahead < d.WarnedDays {
			return d.ExpiresAt.Add(-time.Duration(ahead) * 24 * time.Hour)
		}
	}
	return d.EndsAt()
}

// Apply implements [Projection].
func (deadlines) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	var relevant []events.Recorded
	var order []ids
	for _, rec := range run {
		kind := rec.Stream.Kind()
		if !rec.Decision() || kind != events.KindToken && kind != events.KindMembership {
			continue
		}
		of, err := deadlineOf(rec)
		if err != nil {
			return at(rec, err)
		}
		relevant, order = append(relevant, rec), append(order, of)
	}
	if len(relevant) == 0 {
		return nil
	}
	rows, err := loadDeadlines(ctx, tx, t, order)
	if err != nil {
		return err
	}
	for i, rec := range relevant {
		d := rows[order[i]]
		d.Subject, d.Organization = order[i][0], order[i][1]
		d.apply(rec)
		rows[order[i]] = d
	}
	return writeDeadlines(ctx, tx, t, rows)
}

// deadlineOf is the key of the row that an event is about.
func deadlineOf(rec events.Recorded) (ids, error) {
	first, second, err := rec.Stream.IDs()
	if rec.Stream.Kind() == events.KindMembership {
		return ids{second, first}, err // the user is the subject
	}
	return ids{first}, err
}

func loadDeadlines(ctx context.Context, tx pgx.Tx, t Tables, of []ids) (map[ids]Deadline, error) {
	subjects := make([]uuid.UUID, len(of))
	for i := range of {
		subjects[i] = of[i][0]
	}
	list, err := selectRows[Deadline](ctx, tx, t.Name(""), "t.subject = ANY($1)", subjects)
	if err != nil {
		return nil, err
	}
	rows := make(map[ids]Deadline, len(list))
	for _, d := range list {
		rows[ids{d.Subject, d.Organization}] = d
	}
	return rows, nil
}

// apply folds one event. A row without a kind is of something that has no
// deadline, or has ended.
func (d *Deadline) apply(rec events.Recorded) {
	switch e := rec.Event.(type) {
	case events.TokenCreated:
		d.Kind, d.ExpiresAt = string(e.Kind), optionalTime(e.ExpiresAt)
	case events.TokenExpiryChanged:
		d.ExpiresAt = optionalTime(e.ExpiresAt)
	case events.TokenRotated:
		d.ReplacedAt = optionalTime(e.Until)
	case events.TokenExpiryWarned:
		d.WarnedFor, d.WarnedDays = optionalTime(e.ExpiresAt), e.Days
	case events.MembershipStarted:
		d.Kind, d.ExpiresAt = DeadlineMembership, optionalTime(e.Until)
	case events.MembershipRoleChanged:
		d.ExpiresAt = optionalTime(e.Until)
	case events.TokenRevoked, events.TokenExpired, events.TokenDeleted, events.MembershipEnded:
		*d = Deadline{Subject: d.Subject, Organization: d.Organization}
	}
}

// writeDeadlines keeps the rows of what will end, and of live tokens, whose kind
// a later deadline is to be known with.
func writeDeadlines(ctx context.Context, tx pgx.Tx, t Tables, rows map[ids]Deadline) error {
	var kept []Deadline
	var gone [2][]uuid.UUID
	for of, d := range rows {
		if d.Kind == "" {
			gone[0], gone[1] = append(gone[0], of[0]), append(gone[1], of[1])
			continue
		}
		d.Due = never
		if !d.EndsAt().IsZero() {
			d.Due = d.next()
		}
		kept = append(kept, d)
	}
	slices.SortFunc(kept, func(a, b Deadline) int { return slices.Compare(a.Subject[:], b.Subject[:]) })
	if len(gone[0]) > 0 {
		if _, err := tx.Exec(ctx, "DELETE FROM "+t.Name("")+` WHERE (subject, organization) IN
			(SELECT * FROM unnest($1::uuid[], $2::uuid[]))`, gone[0], gone[1]); err != nil {
			return fmt.Errorf("write %s: %w", t.Name(""), err)
		}
	}
	return upsert(ctx, tx, t.Name(""), []string{"subject", "organization"}, kept)
}

// never is later than every deadline that an event can hold.
var never = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// Now is the instant by the clock that the log takes its times from: that of the
// database server, and not this machine's.
func (v *Views) Now(ctx context.Context) (now time.Time, err error) {
	if err := v.db.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", err)
	}
	return now.UTC(), nil
}

// Due lists what is due at the instant, the earliest first, after a row of the
// same list; the zero Deadline begins it.
func (v *Views) Due(ctx context.Context, now time.Time, after Deadline, limit int) ([]Deadline, error) {
	return selectRows[Deadline](ctx, v.db, "deadlines",
		"t.due <= $1 AND (t.due, t.subject, t.organization) > ($2, $3, $4) ORDER BY t.due, t.subject, t.organization LIMIT $5",
		now, after.Due, after.Subject, after.Organization, limit)
}

// IdleToken is a token that was not used for an organization for as long as the
// policy there allows.
type IdleToken struct {
	Token        uuid.UUID
	Organization uuid.UUID
	Personal     bool
}

// Idle lists tokens that have been idle, by the policy of the organization that
// they reach, for a margin or longer at the instant, behind another of the same list.
func (v *Views) Idle(ctx context.Context, now time.Time, margin time.Duration, after IdleToken, limit int) ([]IdleToken, error) {
	rows, err := v.db.Query(ctx, `SELECT w.token, w.organization, w.holder <> w.organization
		FROM findings_organizations o JOIN findings_watched w ON w.organization = o.organization
		WHERE w.live AND (o.policy ->> 'idle_expiry')::bigint > 0
			AND greatest(w.since, w.last_used_at) + make_interval(secs => (o.policy ->> 'idle_expiry')::bigint) <= $1
			AND (w.token, w.organization) > ($2, $3)
		ORDER BY w.token, w.organization LIMIT $4`, now.Add(-margin), after.Token, after.Organization, limit)
	if err != nil {
		return nil, fmt.Errorf("look for idle tokens: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[IdleToken])
	if err != nil {
		return nil, fmt.Errorf("look for idle tokens: %w", err)
	}
	return list, nil
}
