// The lists that can be asked for: their fields, their orders, and who sees what of them.

package projections

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Visibility is what of a list the caller may see; it is part of the statement.
type Visibility struct {
	Holder         uuid.UUID // organization or user whose tokens these are; required
	CreatedBy      string    // only what this actor created
	IncludeDeleted bool
}

// TokenQuery asks for a page of tokens of one kind.
type TokenQuery struct {
	Kind    events.TokenKind
	Visible Visibility
	Where   map[string]any
	Order   []Order
	Page    PageArgs
	Count   bool      // also how many there are on all pages
	Now     time.Time // the instant that states are told for; zero: this one
}

// lastUsedSQL looks a token's last use up. It is no join, which Postgres would
// like to merge from the first token of the installation on.
const lastUsedSQL = "(SELECT x.last_used_at FROM usage x WHERE x.token = t.id)"

var tokenColumns = qualified("t", withoutUsage(columnsOf[TokenRow]())) + ", " + lastUsedSQL + " AS last_used_at"

// withoutUsage drops what the tokens table does not have.
func withoutUsage(columns []string) []string {
	kept := columns[:0:0]
	for _, c := range columns {
		if c != "-" && c != "last_used_at" {
			kept = append(kept, c)
		}
	}
	return kept
}

var (
	organizationTable = &table{columns: map[string]column{
		"id":          {sql: "o.id", kind: kindID},
		"name":        {sql: "o.name", kind: kindText, fold: "o.name_fold"},
		"displayName": {sql: "o.display_name", kind: kindText, fold: "o.display_fold"},
		"createdAt":   {sql: "o.created_at", kind: kindTime},
		"updatedAt":   {sql: "o.updated_at", kind: kindTime},
	}}
	userTable = &table{columns: map[string]column{
		"id":          {sql: "w.id", kind: kindID},
		"email":       {sql: "w.email", kind: kindText, nullable: true, fold: "w.email_fold"},
		"displayName": {sql: "w.display_name", kind: kindText, nullable: true, fold: "w.display_fold"},
		"createdAt":   {sql: "w.created_at", kind: kindTime},
		"updatedAt":   {sql: "w.updated_at", kind: kindTime},
	}}
	apiTokenTable      = &table{columns: tokenFields, edges: map[string]edge{"Owner": {"directory_organizations o", "o.id = t.holder", organizationTable}}}
	personalTokenTable = &table{columns: tokenFields, edges: map[string]edge{"Owner": {"directory_users w", "w.id = t.holder", userTable}}}
)

var tokenFields = map[string]column{
	"id":            {sql: "t.id", kind: kindID},
	"createdAt":     {sql: "t.created_at", kind: kindTime, nullable: true},
	"updatedAt":     {sql: "t.updated_at", kind: kindTime, nullable: true},
	"createdBy":     {sql: "t.created_by", kind: kindText, nullable: true},
	"updatedBy":     {sql: "t.updated_by", kind: kindText, nullable: true},
	"ownerID":       {sql: "t.holder", kind: kindID, nullable: true},
	"name":          {sql: "t.name", kind: kindText, fold: "t.name_fold"},
	"expiresAt":     {sql: "t.expires_at", kind: kindTime, nullable: true},
	"lastUsedAt":    {sql: lastUsedSQL, kind: kindTime, nullable: true},
	"isActive":      {sql: activeSQL, kind: kindBool, nullable: true},
	"revokedReason": {sql: "t.revoked_reason", kind: kindText, nullable: true, fold: "t.revoked_reason_fold"},
	"revokedBy":     {sql: "t.revoked_by", kind: kindText, nullable: true},
	"revokedAt":     {sql: "t.revoked_at", kind: kindTime, nullable: true},
	"status":        {kind: kindEnum, values: statusNames(), cases: statusCases},
	"tags":          {sql: "t.tags", kind: kindSet},
	"scopes":        {sql: "t.scopes", kind: kindSet},
}

func statusNames() (names []string) {
	for _, s := range TokenStatuses {
		names = append(names, string(s))
	}
	return names
}

func tokenTime(of func(TokenRow) *time.Time, absent string) func(TokenRow, time.Time) string {
	return func(r TokenRow, _ time.Time) string { return timeKey(of(r), absent) }
}

func lastUsedKey(r TokenRow, _ time.Time) string { return timeKey(r.LastUsedAt, firstOfAll) }

var tokenKeys = map[string]key[TokenRow]{
	"created_at":   {"t.created_at", keyTime, tokenTime(func(r TokenRow) *time.Time { return &r.CreatedAt }, "")},
	"updated_at":   {"t.updated_at", keyTime, tokenTime(func(r TokenRow) *time.Time { return &r.UpdatedAt }, "")},
	"name":         {"t.name", keyText, func(r TokenRow, _ time.Time) string { return r.Name }},
	"expires_at":   {"coalesce(t.expires_at, 'infinity')", keyTime, tokenTime(func(r TokenRow) *time.Time { return r.ExpiresAt }, lastOfAll)},
	"last_used_at": {"coalesce(" + lastUsedSQL + ", '-infinity')", keyTime, lastUsedKey},
	"is_active": {activeSQL, keyBool, func(r TokenRow, now time.Time) string {
		if r.Active(now) {
			return "true"
		}
		return "false"
	}},
}

var tokenID = key[TokenRow]{"t.id", keyID, func(r TokenRow, _ time.Time) string { return r.ID.String() }}

// Tokens gives a page of tokens. The error is an [InputError] where the
// question is at fault.
func (v *Views) Tokens(ctx context.Context, q TokenQuery) (Page[TokenRow], error) {
	l, err := newList("tokens", tokenColumns, "tokens t", tokenKeys, tokenID, q.Order)
	if err != nil {
		return Page[TokenRow]{}, err
	}
	c := &compiler{now: instant(q.Now)}
	holder := c.arg(q.Visible.Holder)
	if len(q.Order) == 1 && q.Order[0].Field == "last_used_at" {
		l.along = alongUsage(l, holder)
	}
	conditions := []string{"t.holder = " + holder, "t.kind = " + c.arg(string(q.Kind))}
	if q.Visible.CreatedBy != "" {
		conditions = append(conditions, "t.created_by = "+c.arg(q.Visible.CreatedBy))
	}
	if !q.Visible.IncludeDeleted {
		conditions = append(conditions, "t.deleted_at IS NULL")
	}
	t := apiTokenTable
	if q.Kind == events.PersonalKind {
		t = personalTokenTable
	}
	asked, err := c.where(t, q.Where)
	if err != nil {
		return Page[TokenRow]{}, err
	}
	return l.page(ctx, v.db, c, strings.Join(append(conditions, asked), " AND "), q.Page, q.Count)
}

// lookedAt is how many rows of an index are looked at for one that is asked for. A filter
// that less of them pass is better begun with.
const lookedAt = 20

// alongUsage leads a list by last use along the index that has the order, with the id.
// Every token has its row there. OFFSET 0 keeps Postgres from joining all of the
// holder's rows with each other and sorting them.
func alongUsage(l list[TokenRow], holder string) func(*compiler, bounds, int, bool) list[TokenRow] {
	const place = "coalesce(u.last_used_at, '-infinity')"
	by := func(place string) []term[TokenRow] {
		terms := slices.Clone(l.terms)
		terms[0].sql, terms[1].sql = place, "u.token"
		return terms
	}
	index := list[TokenRow]{columns: "u.token, u.last_used_at, " + place + " AS place", from: "usage u", terms: by(place)}
	tokens := list[TokenRow]{name: l.name, columns: strings.Replace(l.columns, lastUsedSQL, "u.last_used_at", 1), terms: by("u.place")}
	return func(c *compiler, b bounds, limit int, backward bool) list[TokenRow] {
		near := tokens
		near.from = "(" + index.sql(c, "u.holder = "+holder, b, lookedAt*limit, backward) + ") u" +
			" JOIN LATERAL (SELECT * FROM tokens k WHERE k.id = u.token OFFSET 0) t ON true"
		return near
	}
}

// instant is the moment that a question is about, as Postgres keeps it.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		t = time.Now()
	}
	return t.UTC().Truncate(time.Microsecond)
}

// Organizations gives a page of those among the ids, by name.
func (v *Views) Organizations(ctx context.Context, among []uuid.UUID, args PageArgs, count bool) (Page[OrganizationRow], error) {
	return pageOf(ctx, v.db, "directory_organizations", "name", func(r OrganizationRow) string { return r.Name }, keyText,
		"id", func(r OrganizationRow) uuid.UUID { return r.ID }, "t.id = ANY($1)", among, args, count)
}

// Members gives a page of an organization's members, in the order in which they joined.
func (v *Views) Members(ctx context.Context, organization uuid.UUID, args PageArgs, count bool) (Page[MembershipRow], error) {
	return pageOf(ctx, v.db, "directory_memberships", "started_at", func(r MembershipRow) string { return timeKey(&r.StartedAt, "") }, keyTime,
		"user_id", func(r MembershipRow) uuid.UUID { return r.User }, "t.organization = $1 AND t.ended_at IS NULL", organization, args, count)
}

// MembershipsOf gives a page of a user's memberships, in the order in which they began.
func (v *Views) MembershipsOf(ctx context.Context, user uuid.UUID, args PageArgs, count bool) (Page[MembershipRow], error) {
	return pageOf(ctx, v.db, "directory_memberships", "started_at", func(r MembershipRow) string { return timeKey(&r.StartedAt, "") }, keyTime,
		"organization", func(r MembershipRow) uuid.UUID { return r.Organization }, "t.user_id = $1 AND t.ended_at IS NULL", user, args, count)
}

// Grants gives a page of the grants that personal tokens have to an
// organization, ended ones too, in the order in which they were given.
func (v *Views) Grants(ctx context.Context, organization uuid.UUID, args PageArgs, count bool) (Page[GrantRow], error) {
	return pageOf(ctx, v.db, "directory_grants", "given_at", func(r GrantRow) string { return timeKey(&r.GivenAt, "") }, keyTime,
		"token", func(r GrantRow) uuid.UUID { return r.Token }, "t.organization = $1", organization, args, count)
}

// pageOf is a list with one order of its own.
func pageOf[T any](
	ctx context.Context, db queryer, tableName, by string, value func(T) string, kind keyKind,
	idColumn string, id func(T) uuid.UUID, condition string, arg any, args PageArgs, count bool,
) (Page[T], error) {
	keys := map[string]key[T]{by: {"t." + by, kind, func(r T, _ time.Time) string { return value(r) }}}
	last := key[T]{"t." + idColumn, keyID, func(r T, _ time.Time) string { return id(r).String() }}
	l, err := newList(tableName+"."+idColumn, qualified("t", columnsOf[T]()), tableName+" t", keys, last, []Order{{Field: by}})
	if err != nil {
		return Page[T]{}, err
	}
	c := &compiler{now: instant(time.Time{})}
	c.arg(arg)
	return l.page(ctx, db, c, condition, args, count)
}
