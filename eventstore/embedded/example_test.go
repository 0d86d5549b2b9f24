// The embedded default in a few lines.

package embedded_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

func ExampleStartPostgres() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "tokenledger-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	postgres, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{Dir: dir})
	if err != nil {
		log.Fatal(err) // says what to do about it
	}
	defer postgres.Stop(ctx)

	conn, err := pgx.Connect(ctx, postgres.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)
	var user, durable string
	if err := conn.QueryRow(ctx, "SELECT current_user, current_setting('fsync')").Scan(&user, &durable); err != nil {
		log.Fatal(err)
	}
	fmt.Println(user, durable)
	// Output: postgres on
}

func ExampleStartNATS() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "tokenledger-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	server, err := embedded.StartNATS(ctx, embedded.NATSConfig{Dir: dir, Listen: "off"})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop(ctx)

	conn, err := server.RelayConn(ctx)
	if err != nil {
		log.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "LOG", Subjects: []string{"tokenledger.events.>"}}); err != nil {
		log.Fatal(err)
	}
	ack, err := js.Publish(ctx, "tokenledger.events.operator.token.created", []byte("{}"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ack.Sequence)
	// Output: 1
}
