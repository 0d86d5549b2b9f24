// Personal values: committed to in the leaf, sealed beside it, erasable by subject.

package events

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"strings"
)

// Commitment binds a leaf to a personal value without telling it.
type Commitment [32]byte

// Personal is a value that must not stand in a leaf. Before it is recorded it
// has a Subject and a Value; the leaf keeps only the Commitment. A reader that
// holds the subject's key gets Value back, everyone else finds it empty.
type Personal struct {
	Subject    SubjectID
	Value      string
	Commitment Commitment
}

// IsZero reports whether there is no value and no commitment: such a field is
// left out of the leaf.
func (p Personal) IsZero() bool { return p.Value == "" && p.Commitment == Commitment{} }

// SubjectKey is the secret of one subject: it opens the subject's sealed values
// and makes their commitments impossible to guess. Destroying it erases them.
type SubjectKey [32]byte

// Nonce makes the commitment of one field of one event unguessable. Disclosing
// a value means to show it together with its nonce; that discloses no other.
func (k SubjectKey) Nonce(at Position, field string) [32]byte {
	mac := hmac.New(sha256.New, k[:])
	var p [8]byte
	binary.BigEndian.PutUint64(p[:], uint64(at))
	mac.Write(p[:])
	mac.Write([]byte(field))
	return [32]byte(mac.Sum(nil))
}

// Commit is HMAC-SHA-256(nonce, field ‖ 0x00 ‖ value); the zero byte, which no
// field name has, keeps field and value apart.
func Commit(nonce [32]byte, field, value string) Commitment {
	mac := hmac.New(sha256.New, nonce[:])
	mac.Write([]byte(field))
	mac.Write([]byte{0})
	mac.Write([]byte(value))
	return Commitment(mac.Sum(nil))
}

// Sealed is what stands beside a leaf, encrypted: the personal values of one
// event by field name.
type Sealed map[string]string

// ErasedBy is the subject whose key the append of an event destroys: nobody can read the
// personal values of before any more. It is empty for every other event.
func ErasedBy(stream StreamID, e Event) SubjectID {
	switch e.(type) {
	case UserErased, OrganizationNetworkDataErased:
		return stream
	}
	return ""
}

// Personals gives the personal values of an event that is not yet recorded, by
// field name; nil for the many events that have none.
func Personals(e Event) map[string]Personal {
	var found map[string]Personal
	eachPersonal(reflect.ValueOf(e), func(name string, v reflect.Value) {
		if p := v.Interface().(Personal); !p.IsZero() {
			if found == nil {
				found = map[string]Personal{}
			}
			found[name] = p
		}
	})
	return found
}

// WithSealed gives the event with its personal values filled in.
func WithSealed(e Event, s Sealed) Event {
	if len(s) == 0 {
		return e
	}
	v := reflect.New(reflect.TypeOf(e)).Elem()
	v.Set(reflect.ValueOf(e))
	eachPersonal(v, func(name string, f reflect.Value) {
		if value, ok := s[name]; ok {
			p := f.Interface().(Personal)
			p.Value = value
			f.Set(reflect.ValueOf(p))
		}
	})
	return v.Interface().(Event)
}

func eachPersonal(v reflect.Value, do func(name string, v reflect.Value)) {
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Type == personalType {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			do(name, v.Field(i))
		}
	}
}
