// Canonical JSON: how each Go type of an event stands in a leaf, and back.
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
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ErrNotCanonical is returned for bytes that are not the one encoding of a value.
var ErrNotCanonical = errors.New("not canonical")

// codec writes and reads the values of one Go type.
type codec struct {
	write  func(w *writer, v reflect.Value) error
	read   func(r *reader, v reflect.Value) error
	schema func() map[string]any
	late   func(v reflect.Value) bool // the bytes depend on the event's place
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	uuidType     = reflect.TypeFor[uuid.UUID]()
	positionType = reflect.TypeFor[Position]()
	personalType = reflect.TypeFor[Personal]()
	codecs       sync.Map // reflect.Type → *codec
)

func codecOf(t reflect.Type) *codec {
	if c, ok := codecs.Load(t); ok {
		return c.(*codec)
	}
	c, _ := codecs.LoadOrStore(t, newCodec(t))
	return c.(*codec)
}

func newCodec(t reflect.Type) *codec {
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

func never(reflect.Value) bool { return false }

var stringCodec = &codec{
	write: func(w *writer, v reflect.Value) error { return w.string(v.String()) },
	read: func(r *reader, v reflect.Value) error {
		s, err := r.string()
		v.SetString(s)
		return err
	},
	schema: func() map[string]any { return map[string]any{"type": "string"} },
	late:   never,
}

var boolCodec = &codec{
	write: func(w *writer, v reflect.Value) error { w.bool(v.Bool()); return nil },
	read: func(r *reader, v reflect.Value) error {
		b, err := r.bool()
		v.SetBool(b)
		return err
	},
	schema: func() map[string]any { return map[string]any{"type": "boolean"} },
	late:   never,
}

var intCodec = &codec{
	write: func(w *writer, v reflect.Value) error { w.int(v.Int()); return nil },
	read: func(r *reader, v reflect.Value) error {
		n, err := r.int()
		v.SetInt(n)
		return err
	},
	schema: integerSchema,
	late:   never,
}

// positionCodec writes a relative position as an absolute one.
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
	read:   intCodec.read,
	schema: integerSchema,
	late:   func(v reflect.Value) bool { return v.Int() < 0 },
}

func integerSchema() map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "integer"},
		map[string]any{"type": "string", "pattern": "^-?[0-9]{16,19}$"},
	}}
}

var timeCodec = &codec{
	write: func(w *writer, v reflect.Value) error { return w.time(v.Interface().(time.Time)) },
	read: func(r *reader, v reflect.Value) error {
		t, err := r.time()
		v.Set(reflect.ValueOf(t))
		return err
	},
	schema: func() map[string]any { return map[string]any{"type": "string", "format": "date-time"} },
	late:   never,
}

var uuidCodec = &codec{
	write: func(w *writer, v reflect.Value) error { w.uuid(v.Interface().(uuid.UUID)); return nil },
	read: func(r *reader, v reflect.Value) error {
		id, err := r.uuid()
		v.Set(reflect.ValueOf(id))
		return err
	},
	schema: func() map[string]any { return map[string]any{"type": "string", "format": "uuid"} },
	late:   never,
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
	read: func(r *reader, v reflect.Value) error {
		s, err := r.string()
		if err != nil {
			return err
		}
		raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil || len(raw) != len(Commitment{}) {
			return r.fail("a commitment of 32 bytes in base64url")
		}
		v.Set(reflect.ValueOf(Personal{Commitment: Commitment(raw)}))
		return nil
	},
	schema: func() map[string]any {
		return map[string]any{
			"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$",
			"description": "commitment to a personal value",
		}
	},
	late: func(v reflect.Value) bool { return v.Interface().(Personal).Commitment == Commitment{} },
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
		read: func(r *reader, v reflect.Value) error {
			return r.list('[', ']', func() error {
				v.Grow(1)
				v.SetLen(v.Len() + 1)
				return elem.read(r, v.Index(v.Len()-1))
			})
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
	}
}

func mapCodec(t reflect.Type) *codec {
	if t != reflect.TypeFor[map[string]string]() {
		panic("events: only maps of strings have a canonical form, not " + t.String())
	}
	return &codec{
		write: func(w *writer, v reflect.Value) error {
			m := v.Interface().(map[string]string)
			sep := byte('{')
			for _, k := range slices.Sorted(maps.Keys(m)) {
				w.b = append(w.b, sep)
				if err := errors.Join(w.string(k), w.byte(':'), w.string(m[k])); err != nil {
					return err
				}
				sep = ','
			}
			if sep == '{' {
				w.b = append(w.b, sep)
			}
			w.b = append(w.b, '}')
			return nil
		},
		read: func(r *reader, v reflect.Value) error {
			m, last := map[string]string{}, ""
			err := r.list('{', '}', func() error {
				k, err := r.string()
				if err != nil {
					return err
				}
				if len(m) > 0 && k <= last {
					return r.fail("keys in order")
				}
				if err := r.expect(":"); err != nil {
					return err
				}
				m[k], err = r.string()
				last = k
				return err
			})
			v.Set(reflect.ValueOf(m))
			return err
		},
		schema: func() map[string]any {
			return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
		},
		late: never,
	}
}

// member is one field of a struct.
type member struct {
	name  string
	index int
	omit  bool
	*codec
}

// absent reports whether the member's value is left out.
func (m member) absent(v reflect.Value) bool {
	if !m.omit {
		return false
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	return v.IsZero()
}

func structCodec(t reflect.Type) *codec {
	var members []member
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			panic("events: field " + t.String() + "." + f.Name + " has no name in its tag")
		}
		members = append(members, member{name, i, strings.HasPrefix(options, "omit"), codecOf(f.Type)})
	}
	return &codec{
		write:  func(w *writer, v reflect.Value) error { return writeMembers(w, v, members) },
		read:   func(r *reader, v reflect.Value) error { return readMembers(r, v, members) },
		schema: func() map[string]any { return schemaOf(members) },
		late: func(v reflect.Value) bool {
			return slices.ContainsFunc(members, func(m member) bool {
				f := v.Field(m.index)
				return !m.absent(f) && m.late(f)
			})
		},
	}
}

func writeMembers(w *writer, v reflect.Value, members []member) error {
	sep := byte('{')
	for _, m := range members {
		f := v.Field(m.index)
		if m.absent(f) {
			continue
		}
		w.b = append(w.b, sep, '"')
		w.b = append(w.b, m.name...)
		w.b = append(w.b, '"', ':')
		w.field = m.name
		if err := m.write(w, f); err != nil {
			return fmt.Errorf("field %s: %w", m.name, err)
		}
		sep = ','
	}
	if sep == '{' {
		w.b = append(w.b, sep)
	}
	w.b = append(w.b, '}')
	return nil
}

// readMembers accepts a subset of the members, each at most once and in order;
// what may not be absent must be there, and what would have been left out must not.
func readMembers(r *reader, v reflect.Value, members []member) error {
	next := 0
	err := r.list('{', '}', func() error {
		key, err := r.key()
		if err != nil {
			return err
		}
		for ; next < len(members) && members[next].name != key; next++ {
			if !members[next].omit {
				return r.fail("the field " + members[next].name)
			}
		}
		if next == len(members) {
			return r.fail("no field named " + key)
		}
		m := members[next]
		next++
		if err := m.read(r, v.Field(m.index)); err != nil {
			return err
		}
		if m.absent(v.Field(m.index)) {
			return r.fail("an empty " + key + " left out")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for ; next < len(members); next++ {
		if !members[next].omit {
			return r.fail("the field " + members[next].name)
		}
	}
	return nil
}

func schemaOf(members []member) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, m := range members {
		properties[m.name] = m.schema()
		if !m.omit {
			required = append(required, m.name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
