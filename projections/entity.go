// One kind of thing in the directory: which events are about it, and how a run of them becomes rows.

package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// ids name one thing, as the name of its stream does: by one or two UUIDs.
type ids [2]uuid.UUID

// entity is a kind of thing with a row each. T is the row as it is read, R as it
// is written: with what is only for searching.
type entity[T, R any] struct {
	part   string
	key    []string // the columns of the ids: one or two
	route  func(events.Recorded) (ids, bool)
	ids    func(T) ids
	apply  func(row *T, of ids, rec events.Recorded) error
	record func(T) R
}

// ofStream routes the decisions of one kind of stream.
func ofStream(kind events.StreamKind) func(events.Recorded) (ids, bool) {
	return func(rec events.Recorded) (ids, bool) {
		if !rec.Decision() || rec.Stream.Kind() != kind {
			return ids{}, false
		}
		first, second, err := rec.Stream.IDs()
		return ids{first, second}, err == nil
	}
}

// asRead is for rows that are written as they are read.
func asRead[T any](row T) T { return row }

// fold loads the rows that a run is about, folds the run and writes them back.
func (e entity[T, R]) fold(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	var order []ids
	touched := map[ids][]events.Recorded{}
	for _, rec := range run {
		if of, ok := e.route(rec); ok {
			if touched[of] == nil {
				order = append(order, of)
			}
			touched[of] = append(touched[of], rec)
		}
	}
	if len(order) == 0 {
		return nil
	}
	rows, err := e.load(ctx, tx, t.Name(e.part), order)
	if err != nil {
		return err
	}
	records := make([]R, len(order))
	for i, of := range order {
		row := rows[of]
		for _, rec := range touched[of] {
			if err := e.apply(&row, of, rec); err != nil {
				return at(rec, err)
			}
		}
		records[i] = e.record(row)
	}
	return upsert(ctx, tx, t.Name(e.part), e.key, records)
}

// load reads rows by their ids.
func (e entity[T, R]) load(ctx context.Context, db queryer, table string, wanted []ids) (map[ids]T, error) {
	first, second := make([]uuid.UUID, len(wanted)), make([]uuid.UUID, len(wanted))
	for i, of := range wanted {
		first[i], second[i] = of[0], of[1]
	}
	condition, args := fmt.Sprintf("t.%s = ANY($1)", e.key[0]), []any{first}
	if len(e.key) == 2 {
		condition = fmt.Sprintf("(t.%s, t.%s) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))", e.key[0], e.key[1])
		args = append(args, second)
	}
	rows, err := selectRows[T](ctx, db, table, condition, args...)
	if err != nil {
		return nil, err
	}
	byIDs := make(map[ids]T, len(rows))
	for _, row := range rows {
		byIDs[e.ids(row)] = row
	}
	return byIDs, nil
}
