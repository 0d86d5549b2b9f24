// One event as a subscriber gets it, and the checks that it has passed.

package jetstream

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
)

// What a subscriber is told instead of an event. None of it passes by waiting.
var (
	// ErrGap: an event is missing between two others, or the stream has let go
	// of what comes next. What is missing can be had from the ledger itself.
	ErrGap = errors.New("events are missing")
	// ErrOrigin: the stream is that of another log than the one begun with, as
	// after a restore of the ledger to an earlier point. Begin anew.
	ErrOrigin = errors.New("the events are those of another log")
	// ErrLeaf: a message does not carry the leaf that it claims to.
	ErrLeaf = errors.New("the message is not an event of the ledger")
)

// Message is an event with what its block and its log add to it.
type Message struct {
	events.Recorded
	Origin string
	Term   int64
}

// mark is where a subscriber stands that has handled the message.
func (m Message) mark(trail events.TrailID) Mark {
	return Mark{m.Origin, m.Position, trail, m.TrailPosition, m.LeafHash}
}

// readMessage takes the message apart that stands at a sequence of the stream.
func readMessage(m js.Msg, sequence uint64) (Message, error) {
	r, err := events.Decode(m.Data())
	if err != nil {
		return Message{}, fmt.Errorf("%w: sequence %d: %w", ErrLeaf, sequence, err)
	}
	h := m.Headers()
	term, err := strconv.ParseInt(h.Get(events.HeaderTerm), 10, 64)
	switch {
	case uint64(r.Position) != sequence:
		return Message{}, fmt.Errorf("%w: sequence %d carries position %d", ErrLeaf, sequence, r.Position)
	case h.Get(events.HeaderLeafHash) != hex.EncodeToString(r.LeafHash[:]):
		return Message{}, fmt.Errorf("%w: the leaf at position %d has another hash than its header says", ErrLeaf, r.Position)
	case m.Subject() != events.Subject(r.Trail, r.Event.Type()):
		return Message{}, fmt.Errorf("%w: position %d stands under the subject %s", ErrLeaf, r.Position, m.Subject())
	case err != nil:
		return Message{}, fmt.Errorf("%w: the term of position %d: %w", ErrLeaf, r.Position, err)
	}
	r.Traceparent = h.Get(events.HeaderTrace)
	return Message{Recorded: r, Origin: h.Get("ce-source"), Term: term}, nil
}
