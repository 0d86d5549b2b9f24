// How a downstream program reads the ledger, and how a stream is made anew.

package jetstream_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// A program that wants to know of revoked tokens. It connects with the reader's
// credentials and keeps its position in a file.
func ExampleSubscribe() {
	server, log, stop := exampleLedger()
	defer stop()
	organization := exampleTokens(log)

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := nats.Connect(server.ClientURL(), nats.UserCredentials(server.ReaderCreds()), nats.MaxReconnects(-1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()

	dir, err := os.MkdirTemp("", "subscriber-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	feed := jetstream.Subscribe(ctx, conn, jetstream.Config{
		Trail: organization,
		Store: jetstream.FileStore(filepath.Join(dir, "position.json")),
	})
	for m, err := range feed {
		if err != nil {
			fmt.Println(err) // a gap, another log, or the end of ctx
			return
		}
		fmt.Println(m.TrailPosition, m.Event.Type())
		if _, revoked := m.Event.(events.TokenRevoked); revoked {
			fmt.Println("because it was", m.Meta.Reason)
			break
		}
	}
	// Output:
	// 1 token.created
	// 2 token.renamed
	// 3 token.revoked
	// because it was found in a public repository
}

// A person has found out why the stream is not that of the log, and has it made anew.
func ExampleRelay_Rebuild() {
	server, log, stop := exampleLedger()
	defer stop()
	exampleTokens(log)

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := server.RelayConn(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	relay := jetstream.NewRelay(jetstream.RelayConfig{Log: log, Conn: conn})
	if err := relay.Rebuild(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the stream ends at", relay.Status().Position)
	// Output: the stream ends at 3
}

// exampleLedger is a private ledger with a relay, without anything in it yet.
func exampleLedger() (*embedded.NATS, *eventstore.Log, func()) {
	dir := must(os.MkdirTemp("", "tokenledger-example-"))
	check(os.Chmod(dir, 0o711)) // Postgres may run as another user
	ctx, cancel := context.WithCancel(context.Background())
	postgres := must(embedded.StartPostgres(ctx, embedded.PostgresConfig{Dir: dir}))
	check(eventstore.Migrate(ctx, postgres.URL(), ""))
	log := must(eventstore.Open(ctx, eventstore.Config{URL: postgres.URL()}))
	server := must(embedded.StartNATS(ctx, embedded.NATSConfig{Dir: dir, Listen: "127.0.0.1:0"}))
	relay := jetstream.NewRelay(jetstream.RelayConfig{Log: log, Conn: must(server.RelayConn(ctx))})

	var parts errgroup.Group
	parts.Go(func() error { return log.Run(ctx) })
	parts.Go(func() error { return relay.Run(ctx) })
	return server, log, func() {
		cancel()
		check(parts.Wait())
		log.Close()
		check(server.Stop(context.Background()))
		check(postgres.Stop(context.Background()))
		check(os.RemoveAll(dir))
	}
}

// exampleTokens records the short life of a token.
func exampleTokens(log *eventstore.Log) events.TrailID {
	organization, token := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	trail, stream := events.OrganizationTrail(organization), events.TokenStream(token)
	system := events.System("example")
	must(log.Append(context.Background(), events.Request{Batches: []events.Batch{
		{Stream: stream, Trail: trail, Meta: events.Meta{Actor: system}, Events: []events.Event{
			events.TokenCreated{Kind: events.OrganizationKind, Organization: organization, Name: "build", Fingerprint: "…"},
			events.TokenRenamed{Name: "deploy"},
		}},
		{Stream: stream, Trail: trail, Meta: events.Meta{Actor: system, Reason: "found in a public repository"}, Events: []events.Event{
			events.TokenRevoked{},
		}},
	}}))
	return trail
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
