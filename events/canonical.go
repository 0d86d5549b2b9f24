// Canonical JSON: how each Go type of an event's field stands in a leaf, and back.
//
// There is one encoding of a value and the reader accepts no other: keys in the
// order of the struct's fields, absent instead of zero where the tag says so,
// strings escaped as in RFC 8785, times in UTC with six digits, integers beyond
// 2^53 as strings, no white space. So bytes that decode also encode to themselves.

package events

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"
)

// ErrNotCanonical is returned for bytes that are not the one encoding of a value.
var ErrNotCanonical = errors.New("not canonical")

// codec writes and reads the values of one Go type. What read is given can be
// addressed and is zero.
type codec struct {
	write  func(w *writer, v reflect.Value) error
	read   func(r *reader, v reflect.Value)
	schema func() map[string]any
	late   func(v reflect.Value) bool // the bytes depend on the event's place
	empty  func(v reflect.Value) bool // left out where the tag says so
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	uuidType     = reflect.TypeFor[uuid.UUID]()
	positionType = reflect.TypeFor[Position]()
	personalType = reflect.TypeFor[Personal]()
)

// codecOf makes the codec of a type. A type without a canonical form is a
// mistake in the catalogue, which no program survives the start of.
func codecOf(t reflect.Type) *codec {
	switch t {
	case timeType:
		return timeCodec
	case uuidType:
		return uuidCodec
	case positionType:
		return positionCodec
	case personalType:
		return personalCodec
	}
	switch t.Kind() {
	case reflect.String:
		return stringCodec
	case reflect.Bool:
		return boolCodec
	case reflect.Int, reflect.Int64:
		return intCodec
	case reflect.Slice:
		return sliceCodec(codecOf(t.Elem()))
	case reflect.Map:
		return mapCodec(t)
	case reflect.Struct:
		return structCodec(t)
	}
	panic("events: a field of type " + t.String() + " has no canonical form")
}

func never(reflect.Value) bool        { return false }
func isZero(v reflect.Value) bool     { return v.IsZero() }
func hasNothing(v reflect.Value) bool { return v.Len() == 0 }

// into is the variable that v stands for.
func into[T any](v reflect.Value) *T { return v.Addr().Interface().(*T) }

var stringCodec = &codec{
	write:  func(w *writer, v reflect.Value) error { return w.string(v.String()) },
	read:   func(r *reader, v reflect.Value) { v.SetString(r.string()) },
	schema: func() map[string]any { return map[string]any{"type": "string"} },
	late:   never,
	empty:  isZero,
}

var boolCodec = &codec{
	write:  func(w *writer, v reflect.Value) error { w.bool(v.Bool()); return nil },
	read:   func(r *reader, v reflect.Value) { v.SetBool(r.bool()) },
	schema: func() map[string]any { return map[string]any{"type": "boolean"} },
	late:   never,
	empty:  isZero,
}

var intCodec = &codec{
	write:  func(w *writer, v reflect.Value) error { w.int(v.Int()); return nil },
	read:   func(r *reader, v reflect.Value) { v.SetInt(r.int()) },
	schema: integerSchema,
	late:   never,
	empty:  isZero,
}

// positionCodec writes a relative position as an absolute one, and reads only
// absolute ones.
var positionCodec = &codec{
	write: func(w *writer, v reflect.Value) error {
		n := v.Int()
		if n < 0 {
			n += int64(w.at)
			if n <= 0 {
				return fmt.Errorf("position %d before the log's first event: %w", n, ErrInvalid)
			}
		}
		w.int(n)
		return nil
	},
	read: func(r *reader, v reflect.Value) {
		start, n := r.i, r.int()
		if n < 0 {
			r.failAt(start, "an absolute position")
		}
		v.SetInt(n)
	},
	schema: func() map[string]any {
		return map[string]any{"anyOf": []any{
			map[string]any{"type": "integer", "minimum": 0},
			map[string]any{"type": "string", "pattern": "^[1-9][0-9]{15,18}$"},
		}}
	},
	late:  func(v reflect.Value) bool { return v.Int() < 0 },
	empty: isZero,
}

func integerSchema() map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "integer"},
		map[string]any{"type": "string", "pattern": "^-?[1-9][0-9]{15,18}$"},
	}}
}

var timeCodec = &codec{
	write:  func(w *writer, v reflect.Value) error { return w.time(v.Interface().(time.Time)) },
	read:   func(r *reader, v reflect.Value) { *into[time.Time](v) = r.time() },
	schema: func() map[string]any { return map[string]any{"type": "string", "format": "date-time"} },
	late:   never,
	empty:  func(v reflect.Value) bool { return v.Interface().(time.Time).Truncate(time.Microsecond).IsZero() },
}

var uuidCodec = &codec{
	write:  func(w *writer, v reflect.Value) error { w.uuid(v.Interface().(uuid.UUID)); return nil },
	read:   func(r *reader, v reflect.Value) { *into[uuid.UUID](v) = r.uuid() },
	schema: func() map[string]any { return map[string]any{"type": "string", "format": "uuid"} },
	late:   never,
	empty:  isZero,
}

// personalCodec writes a commitment: the one the value has at its place in the
// log, or the one that was read.
var personalCodec = &codec{
	write: func(w *writer, v reflect.Value) error {
		p := v.Interface().(Personal)
		c := p.Commitment
		if c == (Commitment{}) {
			if w.commit == nil {
				return fmt.Errorf("a personal value outside the log: %w", ErrInvalid)
			}
			var err error
			if c, err = w.commit(p.Subject, w.at, w.field, p.Value); err != nil {
				return err
			}
		}
		w.b = append(w.b, '"')
		w.b = base64.RawURLEncoding.AppendEncode(w.b, c[:])
		w.b = append(w.b, '"')
		return nil
	},
	read: func(r *reader, v reflect.Value) {
		start := r.i
		text := r.text()
		raw, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
		// The decoder passes over line breaks, hence the look at the text's length.
		if err != nil || len(raw) != len(Commitment{}) || len(text) != base64.RawURLEncoding.EncodedLen(len(raw)) {
			r.failAt(start, "a commitment of 32 bytes in base64url")
			return
		}
		into[Personal](v).Commitment = Commitment(raw)
	},
	schema: func() map[string]any {
		return map[string]any{
			"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$",
			"description": "commitment to a personal value",
		}
	},
	late:  func(v reflect.Value) bool { return v.Interface().(Personal).Commitment == Commitment{} },
	empty: func(v reflect.Value) bool { return v.Interface().(Personal).IsZero() },
}

func sliceCodec(elem *codec) *codec {
	return &codec{
		write: func(w *writer, v reflect.Value) error {
			w.b = append(w.b, '[')
			for i := range v.Len() {
				if i > 0 {
					w.b = append(w.b, ',')
				}
				if err := elem.write(w, v.Index(i)); err != nil {
					return err
				}
			}
			w.b = append(w.b, ']')
			return nil
		},
		read: func(r *reader, v reflect.Value) {
			r.expect("[")
			for i := 0; r.item(i == 0, ']'); i++ {
				v.Grow(1)
				v.SetLen(i + 1)
				elem.read(r, v.Index(i))
			}
		},
		schema: func() map[string]any { return map[string]any{"type": "array", "items": elem.schema()} },
		late: func(v reflect.Value) bool {
			for i := range v.Len() {
				if elem.late(v.Index(i)) {
					return true
				}
			}
			return false
		},
		empty: hasNothing,
	}
}

func mapCodec(t reflect.Type) *codec {
	if t != reflect.TypeFor[map[string]string]() {
		panic("events: only maps of strings have a canonical form, not " + t.String())
	}
	return &codec{
		write: func(w *writer, v reflect.Value) error { return writeMap(w, v.Interface().(map[string]string)) },
		read:  func(r *reader, v reflect.Value) { *into[map[string]string](v) = readMap(r) },
		schema: func() map[string]any {
			return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
		},
		late:  never,
		empty: hasNothing,
	}
}

func writeMap(w *writer, m map[string]string) error {
	w.b = append(w.b, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		if err := w.string(k); err != nil {
			return err
		}
		w.b = append(w.b, ':')
		if err := w.string(m[k]); err != nil {
			return err
		}
	}
	w.b = append(w.b, '}')
	return nil
}

func readMap(r *reader) map[string]string {
	m, last := map[string]string{}, ""
	r.expect("{")
	for first := true; r.item(first, '}'); first = false {
		start, k := r.i, r.string()
		if !first && k <= last {
			r.failAt(start, "keys in order")
		}
		r.expect(":")
		m[k], last = r.string(), k
	}
	return m
}
