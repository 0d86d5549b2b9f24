// tokenledger bench revoke: how soon a revocation at one process is a refusal at the others.

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

func (a app) benchRevokeCommand() *cobra.Command {
	var o bench.RevokeOptions
	var processes int
	c := &cobra.Command{
		Use: "revoke", Short: "Revoke tokens at one of several processes, under load, until the others refuse them",
	}
	countFlag(c, &processes, "processes", 3, "processes that share a durable Postgres and a NATS server")
	countFlag(c, &o.Revocations, "revocations", 200, "tokens that are revoked, one after the other")
	countFlag(c, &o.Concurrency, "concurrency", 24, "verifications of other tokens in flight meanwhile")
	countFlag(c, &o.Tokens, "tokens", 1000, "tokens that these are of")
	return a.figures(c, func(ctx context.Context) ([]bench.Figure, error) {
		if processes < 2 {
			return nil, usage("--processes: want at least 2, of which one is not that which revokes")
		}
		return a.benchRevoke(ctx, processes, o)
	})
}

func (a app) benchRevoke(ctx context.Context, processes int, o bench.RevokeOptions) (all []bench.Figure, err error) {
	settings, remove, err := a.scratch()
	if err != nil {
		return nil, err
	}
	defer remove()
	quiet := slog.New(slog.DiscardHandler)
	postgres, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{
		Dir: settings.Data + "-postgres", Log: quiet, Settings: map[string]string{"max_connections": "200"},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, postgres.Stop(context.WithoutCancel(ctx))) }()
	broker, err := embedded.StartNATS(ctx, embedded.NATSConfig{Dir: settings.Data + "-nats", Listen: "127.0.0.1:0", Log: quiet})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, broker.Stop(context.WithoutCancel(ctx))) }()
	shared := map[string]string{
		"TOKENLEDGER_DATABASE_URL": postgres.URL(), "TOKENLEDGER_KEY_FILE": settings.Data + "-keys.json",
		"TOKENLEDGER_NATS_URL": broker.ClientURL(), "TOKENLEDGER_NATS_CREDS": broker.RelayCreds(),
	}
	services, end, err := a.serveChildren(ctx, processes, settings.Data, shared)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return nil, err
	}
	log, err := eventstore.Open(ctx, eventstore.Config{URL: postgres.URL(), Schema: settings.Schema})
	if err != nil {
		return nil, err
	}
	defer log.Close()
	fmt.Fprintf(a.err, "Revoking %d tokens, with %d processes …\n", o.Revocations, processes)
	return bench.Revoke(ctx, services, log, o)
}

// serveChildren initializes what is shared and starts services that share it.
func (a app) serveChildren(ctx context.Context, n int, data string, shared map[string]string) (all []bench.Service, end func() error, err error) {
	var started []*child
	end = func() (err error) {
		for _, c := range started {
			err = errors.Join(err, c.end())
		}
		return err
	}
	token := ""
	for i := range n {
		environ := scratchEnviron(fmt.Sprintf("%s-%d", data, i))
		maps.Copy(environ, shared)
		if i == 0 {
			if token, err = initializeWith(ctx, environ); err != nil {
				return nil, end, err
			}
		}
		c, err := a.serveChild(ctx, environ)
		if err != nil {
			return nil, end, err
		}
		started = append(started, c)
		all = append(all, bench.Service{URL: c.url, Token: token})
	}
	return all, end, nil
}

// initializeWith makes the first organization and gives its administrator's token.
func initializeWith(ctx context.Context, environ map[string]string) (string, error) {
	c, err := config.Load(environ, nil)
	if err != nil {
		return "", err
	}
	if err := initializeScratch(ctx, c); err != nil {
		return "", err
	}
	token, err := os.ReadFile(c.AdminTokenFile())
	return strings.TrimSpace(string(token)), err
}
