// The leaf: one line of canonical JSON for one event, in its final form.

package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Format is the version of the leaf's envelope.
const Format = 1

// MaxLeaf is the longest leaf in bytes.
const MaxLeaf = 64 << 10

// ErrTooLarge is returned for an event whose leaf would be longer than [MaxLeaf].
var ErrTooLarge = errors.New("the event is too large")

// ErrFormat is returned for a leaf whose envelope this program does not know.
var ErrFormat = errors.New("the leaf has a format that this program does not know")

// LeafHash is SHA-256(0x00 ‖ leaf), as RFC 6962 section 2.1 hashes a leaf.
func LeafHash(leaf []byte) [32]byte {
	var stack [1024]byte
	b := append(stack[:0], 0)
	return sha256.Sum256(append(b, leaf...))
}

// Place is where an event comes to stand.
type Place struct {
	Position      Position
	TrailPosition Position
	Version       Version // 0 for an observation
	RecordedAt    time.Time
}

// Draft is an event encoded as far as can be before its place is known, so that
// little is left to do under the log's lock.
type Draft struct {
	Stream      StreamID
	Trail       TrailID
	Type        Type
	Observation bool
	event       Event  // set while its data depend on its place
	tail        []byte // from "type" on; without the data where event is set
	size        int    // of the tail with the data
}

// NewDraft checks an event and encodes it. The error wraps [ErrInvalid] or
// [ErrTooLarge].
func NewDraft(stream StreamID, trail TrailID, m Meta, e Event) (Draft, error) {
	kind, ok := KindOf(e.Type())
	if !ok {
		return Draft{}, fmt.Errorf("event type %q is not in the catalogue: %w", e.Type(), ErrInvalid)
	}
	if of, _, _ := strings.Cut(string(kind.Type), "."); StreamKind(of) != stream.Kind() {
		return Draft{}, fmt.Errorf("%s in stream %s: %w", kind.Type, stream, ErrInvalid)
	}
	w := writer{b: make([]byte, 0, 256)}
	if err := writeMeta(&w, kind, m); err != nil {
		return Draft{}, fmt.Errorf("%s: %w", kind.Type, err)
	}
	d := Draft{Stream: stream, Trail: trail, Type: kind.Type, Observation: kind.Observation}
	v := reflect.ValueOf(e)
	c := codecOf(v.Type())
	head := len(w.b)
	if c.late(v) {
		d.event = e
		w.at, w.commit = safeInteger, noCommitment
	}
	if err := c.write(&w, v); err != nil {
		return Draft{}, fmt.Errorf("%s: %w", kind.Type, err)
	}
	d.size = len(w.b)
	if d.event != nil {
		w.b = w.b[:head]
	}
	d.tail = w.b
	if d.Size() > MaxLeaf {
		return Draft{}, fmt.Errorf("%s: %w: %w", kind.Type, ErrTooLarge, ErrInvalid)
	}
	return d, nil
}

// Size is an upper bound of the leaf's length in bytes.
func (d Draft) Size() int { return d.size + len(d.Stream) + len(d.Trail) + 192 }

// noCommitment stands in while an event is only checked.
func noCommitment(SubjectID, Position, string, string) (Commitment, error) {
	return Commitment{}, nil
}

// Event is the drafted event while its leaf depends on its place, else nil.
func (d Draft) Event() Event { return d.event }

// AppendLeaf writes the whole leaf for an event at its place. commit is asked
// for the commitments of personal values.
func (d Draft) AppendLeaf(b []byte, p Place, commit CommitFunc) ([]byte, error) {
	w := writer{b: b, at: p.Position, commit: commit}
	w.b = append(w.b, `{"format":1,"position":`...)
	w.int(int64(p.Position))
	w.b = append(w.b, `,"trail":"`...)
	w.b = append(w.b, d.Trail...)
	w.b = append(w.b, `","trail_position":`...)
	w.int(int64(p.TrailPosition))
	w.b = append(w.b, `,"stream":"`...)
	w.b = append(w.b, d.Stream...)
	w.b = append(w.b, `","version":`...)
	w.int(int64(p.Version))
	w.b = append(w.b, `,"recorded_at":`...)
	if err := w.time(p.RecordedAt); err != nil {
		return b, err
	}
	w.b = append(w.b, d.tail...)
	if d.event != nil {
		v := reflect.ValueOf(d.event)
		if err := codecOf(v.Type()).write(&w, v); err != nil {
			return b, fmt.Errorf("%s: %w", d.Type, err)
		}
	}
	w.b = append(w.b, '}')
	return w.b, nil
}

func writeMeta(w *writer, k Kind, m Meta) error {
	w.b = append(w.b, `,"type":"`...)
	w.b = append(w.b, k.Type...)
	w.b = append(w.b, '"')
	if k.Version != 1 {
		w.b = append(w.b, `,"type_version":`...)
		w.int(int64(k.Version))
	}
	w.b = append(w.b, `,"actor":`...)
	if m.Actor.Kind == "" || m.Actor.ID == "" {
		return fmt.Errorf("an event without an actor: %w", ErrInvalid)
	}
	a := reflect.ValueOf(m.Actor)
	if err := codecOf(a.Type()).write(w, a); err != nil {
		return err
	}
	for _, f := range []struct{ key, value string }{
		{"reason", m.Reason},
		{"correlation", m.Correlation},
		{"trace", m.Trace},
	} {
		if f.value == "" {
			continue
		}
		w.b = append(append(append(w.b, `,"`...), f.key...), `":`...)
		if err := w.string(f.value); err != nil {
			return fmt.Errorf("%s: %w", f.key, err)
		}
	}
	w.b = append(w.b, `,"data":`...)
	return nil
}

// Decode reads a leaf. An event of an unknown type, or with data of a newer
// shape, becomes an [Unknown]. The leaf is kept in the result, not copied. The
// error wraps [ErrNotCanonical] or [ErrFormat].
func Decode(leaf []byte) (Recorded, error) {
	r := reader{b: leaf}
	rec := Recorded{Leaf: leaf, LeafHash: LeafHash(leaf)}
	name, version, err := readEnvelope(&r, &rec)
	if err != nil {
		return Recorded{}, fmt.Errorf("leaf: %w", err)
	}
	if len(leaf) == 0 || leaf[len(leaf)-1] != '}' {
		return Recorded{}, fmt.Errorf("leaf: %w", r.fail("its end"))
	}
	data := leaf[r.i : len(leaf)-1]
	if rec.Event, err = decodeEvent(name, version, data); err != nil {
		return Recorded{}, fmt.Errorf("leaf at position %d: %w", rec.Position, err)
	}
	return rec, nil
}

func decodeEvent(name Type, version int, data []byte) (Event, error) {
	if k, ok := kinds[name]; ok && k.Version == version {
		if e, err := k.decode(data); err == nil {
			return e, nil
		}
	}
	if !json.Valid(data) || bytes.ContainsAny(data, "\n\r") || len(data) == 0 || data[0] != '{' {
		return nil, fmt.Errorf("data of %s: %w", name, ErrNotCanonical)
	}
	return Unknown{Name: name, Version: version, Data: data}, nil
}

func readEnvelope(r *reader, rec *Recorded) (name Type, version int, err error) {
	if err := r.expect(`{"format":`); err != nil {
		return "", 0, err
	}
	if f, err := r.int(); err != nil || f != Format {
		return "", 0, errors.Join(err, ErrFormat)
	}
	var s string
	steps := []struct {
		key  string
		read func() error
	}{
		{`,"position":`, func() (err error) { rec.Position, err = readInt[Position](r); return }},
		{`,"trail":`, func() (err error) { s, err = r.string(); rec.Trail = TrailID(s); return }},
		{`,"trail_position":`, func() (err error) { rec.TrailPosition, err = readInt[Position](r); return }},
		{`,"stream":`, func() (err error) { s, err = r.string(); rec.Stream = StreamID(s); return }},
		{`,"version":`, func() (err error) { rec.Version, err = readInt[Version](r); return }},
		{`,"recorded_at":`, func() (err error) { rec.RecordedAt, err = r.time(); return }},
		{`,"type":`, func() (err error) { s, err = r.string(); name = Type(s); return }},
	}
	for _, step := range steps {
		if err := r.expect(step.key); err != nil {
			return "", 0, err
		}
		if err := step.read(); err != nil {
			return "", 0, err
		}
	}
	version = 1
	if r.accept(`,"type_version":`) {
		if version, err = readInt[int](r); err != nil || version == 1 {
			return "", 0, errors.Join(err, r.fail("no type_version of 1"))
		}
	}
	return name, version, readMeta(r, &rec.Meta)
}

func readInt[T ~int64 | ~int](r *reader) (T, error) {
	n, err := r.int()
	return T(n), err
}

func readMeta(r *reader, m *Meta) error {
	if err := r.expect(`,"actor":`); err != nil {
		return err
	}
	v := reflect.ValueOf(&m.Actor).Elem()
	if err := codecOf(v.Type()).read(r, v); err != nil {
		return err
	}
	for _, f := range []struct {
		key string
		to  *string
	}{{`,"reason":`, &m.Reason}, {`,"correlation":`, &m.Correlation}, {`,"trace":`, &m.Trace}} {
		if !r.accept(f.key) {
			continue
		}
		s, err := r.string()
		if err != nil {
			return err
		}
		if s == "" {
			return r.fail("an empty text left out")
		}
		*f.to = s
	}
	return r.expect(`,"data":`)
}

// decodeData reads an event's data strictly: a field that the type lacks means
// that a newer program wrote it, and dropping it would lose a fact.
func decodeData[E Event](data []byte) (Event, error) {
	var e E
	r := reader{b: data}
	v := reflect.ValueOf(&e).Elem()
	if err := codecOf(v.Type()).read(&r, v); err != nil {
		return nil, err
	}
	if r.i != len(data) {
		return nil, r.fail("the end")
	}
	return e, nil
}
