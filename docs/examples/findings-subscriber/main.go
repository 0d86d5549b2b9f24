// The process: its settings, its connection, its end.

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "findings-subscriber:", err)
		os.Exit(1)
	}
}

type settings struct{ nats, creds, organization, resources, tokenFile, place string }

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("findings-subscriber", flag.ContinueOnError)
	f.StringVar(&s.nats, "nats", "nats://127.0.0.1:4222", "the broker's URL")
	f.StringVar(&s.creds, "creds", "", "credentials of a reader, such as <data>/nats/reader.creds")
	f.StringVar(&s.organization, "organization", "*", "only findings of this organization")
	f.StringVar(&s.resources, "resources", "http://127.0.0.1:8090/query", "the GraphQL service with createRisk and createTask")
	f.StringVar(&s.tokenFile, "token-file", "", "file with a token that has the scopes risk:write and task:write")
	f.StringVar(&s.place, "place", "findings-subscriber.json", "file that keeps how far it has come")
	if err = f.Parse(args); err == nil && s.tokenFile == "" {
		err = errors.New("--token-file is missing: make one with tokenledger token create --name findings --scopes risk:write,task:write")
	}
	return s, err
}

func run(ctx context.Context, args []string) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	token, err := os.ReadFile(s.tokenFile)
	if err != nil {
		return err
	}
	options := []nats.Option{nats.Name("findings-subscriber"), nats.MaxReconnects(-1)}
	if s.creds != "" {
		options = append(options, nats.UserCredentials(s.creds))
	}
	conn, err := nats.Connect(s.nats, options...)
	if err != nil {
		return fmt.Errorf("the broker: %w", err)
	}
	defer conn.Close()
	return (&subscriber{
		conn: conn, organization: s.organization, file: s.place, logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), pause: time.Second,
		resources: resources{url: s.resources, token: strings.TrimSpace(string(token)), http: &http.Client{Timeout: 30 * time.Second}},
	}).run(ctx)
}
