// A command beside a service finds the service's NATS server, or says why it does not.

package service

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

func TestACommandBesideAServiceIsToldWhereItLooks(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "broker")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	quiet := slog.New(slog.DiscardHandler)
	server, err := embedded.StartNATS(t.Context(), embedded.NATSConfig{Dir: dir, Listen: "127.0.0.1:0", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // nobody else gets this address while the test lasts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = deaf.Close() })
	go func() {
		for {
			conn, err := deaf.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	b, err := openAnyBroker(t.Context(), config.Config{Data: dir, NATSListen: strings.TrimPrefix(server.ClientURL(), "nats://")}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if !b.conn.IsConnected() || b.close() != nil {
		t.Error("the service's server is not found")
	}
	for listen, why := range map[string]string{"off": "TOKENLEDGER_NATS_LISTEN is off", deaf.Addr().String(): "give this command the TOKENLEDGER_NATS_LISTEN"} {
		if _, err := openAnyBroker(t.Context(), config.Config{Data: dir, NATSListen: listen}, quiet); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", listen, err)
		}
	}
}
