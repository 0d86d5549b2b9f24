// The read models: their pool, their engine, and rebuilding one.

package service

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// ReadModels are the projections of a log and what asks them.
type ReadModels struct {
	Pool   *pgxpool.Pool
	Runner *projections.Runner
	Views  *projections.Views
}

// OpenReadModels connects them to a log in the database at url. Nothing runs yet.
func OpenReadModels(ctx context.Context, url string, c config.Config, log projections.Source, logger *slog.Logger) (*ReadModels, error) {
	return openReadModels(ctx, url, c, log, observers{}, logger)
}

func openReadModels(
	ctx context.Context, url string, c config.Config, log projections.Source, watch observers, logger *slog.Logger,
) (*ReadModels, error) {
	pool, err := projections.OpenTracedPool(ctx, cmp.Or(c.ProjectorURL, url), c.Schema, watch.queries)
	if err != nil {
		return nil, err
	}
	runner, err := projections.NewRunner(ctx, projections.RunnerConfig{
		Log: log, Pool: pool, Projections: projections.All(), Tracer: watch.tracer, Logger: logger,
	})
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &ReadModels{pool, runner, projections.NewViews(pool, runner)}, nil
}

// RebuildProjection builds a read model anew beside a service that may be
// running, which goes on with the new one.
func RebuildProjection(
	ctx context.Context, url string, c config.Config, name string, progress func(done, total events.Position), logger *slog.Logger,
) error {
	ring, err := c.Keys().Load()
	if err != nil {
		return fmt.Errorf("the key file (TOKENLEDGER_KEY_FILE): %w", err)
	}
	log, err := eventstore.Open(ctx, eventstore.Config{URL: url, Schema: c.Schema, Keys: ring, Archives: Archives(c, ring), Logger: logger})
	if err != nil {
		return err
	}
	defer log.Close()
	models, err := OpenReadModels(ctx, url, c, log, logger)
	if err != nil {
		return err
	}
	defer models.Pool.Close()
	return models.Runner.Rebuild(ctx, name, progress)
}
