// The stream of a log: its name, its settings, and how it comes to be.

package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
)

const streamPrefix = "TOKENLEDGER_"

// StreamName is the name of the stream that carries the log of an origin.
func StreamName(origin string) string { return streamPrefix + origin }

// originOf is the inverse of StreamName; ok is false for the stream of something else.
func originOf(stream string) (origin string, ok bool) { return strings.CutPrefix(stream, streamPrefix) }

// allEvents is the subject of every event of a log.
const allEvents = events.SubjectPrefix + ".>"

// askTimeout bounds one question to JetStream.
const askTimeout = 5 * time.Second

// inACluster is how many nodes hold a stream where NATS is a cluster: any of three may
// be lost.
const inACluster = 3

// Replicas is how many a new stream gets: as many as are wanted, or where that is 0,
// three in a cluster and one elsewhere, as the server that is connected says.
func Replicas(conn *nats.Conn, wanted int) int {
	switch {
	case wanted > 0:
		return wanted
	case conn.ConnectedClusterName() != "":
		return inACluster
	}
	return 1
}

// settings are those of a new stream that begins at a position. Nobody can take
// a message out of it; only its size lets go of the oldest.
func (c RelayConfig) settings(first events.Position) js.StreamConfig {
	maxBytes := c.MaxBytes
	if maxBytes == 0 {
		maxBytes = -1 // JetStream's word for no bound
	}
	settings := js.StreamConfig{
		Name:        StreamName(c.Log.Origin()),
		Description: "The events of a tokenledger; sequence is position.",
		Subjects:    []string{allEvents},
		Retention:   js.LimitsPolicy,
		Storage:     js.FileStorage,
		Discard:     js.DiscardOld,
		Compression: js.S2Compression,
		Replicas:    Replicas(c.Conn, c.Replicas),
		MaxBytes:    maxBytes,
		FirstSeq:    uint64(first),
		DenyDelete:  true,
		DenyPurge:   true,
	}
	if c.Buffered && settings.Replicas == 1 { // JetStream refuses it for more, and never changes it
		settings.PersistMode = js.AsyncPersistMode
	}
	return settings
}

// openStream finds the log's stream, with the settings that may change as they
// should be, or makes it.
func (c RelayConfig) openStream(ctx context.Context, api js.JetStream) (js.Stream, error) {
	stream, err := api.Stream(ctx, StreamName(c.Log.Origin()))
	if errors.Is(err, js.ErrStreamNotFound) {
		return c.makeStream(ctx, api)
	}
	if err != nil {
		return nil, fmt.Errorf("look for the stream: %w", err)
	}
	found := stream.CachedInfo().Config
	wanted := found
	wanted.Replicas = cmp.Or(c.Replicas, found.Replicas)
	wanted.MaxBytes = cmp.Or(c.MaxBytes, found.MaxBytes)
	if wanted.Replicas == found.Replicas && wanted.MaxBytes == found.MaxBytes {
		return stream, nil
	}
	if stream, err = api.UpdateStream(ctx, wanted); err != nil {
		return nil, fmt.Errorf("change replicas or size of the stream: %w", err)
	}
	return stream, nil
}

func (c RelayConfig) makeStream(ctx context.Context, api js.JetStream) (js.Stream, error) {
	first, err := c.Log.First(ctx)
	if err != nil {
		return nil, err
	}
	if other, err := api.StreamNameBySubject(ctx, allEvents); err == nil && other != StreamName(c.Log.Origin()) {
		return nil, fmt.Errorf("%w: the subjects %s belong to the stream %s, and this log is %s",
			ErrDiverged, allEvents, other, c.Log.Origin())
	}
	stream, err := api.CreateStream(ctx, c.settings(first))
	if errors.Is(err, js.ErrStreamNameAlreadyInUse) { // another relay was faster
		stream, err = api.Stream(ctx, StreamName(c.Log.Origin()))
	}
	if err != nil {
		return nil, fmt.Errorf("make the stream: %w", err)
	}
	return stream, nil
}
