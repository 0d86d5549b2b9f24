// Members as their organization's identity provider sees them.

package projections

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// ProvisionedRow is one member, or a former one whom the provider still names.
type ProvisionedRow struct {
	ID            uuid.UUID // the user's
	UserName      *string   // that of the provider, else the address; nil once it was erased
	ExternalID    *string
	Email         *string
	DisplayName   *string
	Named         bool // the provider has named him; else the name is the address
	Active        bool // a member, and let in
	Role          events.Role
	CreatedAt     time.Time // of the membership
	UpdatedAt     time.Time
	UserVersion   events.Version
	MemberVersion events.Version
}

const (
	provisionedFrom = `directory_memberships m JOIN directory_users w ON w.id = m.user_id`
	provisionedName = `coalesce(m.user_name, w.email)`
	provisionedFold = `coalesce(m.name_fold, w.email_fold)`
	provisionedHere = `(m.ended_at IS NULL OR m.user_name IS NOT NULL)`
	provisionedLive = `(m.ended_at IS NULL AND (m.until IS NULL OR m.until > $now) AND w.deactivated_at IS NULL)`
	provisionedRow  = `m.user_id AS id, ` + provisionedName + ` AS user_name, m.external_id, w.email, w.display_name, ` +
		`m.user_name IS NOT NULL AS named, ` + provisionedLive + ` AS active, m.role, m.started_at AS created_at, greatest(m.updated_at, w.updated_at) AS updated_at,
		w.version AS user_version, m.version AS member_version`
)

var provisionedTable = &table{columns: map[string]column{
	"id":         {sql: "m.user_id", kind: kindID},
	"userName":   {sql: provisionedName, kind: kindText, nullable: true, fold: provisionedFold},
	"externalId": {sql: "m.external_id", kind: kindText, nullable: true},
	"email":      {sql: "w.email", kind: kindText, nullable: true, fold: "w.email_fold"},
	"active":     {sql: provisionedLive, kind: kindBool},
}}

// ProvisionedQuery asks for some of an organization's members.
type ProvisionedQuery struct {
	Organization uuid.UUID
	Where        map[string]any
	Offset       int
	Limit        int
	Now          time.Time // zero: this instant
}

// Provisioned gives the members that a query asks for, in the order in which
// the users were made, and how many there are in all. The error is an
// [InputError] where the question is at fault.
func (v *Views) Provisioned(ctx context.Context, q ProvisionedQuery) (rows []ProvisionedRow, total int64, err error) {
	c := &compiler{now: instant(q.Now)}
	condition := "m.organization = " + c.arg(q.Organization) + " AND " + provisionedHere
	asked, err := c.where(provisionedTable, q.Where)
	if err != nil {
		return nil, 0, err
	}
	condition += " AND " + asked
	from := " FROM " + provisionedFrom + " WHERE " + condition
	if err := v.db.QueryRow(ctx, "SELECT count(*)"+from, c.args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("count members: %w", err)
	}
	if q.Limit <= 0 || int64(q.Offset) >= total {
		return nil, total, nil
	}
	sql := "SELECT " + c.expr(provisionedRow) + from +
		" ORDER BY m.user_id LIMIT " + strconv.Itoa(q.Limit) + " OFFSET " + strconv.Itoa(max(q.Offset, 0))
	found, err := v.db.Query(ctx, sql, c.args...)
	if err == nil {
		rows, err = pgx.CollectRows(found, pgx.RowToStructByName[ProvisionedRow])
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read members: %w", err)
	}
	return rows, total, nil
}

// MemberByName finds whom an organization's identity provider knows by a name,
// in whatever case it is written.
func (v *Views) MemberByName(ctx context.Context, organization uuid.UUID, name string) (user uuid.UUID, found bool, err error) {
	err = v.db.QueryRow(ctx, `SELECT m.user_id FROM `+provisionedFrom+` WHERE m.organization = $1 AND `+provisionedHere+`
		AND `+provisionedFold+` = $2 ORDER BY m.user_id LIMIT 1`, organization, foldText(text(name))).Scan(&user)
	if errors.Is(err, pgx.ErrNoRows) {
		return user, false, nil
	}
	return user, err == nil, err
}
