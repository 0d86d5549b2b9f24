// Commands that append to the log themselves, with the database's credentials,
// whether a service runs beside them or not.

package main

import (
	"context"
	"errors"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// withStore opens the log of this installation for appending: in the database that is
// named, in the private Postgres of a service that runs, or else in one that is started
// for this.
func (a app) withStore(ctx context.Context, do func(context.Context, *service.Store) error) (err error) {
	settings, err := a.config()
	if err != nil {
		return err
	}
	if settings.Embedded() {
		if url, err := embedded.RunningPostgresURL(settings.Data); err == nil {
			settings.DatabaseURL = url
		}
	}
	logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
	store, err := service.OpenStore(ctx, settings, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return do(ctx, store)
}
