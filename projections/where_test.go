// The where compiler: against an oracle in Go on a real Postgres, against hostile input, and by fuzzing.

package projections

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

var (
	oracleNow    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	oracleHolder = uuid.MustParse("0195a000-0000-7000-8000-000000000001")
	oracleTexts  = []string{"", "a", "A", "ab", "Ä", "ä", "a%b", "a_b", `a\b`, "'; --", "z", "\uD7FF", "\uE000", "\U0010FFFF", "K", "k", "ſ", "S", "ab\U0010FFFF"}
)

// oracleRows are tokens of every state, with few values so that predicates hit.
func oracleRows() []TokenRow {
	times := []*time.Time{nil, new(oracleNow.Add(-time.Hour)), new(oracleNow), new(oracleNow.Add(time.Hour))}
	var rows []TokenRow
	for i := range 160 {
		pick := func(n, of int) int { return (i*7919 + i/of*31 + n*13) % of }
		row := TokenRow{
			ID: uuid.UUID{1, 0x95, 15: byte(i)}, Kind: events.OrganizationKind, Holder: oracleHolder,
			Name: oracleTexts[i%len(oracleTexts)], Tags: oracleTexts[:pick(1, 4)], Scopes: oracleTexts[1 : pick(2, 3)+1], Ceiling: []string{},
			CreatedAt: *times[1+pick(3, 3)], CreatedBy: oracleTexts[pick(4, len(oracleTexts))], UpdatedAt: *times[1+pick(5, 3)], UpdatedBy: "u",
			ExpiresAt: times[pick(6, 4)], Suspended: i%3 == 0, SuspendedUntil: times[pick(7, 4)], LastUsedAt: times[pick(10, 4)],
		}
		row.EndsAt = row.ExpiresAt
		if i%5 == 0 {
			row.RevokedAt, row.RevokedBy = times[1], new("somebody")
			if i%2 == 0 {
				row.RevokedReason = new(oracleTexts[pick(8, len(oracleTexts))])
			}
		}
		if i%7 == 0 {
			row.DeletedAt = times[1]
		}
		if i%4 == 0 {
			row.RotatedTo = new(uuid.UUID{9})
		}
		rows = append(rows, row)
	}
	return rows
}

// oracleTable puts the rows where a where input can be asked of them.
func oracleTable(t *testing.T, rows []TokenRow) *pgx.Conn {
	t.Helper()
	pool, err := OpenPool(t.Context(), eventstoretest.Postgres(t), eventstore.DefaultSchema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn := c.Hijack()
	t.Cleanup(func() { conn.Close(t.Context()) })
	err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		for _, p := range []Projection{tokens{}, usage{}, directory{}} {
			if err := p.Schema(t.Context(), tx, Tables{p.Name(), 1, 1}); err != nil {
				return err
			}
			if err := activateForTest(t, tx, p); err != nil {
				return err
			}
		}
		var records []tokenRecord
		for _, r := range rows {
			rec := tokenRecord{TokenRow: r, NameFold: foldText(r.Name)}
			if r.RevokedReason != nil {
				rec.ReasonFold = new(foldText(*r.RevokedReason))
			}
			records = append(records, rec)
			if _, err := tx.Exec(t.Context(), "INSERT INTO usage_r1b1 (token, holder, last_used_at) VALUES ($1, $2, $3)", r.ID, r.Holder, r.LastUsedAt); err != nil {
				return err
			}
		}
		if err := upsert(t.Context(), tx, "tokens_r1b1", []string{"id"}, records); err != nil {
			return err
		}
		org := organizationRecord{OrganizationRow: OrganizationRow{ID: oracleHolder, Name: "ab"}, NameFold: foldText("ab")}
		return upsert(t.Context(), tx, "directory_organizations_r1b1", []string{"id"}, []organizationRecord{org})
	})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func activateForTest(t *testing.T, tx pgx.Tx, p Projection) error {
	names, err := tablesOf(t.Context(), tx, p.Name())
	for _, name := range names {
		if _, err := tx.Exec(t.Context(), "CREATE VIEW "+strings.TrimSuffix(name, "_r1b1")+" AS SELECT * FROM "+name); err != nil {
			return err
		}
	}
	return err
}

// drawWhere draws an input whose every key is a predicate of the page.
func drawWhere(t *rapid.T, depth int) map[string]any {
	in := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		kind := rapid.IntRange(0, 9).Draw(t, "kind")
		nested := func() any {
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "inputs") {
				list = append(list, drawWhere(t, depth+1))
			}
			return list
		}
		switch {
		case kind < 3 && depth >= 3:
		case kind == 0:
			in["not"] = drawWhere(t, depth+1)
		case kind == 1:
			in["and"] = nested()
		case kind == 2:
			in["or"] = nested()
		case kind == 3:
			in[rapid.SampledFrom([]string{"tagsHas", "scopesHas"}).Draw(t, "set")] = rapid.SampledFrom(oracleTexts).Draw(t, "v")
		case kind == 4:
			in["hasOwner"] = rapid.Bool().Draw(t, "v")
		case kind == 5:
			op := rapid.SampledFrom(oracleTextOps).Draw(t, "op")
			in["hasOwnerWith"] = []any{map[string]any{"name" + op: drawValue(t, oracleFields[0], op)}}
		default:
			f := rapid.SampledFrom(oracleFields).Draw(t, "field")
			op := rapid.SampledFrom(f.ops).Draw(t, "op")
			in[f.name+op] = drawValue(t, f, op)
		}
	}
	return in
}

func drawValue(t *rapid.T, f oracleField, op string) any {
	one := func() any {
		switch {
		case f.time != nil:
			return oracleNow.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "h")) * time.Hour).Format(time.RFC3339)
		case f.name == "id":
			return uuid.UUID{1, 0x95, 15: byte(rapid.IntRange(0, 170).Draw(t, "id"))}.String()
		case f.name == "status":
			return string(rapid.SampledFrom(TokenStatuses).Draw(t, "status"))
		case f.name == "isActive":
			return rapid.Bool().Draw(t, "active")
		}
		return rapid.SampledFrom(oracleTexts).Draw(t, "text")
	}
	switch op {
	case "IsNil", "NotNil":
		return rapid.Bool().Draw(t, "nil")
	case "In", "NotIn":
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			list = append(list, one())
		}
		return list
	}
	return one()
}

func TestWhereSaysWhatTheOracleSays(t *testing.T) {
	t.Parallel()
	rows := oracleRows()
	conn := oracleTable(t, rows)
	rapid.Check(t, func(rt *rapid.T) {
		in := drawWhere(rt, 0)
		c := &compiler{now: oracleNow}
		sql, err := c.where(apiTokenTable, in)
		if err != nil {
			rt.Fatalf("%v: %v", in, err)
		}
		found, err := conn.Query(t.Context(), "SELECT t.id FROM tokens t WHERE "+sql+" ORDER BY t.id", c.args...)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := pgx.CollectRows(found, pgx.RowTo[uuid.UUID])
		if err != nil {
			rt.Fatalf("%v: %s: %v", in, sql, err)
		}
		var want []uuid.UUID
		for _, r := range rows {
			if oracle(r, in) {
				want = append(want, r.ID)
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%v\n%s\ngot %d rows, want %d", in, sql, len(got), len(want))
		}
	})
}

func TestWhereRefuses(t *testing.T) {
	t.Parallel()
	deep := map[string]any{"name": "x"}
	for range maxWhereDepth + 1 {
		deep = map[string]any{"not": deep}
	}
	wide := make([]any, maxPredicates+1)
	for i := range wide {
		wide[i] = map[string]any{"name": "x"}
	}
	for name, c := range map[string]struct {
		in    map[string]any
		field string
	}{
		"unknown":         {map[string]any{"nope": 1}, "where.nope"},
		"token":           {map[string]any{"token": "x"}, "where.token"},
		"injected key":    {map[string]any{`name" = '' OR 1=1 --`: "x"}, `where.name" = '' OR 1=1 --`},
		"time prefix":     {map[string]any{"createdAtContains": "x"}, "where.createdAtContains"},
		"nil of a name":   {map[string]any{"nameIsNil": true}, "where.nameIsNil"},
		"number":          {map[string]any{"name": 3}, "where.name"},
		"NUL":             {map[string]any{"name": "\x00"}, "where.name"},
		"not UTF-8":       {map[string]any{"name": "\xff"}, "where.name"},
		"long":            {map[string]any{"name": strings.Repeat("x", maxInputText+1)}, "where.name"},
		"status":          {map[string]any{"statusIn": []any{"ACTIVE", "DEAD"}}, "where.statusIn[1]"},
		"in a list":       {map[string]any{"or": []any{map[string]any{}, map[string]any{"idIn": []any{"x"}}}}, "where.or[1].idIn[0]"},
		"no object":       {map[string]any{"not": "x"}, "where.not"},
		"no list":         {map[string]any{"and": 1}, "where.and"},
		"owner's unknown": {map[string]any{"hasOwnerWith": []any{map[string]any{"x": 1}}}, "where.hasOwnerWith[0].x"},
		"many":            {map[string]any{"idIn": make([]any, maxListLength+1)}, "where.idIn"},
		"deep":            {deep, "where" + strings.Repeat(".not", maxWhereDepth+1)},
		"wide":            {map[string]any{"or": wide}, fmt.Sprintf("where.or[%d]", maxPredicates/2)},
	} {
		_, err := (&compiler{now: oracleNow}).where(apiTokenTable, c.in)
		fault, ok := errors.AsType[*InputError](err)
		if !ok || !errors.Is(err, ErrBadFilter) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if name != "wide" && fault.Field != c.field {
			t.Errorf("%s: it names %s, not %s", name, fault.Field, c.field)
		}
	}
}

// what a compiled condition may consist of: no quote but those of our own texts
var (
	ownLiterals = regexp.MustCompile(`'(DELETED|REVOKED|EXPIRED|SUSPENDED|ROTATING|ACTIVE)'`)
	placeholder = regexp.MustCompile(`\$[0-9]+`)
)

func FuzzWhereIsParameterised(f *testing.F) {
	f.Add(`{"name":"'; DROP TABLE tokens; --"}`)
	f.Add(`{"not":{"or":[{"isActive":true},{"status":"REVOKED"}]},"hasOwnerWith":[{"nameContainsFold":"x"}]}`)
	f.Add(`{"nameHasPrefix":"\uffff","idIn":["0195a000-0000-7000-8000-000000000001"],"expiresAtNotNil":false}`)
	f.Fuzz(func(t *testing.T, text string) {
		var in map[string]any
		if json.Unmarshal([]byte(text), &in) != nil {
			return
		}
		for _, table := range []*table{apiTokenTable, personalTokenTable} {
			c := &compiler{now: oracleNow}
			sql, err := c.where(table, in)
			if err != nil {
				if !errors.Is(err, ErrBadFilter) {
					t.Errorf("%v", err)
				}
				continue
			}
			rest := ownLiterals.ReplaceAllString(sql, "")
			if strings.ContainsAny(rest, `'";\`) || strings.Contains(rest, "--") {
				t.Errorf("%q became %s", text, sql)
			}
			used := map[string]bool{}
			for _, p := range placeholder.FindAllString(sql, -1) {
				used[p] = true
			}
			if len(used) != len(c.args) {
				t.Errorf("%s uses %d of %d parameters", sql, len(used), len(c.args))
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	l, err := newList("tokens", "", "", tokenKeys, tokenID, []Order{{Field: "expires_at"}, {Field: "name", Desc: true}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(l.cursor(TokenRow{Name: "x"}, oracleNow))
	f.Add(encodeCursor(cursorForm{1, "tokens", l.order, []string{"infinity", "x", "y"}}))
	f.Fuzz(func(t *testing.T, cursor string) {
		keys, err := l.decode("after", cursor)
		if err != nil {
			if !errors.Is(err, ErrBadCursor) {
				t.Errorf("%v", err)
			}
			return
		}
		if cursor != "" && len(keys) != len(l.terms) {
			t.Errorf("%d keys", len(keys))
		}
	})
}
