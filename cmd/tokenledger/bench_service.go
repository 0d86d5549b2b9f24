// A whole service in this process for the commands of bench that ask one.

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
)

// scratchService is a service with all of its parts.
type scratchService struct {
	service.Started
	config config.Config
	token  string // the administrator's
}

// asked is the service as those that ask it over HTTP need it.
func (s scratchService) asked() bench.Service { return bench.Service{URL: s.URL, Token: s.token} }

// withService runs a service on data of its own while do runs.
func (a app) withService(ctx context.Context, do func(context.Context, scratchService) error) (err error) {
	settings, remove, err := a.scratch()
	if err != nil {
		return err
	}
	defer remove()
	running, stop := context.WithCancel(ctx)
	started, ended := make(chan service.Started, 1), make(chan error, 1)
	go func() {
		ended <- service.Run(running, settings, slog.New(slog.DiscardHandler), func(s service.Started) { started <- s })
	}()
	select {
	case s := <-started:
		token, err := os.ReadFile(settings.AdminTokenFile())
		if err == nil {
			err = do(ctx, scratchService{s, settings, strings.TrimSpace(string(token))})
		}
		stop()
		return errors.Join(err, <-ended)
	case err := <-ended:
		stop()
		return err
	}
}

// caughtUp waits until everything that follows the log has seen all of it.
func (s scratchService) caughtUp(ctx context.Context) error {
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for {
		behind, err := s.Behind(ctx)
		if behind == 0 || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
}
