// Events and receipts as GraphQL shows them.

package model

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/tokenledger/tokenledger/events"
)

// Event is one recorded event.
type Event struct{ events.Recorded }

// Trail is the name of the trail.
func (e Event) Trail() string { return string(e.Recorded.Trail) }

// Stream is the name of the stream.
func (e Event) Stream() string { return string(e.Recorded.Stream) }

// Type is the kind of event.
func (e Event) Type() string { return string(e.Event.Type()) }

// Reason is null where none was given.
func (e Event) Reason() *string { return optional(e.Meta.Reason) }

// Correlation is null where there is none.
func (e Event) Correlation() *string { return optional(e.Meta.Correlation) }

// Actor is who did it.
func (e Event) Actor() *EventActor {
	a := e.Meta.Actor
	return &EventActor{Kind: a.Kind, ID: a.ID, UserID: optional(a.User)}
}

// Data are the facts as the leaf has them.
func (e Event) Data() (json.RawMessage, error) {
	var leaf struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(e.Recorded.Leaf, &leaf); err != nil {
		return nil, fmt.Errorf("data of the event at position %d: %w", e.Position, err)
	}
	return leaf.Data, nil
}

// Leaf is the exact line.
func (e Event) Leaf() string { return string(e.Recorded.Leaf) }

// LeafHash is in hexadecimal.
func (e Event) LeafHash() string { return hex.EncodeToString(e.Recorded.LeafHash[:]) }

// Receipt proves that a mutation stands in the log.
type Receipt struct{ events.Receipt }

// NewReceipt is nil for a mutation that changed nothing.
func NewReceipt(r events.Receipt) *Receipt {
	if len(r.Placed) == 0 {
		return nil
	}
	return &Receipt{r}
}

// Position is that of the last event.
func (r Receipt) Position() events.Position { return r.Last() }

// LeafHash is that of the last event, in hexadecimal.
func (r Receipt) LeafHash() string { return r.Events()[len(r.Placed)-1].LeafHash() }

// Events are all events of the mutation.
func (r Receipt) Events() []*ReceiptEvent {
	out := make([]*ReceiptEvent, len(r.Placed))
	for i, p := range r.Placed {
		out[i] = &ReceiptEvent{p}
	}
	return out
}

// ReceiptEvent is the place of one event.
type ReceiptEvent struct{ events.Placed }

// Type is the kind of event.
func (e ReceiptEvent) Type() string { return string(e.Placed.Type) }

// Stream is the name of the stream.
func (e ReceiptEvent) Stream() string { return string(e.Placed.Stream) }

// LeafHash is in hexadecimal.
func (e ReceiptEvent) LeafHash() string { return hex.EncodeToString(e.Placed.LeafHash[:]) }
