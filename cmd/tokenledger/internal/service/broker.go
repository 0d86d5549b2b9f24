// The broker: the in-process NATS server of the embedded default, or one elsewhere.

package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

type broker struct {
	conn   *nats.Conn
	server *embedded.NATS
}

// openBroker connects as the relay. A broker elsewhere may be away: the
// connection is made when it comes.
func openBroker(ctx context.Context, c config.Config, logger *slog.Logger) (*broker, error) {
	if c.EmbeddedNATS() {
		server, err := embedded.StartNATS(ctx, embedded.NATSConfig{Dir: c.Data, Listen: c.NATSListen, Log: logger})
		if err != nil {
			return nil, err
		}
		conn, err := server.RelayConn(ctx)
		if err != nil {
			_ = server.Stop(ctx)
			return nil, err
		}
		return &broker{conn, server}, nil
	}
	conn, err := connectRelay(ctx, c, true, logger)
	if err != nil {
		return nil, fmt.Errorf("the broker (TOKENLEDGER_NATS_URL): %w", err)
	}
	return &broker{conn: conn}, nil
}

// connectRelay connects to the broker that the settings name. A patient one takes one
// that is away for one that will come.
func connectRelay(ctx context.Context, c config.Config, patient bool, logger *slog.Logger) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("tokenledger-relay"),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(patient),
		nats.ReconnectWait(500 * time.Millisecond),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				logger.WarnContext(ctx, "NATS is away; events wait in the log", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { logger.InfoContext(ctx, "NATS is back") }),
	}
	return nats.Connect(c.NATSURL, append(options, NATSOptions(c)...)...)
}

// NATSOptions are how the settings let a client in, and whom it trusts. The files are
// read again with each connection.
func NATSOptions(c config.Config) (options []nats.Option) {
	if c.NATSCreds != "" {
		options = append(options, nats.UserCredentials(c.NATSCreds))
	}
	if c.NATSCAFile != "" {
		options = append(options, nats.RootCAs(c.NATSCAFile))
	}
	if c.NATSCertFile != "" {
		options = append(options, nats.ClientCert(c.NATSCertFile, c.NATSKeyFile))
	}
	return options
}

func (b *broker) close() error {
	b.conn.Close()
	if b.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	return b.server.Stop(ctx)
}

// openBrokerBeside connects as the relay to the broker of the embedded default that a
// service runs.
func openBrokerBeside(ctx context.Context, c config.Config, logger *slog.Logger) (*broker, error) {
	if c.NATSListen == "off" {
		return nil, errors.New("the service's NATS server cannot be reached from outside (TOKENLEDGER_NATS_LISTEN is off); stop the service first")
	}
	c.NATSURL, c.NATSCreds = "nats://"+c.NATSListen, embedded.RelayCreds(c.Data)
	conn, err := connectRelay(ctx, c, false, logger)
	if err != nil {
		return nil, fmt.Errorf("a service works on this data directory, but its NATS server does not let a client in at %s; "+
			"give this command the TOKENLEDGER_NATS_LISTEN of the service: %w", c.NATSListen, err)
	}
	return &broker{conn: conn}, nil
}

// openAnyBroker connects as the relay, whether a service runs or not.
func openAnyBroker(ctx context.Context, c config.Config, logger *slog.Logger) (*broker, error) {
	b, err := openBroker(ctx, c, logger)
	if errors.Is(err, embedded.ErrInUse) {
		b, err = openBrokerBeside(ctx, c, logger)
	}
	return b, err
}

// RebuildRelay publishes the log anew to a stream that is made anew, also beside
// services that run: a relay of theirs that has halted goes on by itself. It tells how far
// it is, and gives the last position that the stream holds.
func RebuildRelay(ctx context.Context, c config.Config, s *Store, logger *slog.Logger, progress func(done, head events.Position)) (events.Position, error) {
	b, err := openAnyBroker(ctx, c, logger)
	if err != nil {
		return 0, err
	}
	relay := jetstream.NewRelay(jetstream.RelayConfig{Log: retained{s.Log}, Conn: b.conn, Replicas: c.NATSReplicas, Buffered: c.EmbeddedNATS(), Logger: logger})
	head, err := s.Log.Head(ctx)
	if err != nil {
		return 0, errors.Join(err, b.close())
	}
	done := make(chan error, 1)
	go func() { done <- relay.Rebuild(ctx) }()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			progress(relay.Status().Position, head)
		case err := <-done:
			return relay.Status().Position, errors.Join(err, b.close())
		}
	}
}
