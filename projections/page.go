// Pages: what is asked for, what is answered, and the keyset statement between them.
//
// A list is ordered by some keys and, last, by the row's id, so that no two
// rows are equal. A page begins after the keys of a cursor, never at a count of
// rows: it costs the same anywhere in the list, and rows that come or go
// elsewhere move nothing. Every key is an expression that is never NULL (an
// absent time counts as infinity), which makes the order the same everywhere
// and lets one row comparison be the bound of an index scan.

package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// The sizes of a page, in rows.
const (
	DefaultPage = 20
	MaxPage     = 100
)

// maxOrders bounds the keys of one order.
const maxOrders = 4

// PageArgs are the arguments of a Relay connection. Nil and "" mean absent.
type PageArgs struct {
	First, Last   *int
	After, Before string
}

// size checks the arguments and gives the number of rows; backward means that
// they are the last ones.
func (p PageArgs) size() (n int, backward bool, err error) {
	field, asked := "first", p.First
	if p.Last != nil {
		if p.First != nil {
			return 0, false, &InputError{"last", "cannot stand beside first", ErrBadPage}
		}
		field, asked, backward = "last", p.Last, true
	}
	if asked == nil {
		return DefaultPage, false, nil
	}
	if *asked < 1 || *asked > MaxPage {
		return 0, false, &InputError{field, fmt.Sprintf("must be between 1 and %d", MaxPage), ErrBadPage}
	}
	return *asked, backward, nil
}

// Order is one field of an order, ascending unless Desc.
type Order struct {
	Field string
	Desc  bool
}

// Page is a part of a list, in the list's order whichever way it was asked for.
type Page[T any] struct {
	Edges       []Edge[T]
	HasNext     bool // a row follows the last edge
	HasPrevious bool // a row stands before the first edge
	Total       int64
}

// Edge is one row and where it stands in the list.
type Edge[T any] struct {
	Node   T
	Cursor string
}

// Nodes are the page's rows.
func (p Page[T]) Nodes() []T {
	nodes := make([]T, len(p.Edges))
	for i, e := range p.Edges {
		nodes[i] = e.Node
	}
	return nodes
}

// key is something that a list of T can be ordered by.
type key[T any] struct {
	sql  string // never NULL; $now stands for the instant of the question
	kind keyKind
	text func(row T, now time.Time) string // the value, as the cursor keeps it
}

// term is a key in an order.
type term[T any] struct {
	key[T]
	desc bool
}

// list is one ordered selection of rows of T.
type list[T any] struct {
	name    string // of the table, which its cursors are bound to
	columns string
	from    string
	terms   []term[T] // the id last
	order   string    // the terms in words, which cursors are bound to
	// along, where it is there, is the list along an index that has its order, no further than some
	// rows behind the bounds: so it may give less rows than there are.
	along func(c *compiler, b bounds, limit int, backward bool) list[T]
}

// newList orders rows by what is asked for and then by id, which follows the
// direction of the last key.
func newList[T any](name, columns, from string, keys map[string]key[T], id key[T], orders []Order) (list[T], error) {
	l := list[T]{name: name, columns: columns, from: from}
	if len(orders) > maxOrders {
		return l, &InputError{"orderBy", fmt.Sprintf("has more than %d fields", maxOrders), ErrBadOrder}
	}
	desc, words, seen := false, make([]string, 0, len(orders)), map[string]bool{}
	for i, o := range orders {
		k, ok := keys[o.Field]
		if !ok || seen[o.Field] {
			reason := fmt.Sprintf("%q is no field to order by, or stands there twice", o.Field)
			return l, &InputError{fmt.Sprintf("orderBy[%d].field", i), reason, ErrBadOrder}
		}
		seen[o.Field], desc = true, o.Desc
		l.terms = append(l.terms, term[T]{k, desc})
		words = append(words, o.Field+map[bool]string{false: "+", true: "-"}[desc])
	}
	l.terms = append(l.terms, term[T]{id, desc})
	l.order = strings.Join(words, "")
	return l, nil
}

// page answers one question. c has compiled where; what it holds is shared by
// the statements of the page.
func (l list[T]) page(
	ctx context.Context, db queryer, c *compiler, where string, args PageArgs, count bool,
) (Page[T], error) {
	n, backward, err := args.size()
	if err != nil {
		return Page[T]{}, err
	}
	after, err := l.decode("after", args.After)
	if err != nil {
		return Page[T]{}, err
	}
	before, err := l.decode("before", args.Before)
	if err != nil {
		return Page[T]{}, err
	}
	rows, err := l.rows(ctx, db, c.clone(), where, bounds{after: after, before: before}, n+1, backward)
	if err != nil {
		return Page[T]{}, err
	}
	more := len(rows) > n
	rows = rows[:min(n, len(rows))]
	if backward {
		slices.Reverse(rows)
	}
	p := Page[T]{Edges: make([]Edge[T], len(rows))}
	for i, row := range rows {
		p.Edges[i] = Edge[T]{row, l.cursor(row, c.now)}
	}
	if err := l.neighbours(ctx, db, c, where, &p, bounds{after: after, before: before}, more, backward); err != nil {
		return Page[T]{}, err
	}
	if count {
		sql := "SELECT count(*) FROM " + l.from + " WHERE " + where
		if err := db.QueryRow(ctx, sql, c.args...).Scan(&p.Total); err != nil {
			return Page[T]{}, fmt.Errorf("count %s: %w", l.name, err)
		}
	}
	return p, nil
}

// bounds are the keys that a page lies between; nil is none.
type bounds struct {
	after, before []string
	inclusive     bool // the rows on them belong to it
}

// neighbours tells whether rows stand on either side of the page. One more row
// than asked for has answered for one side; the other side, and the one beyond
// a bound, is looked at only where a bound makes it possible.
func (l list[T]) neighbours(
	ctx context.Context, db queryer, c *compiler, where string, p *Page[T], b bounds, more, backward bool,
) (err error) {
	first, last := b.after, b.before
	if len(p.Edges) > 0 {
		first = l.values(p.Edges[0].Node, c.now)
		last = l.values(p.Edges[len(p.Edges)-1].Node, c.now)
	}
	p.HasNext, p.HasPrevious = more && !backward, more && backward
	if b.before != nil && !p.HasNext {
		if p.HasNext, err = l.beyond(ctx, db, c, where, last, len(p.Edges) == 0, false); err != nil {
			return err
		}
	}
	if b.after != nil && !p.HasPrevious {
		p.HasPrevious, err = l.beyond(ctx, db, c, where, first, len(p.Edges) == 0, true)
	}
	return err
}

// beyond reports whether a row lies past the keys, or on them where inclusive.
func (l list[T]) beyond(
	ctx context.Context, db queryer, c *compiler, where string, keys []string, inclusive, backward bool,
) (found bool, err error) {
	b := bounds{after: keys, inclusive: inclusive}
	if backward {
		b = bounds{before: keys, inclusive: inclusive}
	}
	if near, err := l.ahead(ctx, db, c, where, b, 1, backward); err != nil || len(near) > 0 {
		return len(near) > 0, err
	}
	c = c.clone()
	sql := "SELECT EXISTS (SELECT FROM " + l.from + " WHERE " + where + l.between(c, b) + ")"
	if err := db.QueryRow(ctx, sql, c.args...).Scan(&found); err != nil {
		return false, fmt.Errorf("neighbours in %s: %w", l.name, err)
	}
	return found, nil
}

// rows are the first of those between the bounds, or the last where backward. Where most
// rows pass the filter, the index that has the order leads to them; else they are found by
// the filter, and sorted.
func (l list[T]) rows(
	ctx context.Context, db queryer, c *compiler, where string, b bounds, limit int, backward bool,
) ([]T, error) {
	if rows, err := l.ahead(ctx, db, c, where, b, limit, backward); err != nil || len(rows) == limit {
		return rows, err
	}
	rows, err := db.Query(ctx, l.sql(c, where, b, limit, backward), c.args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", l.name, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", l.name, err)
	}
	return out, nil
}

// ahead are the rows that [list.along] leads to, if there is one.
func (l list[T]) ahead(
	ctx context.Context, db queryer, c *compiler, where string, b bounds, limit int, backward bool,
) ([]T, error) {
	if l.along == nil {
		return nil, nil
	}
	c = c.clone()
	return l.along(c, b, limit, backward).rows(ctx, db, c, where, bounds{}, limit, backward)
}

func (l list[T]) sql(c *compiler, where string, b bounds, limit int, backward bool) string {
	return "SELECT " + c.expr(l.columns) + " FROM " + l.from + " WHERE " + where + l.between(c, b) +
		" ORDER BY " + l.orderBy(c, backward) + fmt.Sprintf(" LIMIT %d", limit)
}

// between is the condition that a row lies between the bounds, behind other conditions.
func (l list[T]) between(c *compiler, b bounds) (sql string) {
	if b.after != nil {
		sql += " AND " + l.past(c, b.after, b.inclusive, false)
	}
	if b.before != nil {
		sql += " AND " + l.past(c, b.before, b.inclusive, true)
	}
	return sql
}

func (l list[T]) orderBy(c *compiler, backward bool) string {
	parts := make([]string, len(l.terms))
	for i, t := range l.terms {
		parts[i] = c.expr(t.sql)
		if t.desc != backward {
			parts[i] += " DESC"
		}
	}
	return strings.Join(parts, ", ")
}

// past is the condition that a row comes after the keys in the order, or before
// them where backward.
func (l list[T]) past(c *compiler, keys []string, inclusive, backward bool) string {
	left, right := make([]string, len(keys)), make([]string, len(keys))
	for i, t := range l.terms {
		left[i] = c.expr(t.sql)
		right[i] = c.arg(keys[i]) + "::text" + keyKinds[t.kind].cast
	}
	less := func(i int) bool { return l.terms[i].desc != backward }
	if i := l.turn(); i == len(keys) {
		return compareRows(left, right, less(0), inclusive)
	} else {
		return l.pastMixed(left, right, i, less, inclusive)
	}
}

// turn is the first term whose direction differs from the first one's.
func (l list[T]) turn() int {
	for i, t := range l.terms {
		if t.desc != l.terms[0].desc {
			return i
		}
	}
	return len(l.terms)
}

// pastMixed splits at the terms where the direction turns: the first part
// decides, or is equal and the rest decides. The first part alone, inclusive,
// is implied and said as well, since an index can serve that.
func (l list[T]) pastMixed(left, right []string, turn int, less func(int) bool, inclusive bool) string {
	rest := list[T]{terms: l.terms[turn:]}
	lessRest := func(i int) bool { return less(i + turn) }
	var tail string
	if i := rest.turn(); i == len(rest.terms) {
		tail = compareRows(left[turn:], right[turn:], lessRest(0), inclusive)
	} else {
		tail = rest.pastMixed(left[turn:], right[turn:], i, lessRest, inclusive)
	}
	head, headTo := left[:turn], right[:turn]
	return fmt.Sprintf("(%s AND (%s OR (%s = %s AND %s)))",
		compareRows(head, headTo, less(0), true), compareRows(head, headTo, less(0), false),
		rowOf(head), rowOf(headTo), tail)
}

func compareRows(left, right []string, less, inclusive bool) string {
	op := " > "
	if less {
		op = " < "
	}
	if inclusive {
		op = strings.TrimRight(op, " ") + "= "
	}
	return rowOf(left) + op + rowOf(right)
}

func rowOf(parts []string) string { return "(" + strings.Join(parts, ", ") + ")" }
