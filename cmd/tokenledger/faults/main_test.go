// The binary, built once, and this test binary as a NATS server that can be killed.

//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// binary is the path of the program under test, set by TestMain.
var binary string

// The variables that make this binary a NATS server.
const natsDirVariable, natsListenVariable = "FAULTS_NATS_DIR", "FAULTS_NATS_LISTEN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(natsDirVariable); dir != "" {
		if err := serveNATS(dir, os.Getenv(natsListenVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if path := os.Getenv(natsConfigVariable); path != "" {
		if err := serveNode(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tokenledger-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary, err = outside.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// serveNATS is the process of a NATS server: it writes a line once it answers, and
// runs until it is ended.
func serveNATS(dir, address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server, err := embedded.StartNATS(ctx, embedded.NATSConfig{Dir: dir, Listen: address})
	if err != nil {
		return err
	}
	fmt.Println(natsReady)
	<-ctx.Done()
	return server.Stop(context.Background())
}

const natsReady = "nats is ready"
