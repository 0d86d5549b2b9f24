// Views: the read side. Look-ups by id and what the rules, the verifier and the resolvers ask.

package projections

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

// Views asks the read models. Fresh is what its Wait waits on.
type Views struct {
	db    *pgxpool.Pool
	fresh interface {
		Wait(ctx context.Context, p events.Position) error
		WaitFor(ctx context.Context, p events.Position, names ...string) error
	}
}

// NewViews asks through the pool, see [OpenPool]; r keeps the read models.
func NewViews(pool *pgxpool.Pool, r *Runner) *Views { return &Views{db: pool, fresh: r} }

// Wait returns once the read models include the position; see [Runner.Wait].
func (v *Views) Wait(ctx context.Context, p events.Position) error { return v.fresh.Wait(ctx, p) }

// WaitDirectory returns once the read model of people and organizations includes the
// position, whatever the others do.
func (v *Views) WaitDirectory(ctx context.Context, p events.Position) error {
	return v.fresh.WaitFor(ctx, p, directory{}.Name())
}

// TokensByID finds tokens of either kind, deleted ones too. What is not there
// is left out.
func (v *Views) TokensByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]TokenRow, error) {
	return v.tokensWhere(ctx, "t.id = ANY($1)", ids)
}

// TokensByFingerprint finds the tokens whose values have these fingerprints; what is not there is left out.
func (v *Views) TokensByFingerprint(ctx context.Context, fingerprints []string) (map[string]TokenRow, error) {
	rows, err := v.tokensWhere(ctx, "t.fingerprint = ANY($1)", fingerprints)
	found := make(map[string]TokenRow, len(rows))
	for _, row := range rows {
		found[row.Fingerprint] = row
	}
	return found, err
}

// TokenByFingerprint finds the token whose value has the fingerprint.
func (v *Views) TokenByFingerprint(ctx context.Context, fingerprint string) (row TokenRow, found bool, err error) {
	rows, err := v.TokensByFingerprint(ctx, []string{fingerprint})
	row, found = rows[fingerprint]
	return row, found, err
}

func (v *Views) tokensWhere(ctx context.Context, condition string, arg any) (map[uuid.UUID]TokenRow, error) {
	rows, err := v.db.Query(ctx, "SELECT "+tokenColumns+" FROM tokens t WHERE "+condition, arg)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[TokenRow])
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	byID := make(map[uuid.UUID]TokenRow, len(list))
	for _, row := range list {
		byID[row.ID] = row
	}
	return byID, nil
}

func byKey[T any](rows []T, err error, id func(T) uuid.UUID) (map[uuid.UUID]T, error) {
	m := make(map[uuid.UUID]T, len(rows))
	for _, row := range rows {
		m[id(row)] = row
	}
	return m, err
}

// OrganizationsByID finds organizations; what is not there is left out.
func (v *Views) OrganizationsByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]OrganizationRow, error) {
	rows, err := selectRows[OrganizationRow](ctx, v.db, "directory_organizations", "t.id = ANY($1)", ids)
	return byKey(rows, err, func(r OrganizationRow) uuid.UUID { return r.ID })
}

// UsersByID finds users; what is not there is left out.
func (v *Views) UsersByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]UserRow, error) {
	rows, err := selectRows[UserRow](ctx, v.db, "directory_users", "t.id = ANY($1)", ids)
	return byKey(rows, err, func(r UserRow) uuid.UUID { return r.ID })
}

// Membership finds one user's membership of one organization, ended or not.
func (v *Views) Membership(ctx context.Context, organization, user uuid.UUID) (row MembershipRow, found bool, err error) {
	rows, err := selectRows[MembershipRow](ctx, v.db, "directory_memberships", "t.organization = $1 AND t.user_id = $2", organization, user)
	if len(rows) == 1 {
		return rows[0], true, err
	}
	return row, false, err
}

// GrantsOf lists the user's personal tokens with a live grant to the organization.
func (v *Views) GrantsOf(ctx context.Context, user, organization uuid.UUID) ([]uuid.UUID, error) {
	return v.ids(ctx, `SELECT token FROM directory_grants WHERE user_id = $1 AND organization = $2 AND ended_at IS NULL ORDER BY token`, user, organization)
}

// PersonalTokens lists the user's personal tokens that have not ended.
func (v *Views) PersonalTokens(ctx context.Context, user uuid.UUID) ([]uuid.UUID, error) {
	return v.ids(ctx, `SELECT id FROM tokens WHERE holder = $1 AND kind = 'personal'
		AND revoked_at IS NULL AND expired_at IS NULL AND deleted_at IS NULL ORDER BY id`, user)
}

// Owners lists the users who are owners of the organization.
func (v *Views) Owners(ctx context.Context, organization uuid.UUID) ([]uuid.UUID, error) {
	return v.ids(ctx, `SELECT user_id FROM directory_memberships WHERE organization = $1 AND role = 'owner' AND ended_at IS NULL ORDER BY user_id`, organization)
}

// OrganizationsOf lists the organizations of which the user is a member.
func (v *Views) OrganizationsOf(ctx context.Context, user uuid.UUID) ([]uuid.UUID, error) {
	return v.ids(ctx, `SELECT organization FROM directory_memberships WHERE user_id = $1 AND ended_at IS NULL ORDER BY organization`, user)
}

func (v *Views) ids(ctx context.Context, sql string, args ...any) ([]uuid.UUID, error) {
	rows, err := v.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read ids: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read ids: %w", err)
	}
	return out, nil
}

// UserByEmail finds the user with this address, in whatever case it is written.
func (v *Views) UserByEmail(ctx context.Context, email string) (user uuid.UUID, found bool, err error) {
	f := foldText(text(email))
	err = v.db.QueryRow(ctx, `SELECT id FROM directory_users WHERE left(email_fold, 256) = left($1, 256) AND email_fold = $1 ORDER BY id LIMIT 1`, f).Scan(&user)
	if errors.Is(err, pgx.ErrNoRows) {
		return user, false, nil
	}
	return user, err == nil, err
}

// Source finds the event that introduced an address and agent of a token in a
// trail; an empty text is one that was not given.
func (v *Views) Source(ctx context.Context, token uuid.UUID, trail events.TrailID, address, agent string) (at events.Position, found bool, err error) {
	err = v.db.QueryRow(ctx, `SELECT position FROM usage_sources WHERE token = $1 AND trail = $2
		AND left(address, 64) IS NOT DISTINCT FROM left($3, 64) AND address IS NOT DISTINCT FROM $3
		AND agent IS NOT DISTINCT FROM $4 ORDER BY position LIMIT 1`, token, string(trail), optionalText(address), optionalText(agent)).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	return at, err == nil, err
}

// LastUse is when a token was last used in a trail, asked once the read models
// include the position.
func (v *Views) LastUse(ctx context.Context, token uuid.UUID, trail events.TrailID, to events.Position) (at time.Time, found bool, err error) {
	if err := v.Wait(ctx, to); err != nil {
		return at, false, err
	}
	var last *time.Time
	err = v.db.QueryRow(ctx, `SELECT max(last_used_at) FROM `+usageActionsSQL+` AS a`, token, string(trail)).Scan(&last)
	if err != nil || last == nil {
		return at, false, err
	}
	return *last, true, nil
}

// Usage is what a token was used for, in sum.
type Usage struct {
	Uses       int64
	Refusals   int64
	LastUsedAt *time.Time
}

// Usage sums up each of the tokens, in the given trail alone where one is given.
func (v *Views) Usage(ctx context.Context, tokens []uuid.UUID, trail events.TrailID) (map[uuid.UUID]Usage, error) {
	sql := `SELECT token, uses, refusals, last_used_at FROM usage WHERE token = ANY($1) AND $2 = ''`
	if trail != "" {
		sql = `SELECT token, sum(uses)::bigint, sum(refusals)::bigint, max(last_used_at) FROM (
				SELECT token, trail, uses, refusals, last_used_at FROM usage_actions WHERE token = ANY($1)
				UNION ALL SELECT token, trail, uses, refusals, last_used_at FROM ` + openSQL("token = ANY($1)") + ` AS o) AS a
			WHERE trail = $2 GROUP BY token`
	}
	rows, err := v.db.Query(ctx, sql, tokens, string(trail))
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	out := make(map[uuid.UUID]Usage, len(tokens))
	var id uuid.UUID
	var u Usage
	_, err = pgx.ForEachRow(rows, []any{&id, &u.Uses, &u.Refusals, &u.LastUsedAt}, func() error {
		out[id] = u
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return out, nil
}

// UsageHour, UsageAction, UsageRefusal and UsageSource are parts of a token's
// usage.
type (
	UsageHour struct {
		Hour     time.Time
		Uses     int64
		Refusals int64
	}
	UsageAction struct {
		Action     string
		Uses       int64
		Refusals   int64
		LastUsedAt *time.Time
	}
	UsageRefusal struct {
		Code          string
		Refusals      int64
		LastRefusedAt *time.Time
	}
	UsageSource struct {
		Position    events.Position
		Address     *string
		Agent       *string
		FirstSeenAt time.Time
		LastUsedAt  *time.Time
		Uses        int64
		Refusals    int64
	}
)

// UsageHours lists the last hours with uses or refusals, newest first. In this
// and the next three an empty trail means all trails.
func (v *Views) UsageHours(ctx context.Context, token uuid.UUID, trail events.TrailID, limit int) ([]UsageHour, error) {
	return usagePart[UsageHour](ctx, v.db, `SELECT hour, uses, refusals FROM `+usageHoursSQL+` AS h ORDER BY hour DESC LIMIT $3`, token, trail, limit)
}

// UsageActions lists the actions, the most used first.
func (v *Views) UsageActions(ctx context.Context, token uuid.UUID, trail events.TrailID, limit int) ([]UsageAction, error) {
	return usagePart[UsageAction](ctx, v.db, `SELECT action, sum(uses)::bigint AS uses, sum(refusals)::bigint AS refusals, max(last_used_at) AS last_used_at
		FROM `+usageActionsSQL+` AS a GROUP BY action ORDER BY 2 DESC, action LIMIT $3`, token, trail, limit)
}

// UsageRefusals lists the reasons of refusals, the most frequent first.
func (v *Views) UsageRefusals(ctx context.Context, token uuid.UUID, trail events.TrailID, limit int) ([]UsageRefusal, error) {
	return usagePart[UsageRefusal](ctx, v.db, `SELECT code, sum(refusals)::bigint AS refusals, max(last_refused_at) AS last_refused_at
		FROM usage_refusals WHERE token = $1 AND ($2 = '' OR trail = $2) GROUP BY code ORDER BY 2 DESC, code LIMIT $3`, token, trail, limit)
}

// UsageSources lists where the token was used from, the last used first.
func (v *Views) UsageSources(ctx context.Context, token uuid.UUID, trail events.TrailID, limit int) ([]UsageSource, error) {
	return usagePart[UsageSource](ctx, v.db, `SELECT position, address, agent, first_seen_at, last_used_at, uses, refusals
		FROM `+usageSourcesSQL+` AS s ORDER BY coalesce(last_used_at, first_seen_at) DESC, position DESC LIMIT $3`, token, trail, limit)
}

func usagePart[T any](ctx context.Context, db queryer, sql string, token uuid.UUID, trail events.TrailID, limit int, more ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, append([]any{token, string(trail), limit}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	return out, nil
}

// DecidedSince says whether anything was decided on the streams behind a position.
// It asks the log itself, and so waits for nothing.
func (v *Views) DecidedSince(ctx context.Context, streams []events.StreamID, after events.Position) (decided bool, err error) {
	err = v.db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM decisions WHERE stream_id = ANY($1) AND position > $2)`,
		streams, int64(after)).Scan(&decided)
	if err != nil {
		return false, fmt.Errorf("look for decisions: %w", err)
	}
	return decided, nil
}
