// What a read model keeps for itself alone, packed: fields one after the other in a few bytes.
//
// Postgres and the driver take a column about as long as the fold takes an event.
// What no statement asks for stands in one column, and one method of its type
// lists the fields for both ways.

package projections

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// packer writes fields to bytes or, of reading, reads the same ones from them.
type packer struct {
	bytes   []byte
	reading bool
	bad     bool
}

var errPacked = errors.New("a packed row cannot be read")

// packed gives the fields that a method lists.
func packed(list func(*packer)) []byte {
	var p packer
	list(&p)
	return p.bytes
}

// unpack reads the fields that a method lists; there must be no more and no fewer.
func unpack(from []byte, list func(*packer)) error {
	p := packer{bytes: from, reading: true}
	list(&p)
	if p.bad || len(p.bytes) > 0 {
		return errPacked
	}
	return nil
}

func (p *packer) int(v *int64) {
	if !p.reading {
		p.bytes = binary.AppendVarint(p.bytes, *v)
		return
	}
	n, size := binary.Varint(p.bytes)
	if size <= 0 {
		p.bad, size = true, len(p.bytes)
	}
	*v, p.bytes = n, p.bytes[size:]
}

func (p *packer) position(v *events.Position) {
	n := int64(*v)
	p.int(&n)
	*v = events.Position(n)
}

// flag says of something optional whether it is there.
func (p *packer) flag(v *bool) {
	n := int64(0)
	if *v {
		n = 1
	}
	p.int(&n)
	*v = n == 1
}

// length is that of a list. No element is shorter than a byte.
func (p *packer) length(n int) int {
	long := int64(n)
	p.int(&long)
	if p.reading && (long < 0 || long > int64(len(p.bytes))) {
		p.bad, long = true, 0
	}
	return int(long)
}

// fixed is as many bytes as v has.
func (p *packer) fixed(v []byte) {
	switch {
	case !p.reading:
		p.bytes = append(p.bytes, v...)
	case len(v) > len(p.bytes):
		p.bad = true
	default:
		p.bytes = p.bytes[copy(v, p.bytes):]
	}
}

func (p *packer) text(v *string) {
	n := p.length(len(*v))
	if !p.reading {
		p.bytes = append(p.bytes, *v...)
		return
	}
	*v, p.bytes = string(p.bytes[:n]), p.bytes[n:]
}

// texts is a list that is empty, and never nil, once it was read.
func (p *packer) texts(v *[]string) {
	n := p.length(len(*v))
	if p.reading {
		*v = make([]string, n)
	}
	for i := range *v {
		p.text(&(*v)[i])
	}
}

// time keeps whatever instant an event may name; timestamptz is coarser.
func (p *packer) time(v *time.Time) {
	seconds, rest := v.Unix(), int64(v.Nanosecond())
	p.int(&seconds)
	p.int(&rest)
	if p.reading {
		*v = time.Unix(seconds, rest).UTC()
	}
}

func (p *packer) optionalTime(v **time.Time) {
	there := *v != nil
	p.flag(&there)
	switch {
	case !there:
		*v = nil
	case p.reading:
		*v = new(time.Time)
		fallthrough
	default:
		p.time(*v)
	}
}

// packRules is a map by rule, in the order of the rules' names.
func packRules[V any](p *packer, m *map[Rule]V, value func(*V)) {
	rules := slices.Sorted(maps.Keys(*m))
	n := p.length(len(rules))
	if p.reading {
		rules, *m = make([]Rule, n), nil
		if n > 0 {
			*m = make(map[Rule]V, n)
		}
	}
	for _, rule := range rules {
		v := (*m)[rule]
		p.text((*string)(&rule))
		value(&v)
		(*m)[rule] = v
	}
}
