// Names on NATS: subjects and the CloudEvents headers of a message.

package events

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// SubjectPrefix begins the subject of every published event.
const SubjectPrefix = "tokenledger.events"

// Subject is where an event is published:
// tokenledger.events.<trail>.<stream kind>.<what happened>.
func Subject(trail TrailID, t Type) string {
	return SubjectPrefix + "." + string(trail) + "." + string(t)
}

// SubjectFilter is the subject that matches the events of a trail and a type;
// an empty one matches all. A type may name a kind of stream alone ("token").
func SubjectFilter(trail TrailID, t Type) string {
	if trail == "" {
		trail = "*"
	}
	switch {
	case t == "":
		return SubjectPrefix + "." + string(trail) + ".>"
	case !strings.Contains(string(t), "."):
		t += ".*"
	}
	return Subject(trail, t)
}

// The headers of a published event besides those of CloudEvents 1.0.
const (
	HeaderPosition      = "Ledger-Position"
	HeaderTrailPosition = "Ledger-Trail-Position"
	HeaderTerm          = "Ledger-Term"
	HeaderLeafHash      = "Ledger-Leaf-Hash"
	HeaderTrace         = "traceparent"
)

// Headers are those of the message that carries the event: CloudEvents 1.0 in
// binary mode (NATS protocol binding, section 3.1) and the ledger's own. source
// is the log's origin; term that of the block.
func Headers(r Recorded, source string, term int64) map[string][]string {
	return NewHeaderSet(source).Of(r, term)
}

// HeaderSet makes the headers of many events, one after the other, in one map.
type HeaderSet struct {
	all                                               map[string][]string
	id, kind, time, subject, trail, term, hash, trace []string  // what stands in the map, of one value each
	at                                                time.Time // the time and the term that are written down
	in                                                int64
}

// NewHeaderSet is for the events of the log with this origin.
func NewHeaderSet(source string) *HeaderSet {
	one := func() []string { return make([]string, 1) }
	s := &HeaderSet{id: one(), kind: one(), time: one(), subject: one(), trail: one(), term: one(), hash: one(), trace: one()}
	s.all = map[string][]string{
		"ce-specversion":    {"1.0"},
		"ce-id":             s.id,
		"ce-source":         {source},
		"ce-type":           s.kind,
		"ce-time":           s.time,
		"ce-subject":        s.subject,
		"content-type":      {"application/json"},
		HeaderPosition:      s.id,
		HeaderTrailPosition: s.trail,
		HeaderTerm:          s.term,
		HeaderLeafHash:      s.hash,
	}
	return s
}

// Of gives the headers of an event. The map is the set's own: it holds until the next
// call, which leaves alone what was added to it under other names.
func (s *HeaderSet) Of(r Recorded, term int64) map[string][]string {
	s.id[0] = strconv.FormatInt(int64(r.Position), 10)
	s.kind[0], s.subject[0] = string(r.Event.Type()), string(r.Stream)
	s.trail[0] = strconv.FormatInt(int64(r.TrailPosition), 10)
	s.hash[0] = hex.EncodeToString(r.LeafHash[:])
	if !r.RecordedAt.Equal(s.at) || s.time[0] == "" { // the same for all events of a block
		s.at, s.time[0] = r.RecordedAt, r.RecordedAt.UTC().Format(timeLayout)
	}
	if term != s.in || s.term[0] == "" {
		s.in, s.term[0] = term, strconv.FormatInt(term, 10)
	}
	// A traceparent is of lower-case letters, digits and dashes; any other text
	// could break out of the header.
	delete(s.all, HeaderTrace)
	if plain(r.Meta.Trace) {
		s.trace[0] = r.Meta.Trace
		s.all[HeaderTrace] = s.trace
	}
	return s.all
}
