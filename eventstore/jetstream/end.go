// How far a stream reaches, for whoever asks from outside of a relay.

package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
)

// End is the last position in the stream of the log with this origin, 0 where there is none.
func End(ctx context.Context, conn *nats.Conn, origin string) (events.Position, error) {
	api, err := js.New(conn, js.WithDefaultTimeout(askTimeout))
	if err != nil {
		return 0, err
	}
	stream, err := api.Stream(ctx, StreamName(origin))
	if errors.Is(err, js.ErrStreamNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for the stream: %w", err)
	}
	return events.Position(stream.CachedInfo().State.LastSeq), nil
}
