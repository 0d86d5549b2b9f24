// The process: its settings, its server, its end.

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/tokenledger/tokenledger/docs/examples/resourceserver/model"
	"github.com/tokenledger/tokenledger/graphql/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "resourceserver:", err)
		os.Exit(1)
	}
}

type settings struct{ listen, ledger, tokenFile, data string }

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("resourceserver", flag.ContinueOnError)
	f.StringVar(&s.listen, "listen", "127.0.0.1:8090", "address of POST /query")
	f.StringVar(&s.ledger, "ledger", "http://127.0.0.1:8080", "the ledger's URL")
	f.StringVar(&s.tokenFile, "token-file", "", "file with a token of the ledger that has the scope token:introspect")
	f.StringVar(&s.data, "data", "resourceserver.jsonl", "file that keeps controls, evidence, scans, risks and tasks")
	if err = f.Parse(args); err == nil && s.tokenFile == "" {
		err = errors.New("--token-file is missing: make one with tokenledger token create --name resourceserver --scopes token:introspect --write-to FILE")
	}
	return s, err
}

// controls are those that the service begins with.
var controls = []model.Control{
	{ID: "cc6-1", Name: "CC6.1 Logical access", Status: model.ControlStatusNotImplemented},
	{ID: "cc6-3", Name: "CC6.3 Access is changed and removed", Status: model.ControlStatusNotImplemented},
	{ID: "cc7-2", Name: "CC7.2 Anomalies are monitored", Status: model.ControlStatusNotImplemented},
	{ID: "a-8-8", Name: "A.8.8 Technical vulnerabilities", Status: model.ControlStatusNotImplemented},
}

func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	s, err := parse(args)
	if err != nil {
		return err
	}
	token, err := os.ReadFile(s.tokenFile)
	if err != nil {
		return fmt.Errorf("--token-file: %w", err)
	}
	c, err := client.New(client.Config{URL: s.ledger, Token: strings.TrimSpace(string(token))})
	if err != nil {
		return err
	}
	store, err := openStore(s.data, controls)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	r := &resolver{ledger: ledger{c}, store: store, now: func() time.Time { return time.Now().UTC() }}
	server := &http.Server{Handler: routes(r, slog.New(slog.NewTextHandler(os.Stderr, nil))), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Fprintf(stdout, "ready at http://%s/query\n", listener.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = server.Shutdown(draining)
	if ended := <-ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
