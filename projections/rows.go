// Rows in sets: a struct's json tags are the columns of its table, read and written by the set.

package projections

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// queryer is what questions need of a pool, a connection or a transaction.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// columnsOf are the columns that a row's json tags name, in order.
func columnsOf[T any]() []string { return structColumns(reflect.TypeFor[T]()) }

func structColumns(t reflect.Type) []string {
	var columns []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			columns = append(columns, structColumns(f.Type)...)
		case name != "-":
			columns = append(columns, name)
		}
	}
	return columns
}

// qualified puts a table's alias before each column.
func qualified(alias string, columns []string) string {
	return alias + "." + strings.Join(columns, ", "+alias+".")
}

// upsert writes whole rows: those whose key is there replace the old ones.
func upsert[T any](ctx context.Context, tx pgx.Tx, table string, key []string, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	arrays, err := arraysOf(rows)
	if err != nil {
		return fmt.Errorf("write %s: %w", table, err)
	}
	columns := columnsOf[T]()
	var args []any
	var from, selected []string
	for i, a := range arrays {
		args = append(args, a.values)
		from = append(from, fmt.Sprintf("$%d::%s[]", i+1, a.element))
		selected = append(selected, columns[i]+a.cast)
	}
	rest := slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return slices.Contains(key, c) })
	names := strings.Join(columns, ", ")
	sql := fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM unnest(%s) AS d (%s)
		ON CONFLICT (%s) DO UPDATE SET (%s) = ROW(%s)`,
		table, names, strings.Join(selected, ", "), strings.Join(from, ", "), names,
		strings.Join(key, ", "), strings.Join(rest, ", "), qualified("EXCLUDED", rest))
	if _, err := tx.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("write %s: %w", table, err)
	}
	return nil
}

// selectRows reads rows of T by a condition on one table of the alias t.
func selectRows[T any](ctx context.Context, db queryer, table, condition string, args ...any) ([]T, error) {
	sql := "SELECT " + qualified("t", columnsOf[T]()) + " FROM " + table + " t WHERE " + condition
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[T])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return out, nil
}

// isNoRows reports that a row that was asked for is not there.
func isNoRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
