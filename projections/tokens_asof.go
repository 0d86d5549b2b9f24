// A list of tokens as they were: the same question, asked of rows that were folded instead of the table.

package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"
)

// asOfFrom has the columns of the tokens table and the last use besides, which
// rows of an earlier time bring along.
const asOfFrom = `(SELECT r.*, u.last_used_at FROM json_populate_recordset(NULL::tokens, %s::json) r
	LEFT JOIN json_to_recordset(%s::json) AS u (id uuid, last_used_at timestamptz) ON u.id = r.id) t`

const asOfLastUsed = "t.last_used_at"

var asOfTable = func() *table {
	t := &table{columns: maps.Clone(apiTokenTable.columns), edges: apiTokenTable.edges}
	used := t.columns["lastUsedAt"]
	used.sql = asOfLastUsed
	t.columns["lastUsedAt"] = used
	return t
}()

var asOfKeys = func() map[string]key[TokenRow] {
	keys := maps.Clone(tokenKeys)
	used := keys["last_used_at"]
	used.sql = "coalesce(" + asOfLastUsed + ", '-infinity')"
	keys["last_used_at"] = used
	return keys
}()

// TokensAmong gives a page of the given rows of organization tokens, which may be
// of an earlier time: the question is compiled as for [Views.Tokens]. What a row
// is related to, such as its owner, is asked as of now.
func (v *Views) TokensAmong(ctx context.Context, rows []TokenRow, q TokenQuery) (Page[TokenRow], error) {
	columns := strings.Replace(tokenColumns, lastUsedSQL, asOfLastUsed, 1)
	l, err := newList("tokens asOf", columns, "", asOfKeys, tokenID, q.Order)
	if err != nil {
		return Page[TokenRow]{}, err
	}
	type use struct {
		ID         uuid.UUID  `json:"id"`
		LastUsedAt *time.Time `json:"last_used_at"`
	}
	records, uses := make([]tokenRecord, len(rows)), make([]use, len(rows))
	for i, row := range rows {
		records[i], uses[i] = recordOf(row), use{row.ID, row.LastUsedAt}
	}
	table, err := json.Marshal(records)
	if err != nil {
		return Page[TokenRow]{}, fmt.Errorf("tokens as of then: %w", err)
	}
	used, err := json.Marshal(uses)
	if err != nil {
		return Page[TokenRow]{}, fmt.Errorf("tokens as of then: %w", err)
	}
	c := &compiler{now: instant(q.Now)}
	l.from = fmt.Sprintf(asOfFrom, c.arg(string(table)), c.arg(string(used)))
	conditions := []string{"t.holder = " + c.arg(q.Visible.Holder), "t.kind = " + c.arg(string(q.Kind))}
	if !q.Visible.IncludeDeleted {
		conditions = append(conditions, "t.deleted_at IS NULL")
	}
	asked, err := c.where(asOfTable, q.Where)
	if err != nil {
		return Page[TokenRow]{}, err
	}
	return l.page(ctx, v.db, c, strings.Join(append(conditions, asked), " AND "), q.Page, q.Count)
}
