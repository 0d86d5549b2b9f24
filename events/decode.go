// Reading a leaf: the envelope strictly, the data as far as this program knows them.

package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// Decode reads a leaf. An event of an unknown type, or with data of a newer
// shape, becomes an [Unknown]. The leaf is kept in the result, not copied. The
// error wraps [ErrNotCanonical] or [ErrFormat].
func Decode(leaf []byte) (Recorded, error) {
	r := reader{b: leaf}
	rec := Recorded{Leaf: leaf, LeafHash: LeafHash(leaf)}
	if r.accept(`{"format":`) && r.int() != Format && r.err == nil {
		return Recorded{}, fmt.Errorf("leaf: %w", ErrFormat)
	}
	name, version := readEnvelope(&r, &rec)
	if r.err == nil && leaf[len(leaf)-1] != '}' {
		r.failAt(len(leaf)-1, "the end of the object")
	}
	if r.err != nil {
		return Recorded{}, fmt.Errorf("leaf: %w", r.err)
	}
	if err := decodeEvent(&rec, name, version, leaf[r.i:len(leaf)-1]); err != nil {
		return Recorded{}, fmt.Errorf("leaf at position %d: %w", rec.Position, err)
	}
	return rec, nil
}

func decodeEvent(rec *Recorded, name Type, version int, data []byte) (err error) {
	if k, ok := kinds[name]; ok && k.Version == version {
		if err := k.check(rec.Stream, rec.Trail); err != nil {
			return fmt.Errorf("%w: %w", err, ErrNotCanonical)
		}
		if k.Observation != (rec.Version == 0) {
			return fmt.Errorf("%s with version %d: %w", name, rec.Version, ErrNotCanonical)
		}
		if rec.Event, err = k.decode(data); err == nil {
			return nil
		}
	}
	var compact bytes.Buffer
	if json.Compact(&compact, data) != nil || !bytes.Equal(compact.Bytes(), data) ||
		data[0] != '{' || !utf8.Valid(data) {
		return fmt.Errorf("data of %s: %w", name, ErrNotCanonical)
	}
	rec.Event = Unknown{Name: name, Version: version, Data: data}
	return nil
}

func readEnvelope(r *reader, rec *Recorded) (name Type, version int) {
	rec.Position = Position(r.after(`,"position":`).positive())
	rec.Trail = TrailID(r.after(`,"trail":`).name())
	rec.TrailPosition = Position(r.after(`,"trail_position":`).positive())
	rec.Stream = StreamID(r.after(`,"stream":`).name())
	start := r.i
	if rec.Version = Version(r.after(`,"version":`).int()); rec.Version < 0 {
		r.failAt(start, "no negative version")
	}
	rec.RecordedAt = r.after(`,"recorded_at":`).time()
	name, version = Type(r.after(`,"type":`).name()), 1
	if start = r.i; r.accept(`,"type_version":`) {
		if version = int(r.int()); version < 2 {
			r.failAt(start, "a type_version above 1 or none")
		}
	}
	readMeta(r, &rec.Meta)
	return name, version
}

func readMeta(r *reader, m *Meta) {
	start := r.i
	actorCodec.read(r.after(`,"actor":`), reflect.ValueOf(&m.Actor).Elem())
	if m.Actor.Kind == "" || m.Actor.ID == "" {
		r.failAt(start, "an actor")
	}
	for _, t := range m.texts() {
		if start := r.i; r.accept(t.lead) {
			if *t.value = r.string(); *t.value == "" {
				r.failAt(start, "an empty text left out")
			}
		}
	}
	r.expect(`,"data":`)
}

// after moves past what must come next.
func (r *reader) after(s string) *reader {
	r.expect(s)
	return r
}

// positive reads a position: 1, 2, 3 …
func (r *reader) positive() int64 {
	start, n := r.i, r.int()
	if n < 1 {
		r.failAt(start, "a position")
	}
	return n
}

// name reads the name of a trail, stream or type.
func (r *reader) name() string {
	start, s := r.i, r.string()
	if !plain(s) {
		r.failAt(start, "a name")
	}
	return s
}
