// Names on NATS: subjects and the CloudEvents headers of a message.

package events

import (
	"encoding/hex"
	"strconv"
	"strings"
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
	h := map[string][]string{
		"ce-specversion":    {"1.0"},
		"ce-id":             {strconv.FormatInt(int64(r.Position), 10)},
		"ce-source":         {source},
		"ce-type":           {string(r.Event.Type())},
		"ce-time":           {r.RecordedAt.UTC().Format(timeLayout)},
		"ce-subject":        {string(r.Stream)},
		"content-type":      {"application/json"},
		HeaderPosition:      {strconv.FormatInt(int64(r.Position), 10)},
		HeaderTrailPosition: {strconv.FormatInt(int64(r.TrailPosition), 10)},
		HeaderTerm:          {strconv.FormatInt(term, 10)},
		HeaderLeafHash:      {hex.EncodeToString(r.LeafHash[:])},
	}
	// A traceparent is of lower-case letters, digits and dashes; any other text
	// could break out of the header.
	if plain(r.Meta.Trace) {
		h[HeaderTrace] = []string{r.Meta.Trace}
	}
	return h
}
