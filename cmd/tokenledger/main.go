// Command tokenledger is the ledger of API tokens: the service and the tool
// that people and scripts use it with.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/pace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go pace.Collector(ctx)
	code := run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()})
	stop()
	os.Exit(code)
}
