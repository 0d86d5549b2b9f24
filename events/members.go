// Canonical JSON of structs: which fields stand in it, in which order.

package events

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// member is one field of a struct.
type member struct {
	name  string
	lead  string // the name as it stands in the text, with its colon
	index int
	omit  bool
	*codec
}

// absent reports whether the member's value is left out.
func (m member) absent(v reflect.Value) bool { return m.omit && m.empty(v) }

func structCodec(t reflect.Type) *codec {
	members := membersOf(t)
	return &codec{
		write:  func(w *writer, v reflect.Value) error { return writeMembers(w, v, members) },
		read:   func(r *reader, v reflect.Value) { readMembers(r, v, members) },
		schema: func() map[string]any { return schemaOf(members) },
		late: func(v reflect.Value) bool {
			return slices.ContainsFunc(members, func(m member) bool {
				f := v.Field(m.index)
				return !m.absent(f) && m.late(f)
			})
		},
		empty: isZero,
	}
}

func membersOf(t reflect.Type) []member {
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
		members = append(members, member{
			name: name, lead: `"` + name + `":`, index: i,
			omit: strings.HasPrefix(options, "omit"), codec: codecOf(f.Type),
		})
	}
	return members
}

func writeMembers(w *writer, v reflect.Value, members []member) error {
	w.b = append(w.b, '{')
	first := true
	for i := range members {
		m := &members[i]
		f := v.Field(m.index)
		if m.absent(f) {
			continue
		}
		if !first {
			w.b = append(w.b, ',')
		}
		first = false
		w.b = append(w.b, m.lead...)
		w.field = m.name
		if err := m.write(w, f); err != nil {
			return fmt.Errorf("field %s: %w", m.name, err)
		}
	}
	w.b = append(w.b, '}')
	return nil
}

// readMembers accepts a subset of the members, each at most once and in order;
// what may not be absent must be there, and what would have been left out must not.
func readMembers(r *reader, v reflect.Value, members []member) {
	r.expect("{")
	next := 0
	for first := true; r.item(first, '}'); first = false {
		for next < len(members) && members[next].omit && !r.accept(members[next].lead) {
			next++
		}
		if next == len(members) {
			r.fail("no other field")
			return
		}
		m := &members[next]
		next++
		if !m.omit {
			r.expect(m.lead)
		}
		f := v.Field(m.index)
		start := r.i
		m.read(r, f)
		if m.absent(f) {
			r.failAt(start, "an empty "+m.name+" left out")
		}
	}
	for ; next < len(members); next++ {
		if !members[next].omit {
			r.fail("the field " + members[next].name)
		}
	}
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
