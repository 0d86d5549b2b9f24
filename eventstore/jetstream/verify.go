// Whether a stream tells the same story as the log.

package jetstream

import (
	"context"
	"errors"
	"fmt"

	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
)

// ErrDiverged is returned when the stream is not what the log says: it has other
// events or more of them. The relay changes nothing then. After a person has
// found out which of the two is right, [Relay.Rebuild] makes the stream anew.
var ErrDiverged = errors.New("the stream is not that of this log")

// samples says at which sequences a stream is compared with the log: its last
// first of all, then its first, and between them ever closer to the last, since
// what diverges does so from some event on.
func samples(first, last events.Position) []events.Position {
	all := []events.Position{last}
	for back := last - first; back > 0; back /= 4 {
		all = append(all, last-back)
	}
	return all
}

// compare looks at the given sequences of a stream. What stream or log have let go
// of is not there to be compared.
func (c RelayConfig) compare(ctx context.Context, stream js.Stream, at []events.Position) error {
	for _, position := range at {
		recorded, ok, err := recordedAt(ctx, c.Log, position)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		leaf, ok, err := streamLeaf(ctx, stream, position)
		if err != nil {
			return err
		}
		if ok && events.LeafHash(leaf) != recorded.LeafHash {
			return fmt.Errorf("%w: its event at position %d has another leaf hash than the log's", ErrDiverged, position)
		}
	}
	return nil
}

// streamLeaf reads a message; ok is false if the stream has let go of it.
func streamLeaf(ctx context.Context, stream js.Stream, at events.Position) (leaf []byte, ok bool, err error) {
	msg, err := stream.GetMsg(ctx, uint64(at))
	if err == nil {
		return msg.Data, true, nil
	}
	if !errors.Is(err, js.ErrMsgNotFound) {
		return nil, false, fmt.Errorf("read message %d: %w", at, err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("look at the stream: %w", err)
	}
	if uint64(at) >= info.State.FirstSeq {
		return nil, false, fmt.Errorf("%w: message %d was taken out of it", ErrDiverged, at)
	}
	return nil, false, nil
}

// recordedAt reads one event of the log; ok is false if the log has let go of it.
// A log that ends before it, as its database says now, is not that of the stream.
func recordedAt(ctx context.Context, log Source, at events.Position) (r events.Recorded, ok bool, err error) {
	for b, err := range log.Blocks(ctx, at-1, false) {
		if errors.Is(err, events.ErrArchived) {
			return r, false, nil
		}
		if err != nil {
			return r, false, fmt.Errorf("read the log at %d: %w", at, err)
		}
		if b.First > at {
			return r, false, nil
		}
		recorded, err := b.Events()
		if err != nil {
			return r, false, err
		}
		return recorded[at-b.First], true, nil
	}
	return r, false, fmt.Errorf("%w: it reaches position %d, the log ends before", ErrDiverged, at)
}
