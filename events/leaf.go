// The leaf: one line of canonical JSON for one event, in its final form.

package events

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
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
	kind, ok := kindOfValue(e)
	if !ok {
		return Draft{}, fmt.Errorf("an event %T that is not in the catalogue: %w", e, ErrInvalid)
	}
	if err := kind.check(stream, trail); err != nil {
		return Draft{}, fmt.Errorf("%w: %w", err, ErrInvalid)
	}
	w := writer{b: make([]byte, 0, 256)}
	if err := writeMeta(&w, kind, m); err != nil {
		return Draft{}, fmt.Errorf("%s: %w", kind.Type, err)
	}
	d := Draft{Stream: stream, Trail: trail, Type: kind.Type, Observation: kind.Observation}
	v := reflect.ValueOf(e)
	head := len(w.b)
	if kind.codec.late(v) {
		d.event = e
		w.at, w.commit = safeInteger, noCommitment
	}
	if err := kind.codec.write(&w, v); err != nil {
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

// kindOfValue looks an event up by its Go type too: an [Unknown] may bear a name
// that the catalogue has, and a pointer to an event is an Event to the compiler.
func kindOfValue(e Event) (*Kind, bool) {
	v := reflect.ValueOf(e)
	if !v.IsValid() || v.Kind() == reflect.Pointer {
		return nil, false
	}
	k, ok := kinds[e.Type()]
	return k, ok && v.Type() == reflect.TypeOf(k.zero)
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
	if p.Position < 1 || p.TrailPosition < 1 || p.Version < 0 || d.Observation != (p.Version == 0) {
		return b, fmt.Errorf("%s at %+v: %w", d.Type, p, ErrInvalid)
	}
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
		if err := kinds[d.Type].codec.write(&w, reflect.ValueOf(d.event)); err != nil {
			return b, fmt.Errorf("%s: %w", d.Type, err)
		}
	}
	w.b = append(w.b, '}')
	return w.b, nil
}

var actorCodec = codecOf(reflect.TypeFor[Actor]())

// text is one of the envelope's texts that is left out where it is empty.
type text struct {
	lead  string
	value *string
}

func (m *Meta) texts() [3]text {
	return [...]text{
		{`,"reason":`, &m.Reason},
		{`,"correlation":`, &m.Correlation},
		{`,"trace":`, &m.Trace},
	}
}

func writeMeta(w *writer, k *Kind, m Meta) error {
	w.b = append(append(append(w.b, `,"type":"`...), k.Type...), '"')
	if k.Version != 1 {
		w.b = append(w.b, `,"type_version":`...)
		w.int(int64(k.Version))
	}
	w.b = append(w.b, `,"actor":`...)
	if m.Actor.Kind == "" || m.Actor.ID == "" {
		return fmt.Errorf("an event without an actor: %w", ErrInvalid)
	}
	if err := actorCodec.write(w, reflect.ValueOf(m.Actor)); err != nil {
		return err
	}
	for _, t := range m.texts() {
		if *t.value == "" {
			continue
		}
		w.b = append(w.b, t.lead...)
		if err := w.string(*t.value); err != nil {
			return fmt.Errorf("%s: %w", t.lead, err)
		}
	}
	w.b = append(w.b, `,"data":`...)
	return nil
}
