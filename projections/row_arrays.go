// Rows as arrays, one for each column: Postgres takes them several times faster than one JSON text of all rows.

package projections

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
)

// columnArray is a column of a set of rows: an array, the type of its elements,
// and what makes one of the column's type of them.
type columnArray struct {
	values  any
	element string
	cast    string
}

// arraysOf takes rows apart, in the order of [columnsOf]. Lists of texts travel as
// array literals, since an array of arrays would have to be rectangular; maps and
// structs as JSON, with NULL for what is null.
func arraysOf[T any](rows []T) ([]columnArray, error) {
	all := reflect.ValueOf(rows)
	var columns []columnArray
	for _, index := range columnIndexes(reflect.TypeFor[T](), nil) {
		c, err := arrayOf(all, index)
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	return columns, nil
}

// columnIndexes are the fields that [structColumns] names.
func columnIndexes(t reflect.Type, path []int) (indexes [][]int) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(path[:len(path):len(path)], i)
		switch {
		case f.Anonymous:
			indexes = append(indexes, columnIndexes(f.Type, at)...)
		case !strings.HasPrefix(f.Tag.Get("json"), "-"):
			indexes = append(indexes, at)
		}
	}
	return indexes
}

func arrayOf(rows reflect.Value, index []int) (columnArray, error) {
	t := rows.Type().Elem().FieldByIndex(index).Type
	switch t {
	case reflect.TypeFor[uuid.UUID]():
		return columnArray{taken[uuid.UUID](rows, index), "uuid", ""}, nil
	case reflect.TypeFor[*uuid.UUID]():
		return columnArray{taken[*uuid.UUID](rows, index), "uuid", ""}, nil
	case reflect.TypeFor[time.Time]():
		return columnArray{taken[time.Time](rows, index), "timestamptz", ""}, nil
	case reflect.TypeFor[*time.Time]():
		return columnArray{taken[*time.Time](rows, index), "timestamptz", ""}, nil
	case reflect.TypeFor[[]byte]():
		return columnArray{taken[[]byte](rows, index), "bytea", ""}, nil
	case reflect.TypeFor[[]string]():
		literals := make([]string, rows.Len())
		for i, list := range taken[[]string](rows, index) {
			literals[i] = arrayLiteral(list)
		}
		return columnArray{literals, "text", "::text[]"}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.String {
			return columnArray{each(rows, index, optionalOf), "text", ""}, nil
		}
	case reflect.String:
		return columnArray{each(rows, index, reflect.Value.String), "text", ""}, nil
	case reflect.Bool:
		return columnArray{each(rows, index, reflect.Value.Bool), "boolean", ""}, nil
	case reflect.Int, reflect.Int64:
		return columnArray{each(rows, index, reflect.Value.Int), "bigint", ""}, nil
	case reflect.Map, reflect.Struct:
		texts, err := jsonTexts(rows, index)
		return columnArray{texts, "text", "::jsonb"}, err
	}
	return columnArray{}, fmt.Errorf("a column cannot be of type %s", t)
}

func each[V any](rows reflect.Value, index []int, of func(reflect.Value) V) []V {
	out := make([]V, rows.Len())
	for i := range out {
		out[i] = of(rows.Index(i).FieldByIndex(index))
	}
	return out
}

func taken[V any](rows reflect.Value, index []int) []V {
	return each(rows, index, func(v reflect.Value) V { return v.Interface().(V) })
}

// optionalOf is a pointer to a text of any name, as one to a plain text.
func optionalOf(v reflect.Value) *string {
	if v.IsNil() {
		return nil
	}
	text := v.Elem().String()
	return &text
}

func jsonTexts(rows reflect.Value, index []int) ([]*string, error) {
	out := make([]*string, rows.Len())
	for i := range out {
		b, err := json.Marshal(rows.Index(i).FieldByIndex(index).Interface())
		if err != nil {
			return nil, err
		}
		if text := string(b); text != "null" {
			out[i] = &text
		}
	}
	return out, nil
}

var literalEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// arrayLiteral is a text[] as Postgres writes it.
func arrayLiteral(list []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		_, _ = literalEscapes.WriteString(&b, s)
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}
