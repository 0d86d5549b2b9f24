// The values of a where input, as GraphQL hands them over, made into parameters of the column's type.

package projections

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// value checks one value and gives it the column's Go type: uuid.UUID,
// time.Time, string or bool.
func (c column) value(v any, path string) (any, error) {
	switch c.kind {
	case kindID:
		return idValue(v, path)
	case kindTime:
		return timeValue(v, path)
	case kindBool:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, badFilter(path, "must be true or false")
	case kindEnum:
		s, err := textValue(v, path)
		if err == nil && !slices.Contains(c.values, s) {
			return nil, badFilter(path, "must be one of %s", strings.Join(c.values, ", "))
		}
		return s, err
	}
	return textValue(v, path)
}

// list is value for each of a list, as a slice that Postgres takes as an array.
func (c column) list(v any, path string) (any, error) {
	items, ok := elements(v)
	if !ok {
		return nil, badFilter(path, "must be a list")
	}
	if len(items) > maxListLength {
		return nil, badFilter(path, "has more than %d elements", maxListLength)
	}
	switch c.kind {
	case kindID:
		return collect(items, path, idValue)
	case kindTime:
		return collect(items, path, timeValue)
	}
	return collect(items, path, func(v any, path string) (string, error) {
		s, err := c.value(v, path)
		if err != nil {
			return "", err
		}
		return s.(string), nil
	})
}

func collect[T any](items []any, path string, value func(any, string) (T, error)) ([]T, error) {
	out := make([]T, len(items))
	for i, item := range items {
		var err error
		if out[i], err = value(item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func idValue(v any, path string) (uuid.UUID, error) {
	switch v := v.(type) {
	case uuid.UUID:
		return v, nil
	case string:
		// The one usual form: uuid.Parse takes others, which no id of ours has.
		if id, err := uuid.Parse(v); err == nil && len(v) == 36 {
			return id, nil
		}
	}
	return uuid.Nil, badFilter(path, "must be a UUID")
}

func timeValue(v any, path string) (time.Time, error) {
	switch v := v.(type) {
	case time.Time:
		return v.UTC(), nil
	case *time.Time:
		if v != nil {
			return v.UTC(), nil
		}
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, badFilter(path, "must be a time as in RFC 3339")
}

func textValue(v any, path string) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", badFilter(path, "must be a text")
	}
	if reason := plainText(s); reason != "" {
		return "", badFilter(path, "%s", reason)
	}
	return s, nil
}

// elements reads a list. As GraphQL coerces its input, a single value stands
// for a list of one.
func elements(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case []string:
		return boxed(v), true
	case []uuid.UUID:
		return boxed(v), true
	case []time.Time:
		return boxed(v), true
	case string, uuid.UUID, time.Time:
		return []any{v}, true
	}
	return nil, false
}

func boxed[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// objects reads a list of input objects, or a single one.
func objects(v any) ([]map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return []map[string]any{v}, true
	case []map[string]any:
		return v, true
	case []any:
		out := make([]map[string]any, len(v))
		for i, item := range v {
			m, ok := item.(map[string]any)
			if !ok {
				return nil, false
			}
			out[i] = m
		}
		return out, true
	}
	return nil, false
}
