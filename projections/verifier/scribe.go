// How the memory is written down and read again: one walk for both directions.

package verifier

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
)

// errScript: what is read is not what a scribe wrote.
var errScript = errors.New("a snapshot of the verifier's memory is cut off or damaged")

// scribe writes values behind each other, or reads them in the same order.
type scribe struct {
	b       []byte // what was written, or is yet to be read
	reading bool
	err     error

	lists   *scopeLists
	met     []uint32          // the lists' numbers, in the order in which they were met
	numbers map[uint32]uint64 // and which of them each is, counted from 1, for who writes
	read    token             // for who reads one
}

func (s *scribe) fail() {
	s.b = nil
	if s.err == nil {
		s.err = errScript
	}
}

func integer[T ~int64 | ~int32 | ~uint8 | ~uint32 | ~uint64](s *scribe, v *T) {
	if !s.reading {
		s.b = binary.AppendVarint(s.b, int64(*v))
		return
	}
	n, size := binary.Varint(s.b)
	if *v = T(n); size <= 0 || int64(*v) != n {
		s.fail()
		return
	}
	s.b = s.b[size:]
}

func (s *scribe) flags(all ...*bool) {
	var bits uint64
	for i, f := range all {
		if *f {
			bits |= 1 << i
		}
	}
	integer(s, &bits)
	for i, f := range all {
		*f = bits&(1<<i) != 0
	}
}

func (s *scribe) bytes(b []byte) {
	switch {
	case !s.reading:
		s.b = append(s.b, b...)
	case len(s.b) < len(b):
		s.fail()
	default:
		s.b = s.b[copy(b, s.b):]
	}
}

// count is how many items of at least one byte follow.
func (s *scribe) count(n int) int {
	v := uint64(n)
	integer(s, &v)
	if s.reading && v > uint64(len(s.b)) {
		s.fail()
		return 0
	}
	return int(v)
}

func (s *scribe) text(t *string) {
	n := s.count(len(*t))
	if !s.reading {
		s.b = append(s.b, *t...)
		return
	}
	*t, s.b = string(s.b[:n]), s.b[n:]
}

func (s *scribe) ids(all *[]uuid.UUID) {
	list(s, all, func(id *uuid.UUID) { s.bytes(id[:]) })
}

func list[T any](s *scribe, all *[]T, item func(*T)) {
	n := s.count(len(*all))
	if s.reading && n > 0 {
		*all = make([]T, n)
	}
	for i := range *all {
		item(&(*all)[i])
	}
}

// asJSON is for what is seldom and has many fields.
func (s *scribe) asJSON(v any) {
	var text string
	if !s.reading {
		b, err := json.Marshal(v)
		if err != nil {
			panic("verifier: a policy or registry that JSON cannot write: " + err.Error())
		}
		text = string(b)
	}
	s.text(&text)
	if s.reading && json.Unmarshal([]byte(text), v) != nil {
		s.fail()
	}
}

// scopes is a list that many tokens share: spelled out where it is met for the
// first time, and a number afterwards.
func (s *scribe) scopes(l *uint32) {
	if !s.reading {
		s.writeScopes(*l)
		return
	}
	var n uint64 // 0: none
	integer(s, &n)
	switch met := uint64(len(s.met)); {
	case n == 0 || n > met+1:
		*l = 0
		if n > 0 {
			s.fail()
		}
		return
	case n > met:
		var scopes []string
		list(s, &scopes, s.text)
		s.met = append(s.met, s.lists.number(scopes))
	}
	*l = s.met[n-1]
}

func (s *scribe) writeScopes(l uint32) {
	n := s.numbers[l]
	isNew := n == 0 && l != 0
	if isNew {
		n = uint64(len(s.numbers) + 1)
		s.numbers[l] = n
	}
	integer(s, &n)
	if isNew {
		scopes := s.lists.list(l)
		list(s, &scopes, s.text)
	}
}

// token leaves out the credential, and what is known of uses, which every process
// finds by itself.
func (s *scribe) token(t *token) {
	s.bytes(t.id[:])
	s.bytes(t.home[:])
	integer(s, &t.revision)
	integer(s, &t.expiresAt)
	integer(s, &t.createdAt)
	integer(s, &t.end)
	if int(t.end) >= len(endingCodes) {
		s.fail()
		t.end = notOver
	}
	s.scopes(&t.scopes)
	has := t.more != nil
	s.flags(&t.personal, &has)
	if has {
		s.more(t.own())
	}
}

func (s *scribe) more(m *more) {
	integer(s, &m.stampedAt)
	integer(s, &m.replacedAt)
	s.gate(&m.gate)
	s.flags(&m.firstUse, &m.delivered)
	s.bytes(m.successorOf[:])
	s.ids(&m.grantedTo)
	list(s, &m.grants, s.granted)
}

func (s *scribe) granted(g *granted) {
	s.bytes(g.organization[:])
	integer(s, &g.version)
	s.gate(&g.gate)
	integer(s, &g.givenAt)
	integer(s, &g.stampedAt)
	s.flags(&g.ended, &g.pending, &g.approved)
}

func (s *scribe) gate(g *gate) {
	integer(s, &g.until)
	s.flags(&g.closed)
}

func (s *scribe) user(id *uuid.UUID, u *user) {
	s.bytes(id[:])
	integer(s, &u.version)
	integer(s, &u.sessionsEnd)
	s.flags(&u.active, &u.operator)
	s.ids(&u.memberOf)
}

func (s *scribe) member(id *pair, m *member) {
	s.bytes(id[0][:])
	s.bytes(id[1][:])
	integer(s, &m.version)
	s.text((*string)(&m.role))
	until := instantOf(m.until)
	integer(s, &until)
	m.until = until.time()
	s.flags(&m.ended)
}

func (s *scribe) organization(id *uuid.UUID, o *organization) {
	s.bytes(id[:])
	integer(s, &o.version)
	s.asJSON(&o.policy)
	s.asJSON(&o.objects)
	if s.reading && o.version > 0 {
		o.demands = aggregate.DemandsOf(o.policy)
	}
}
