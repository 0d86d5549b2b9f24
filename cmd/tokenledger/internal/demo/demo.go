// Package demo tells a story into a log of its own: an organization's tokens over a
// quarter, the last month in full, so that every view and report has something to show.
//
// Nothing is made up behind the rules' back. Each line of the story is a command or a
// use, decided by the aggregates, the scheduler and the verifier that serve a real
// ledger, and recorded by its log; only the clock is the story's. The log says so: its
// origin is marked as a demo's (see [eventstore.MarkDemo]), and only a new one can be.
//
// The same seed and the same day tell the same story. What is drawn at random by its
// nature is not the seed's: ids, token values and what is computed from them.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/scheduler"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Config says which story is told, and where.
type Config struct {
	Settings config.Config
	Seed     uint64
	End      time.Time // when the story ends, which is a quarter after its beginning
	Logger   *slog.Logger
	Progress func(told, total int) // hears how far the story is; nil: nobody does
}

// Mark is the file that makes a data directory one of a demo.
const Mark = "DEMO"

// Story is what the mark says: which story was told there, and whether to its end.
type Story struct {
	Seed     uint64    `json:"seed"`
	Ended    time.Time `json:"ended"`
	Complete bool      `json:"complete"`
}

// ErrForeign is returned for a data directory that holds something else than a demo.
var ErrForeign = errors.New("this is not the directory of a demo")

// Of reads which story a data directory holds; found is false where there is none yet
// and one may be told. The error wraps [ErrForeign] where something else is kept.
func Of(data string) (s Story, found bool, err error) {
	raw, err := os.ReadFile(filepath.Join(data, Mark))
	if err == nil {
		if err := json.Unmarshal(raw, &s); err != nil {
			return s, false, fmt.Errorf("%s: %w: %w", filepath.Join(data, Mark), ErrForeign, err)
		}
		return s, true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return s, false, err
	}
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, false, err
	}
	if len(entries) > 0 {
		return s, false, fmt.Errorf("%s has files and no file %s: %w; name a new one with --data", data, Mark, ErrForeign)
	}
	return s, false, nil
}

func (s Story) write(data string) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, Mark), append(raw, '\n'), 0o644)
}

// LeakedTokenFile holds the value of the token that leaked in the story, and was
// revoked for it: something to put into the leak box.
func LeakedTokenFile(data string) string { return filepath.Join(data, "leaked.token") }

// Make tells the story into a new data directory and leaves it as a stopped service
// does.
func Make(ctx context.Context, c Config) (err error) {
	data := c.Settings.Data
	if _, found, err := Of(data); err != nil || found {
		return errors.Join(err, fmt.Errorf("%s: a story is told into a new directory only", data))
	}
	if err := os.MkdirAll(data, 0o711); err != nil {
		return fmt.Errorf("the data directory (TOKENLEDGER_DATA): %w", err)
	}
	story := Story{Seed: c.Seed, Ended: c.End.UTC()}
	if err := story.write(data); err != nil { // first of all: whatever is there belongs to a demo
		return err
	}
	clock := newClock(storyBegins(c.End))
	store, err := service.OpenDemo(ctx, c.Settings, clock.Now(), clock.Now, c.Logger)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, store.Close()); err == nil {
			story.Complete = true
			err = story.write(data)
		}
	}()
	if err := service.Initialize(ctx, c.Settings, store, organizationName, people[owner].email); err != nil {
		return err
	}
	return withParts(ctx, c, store, clock, func(ctx context.Context, t *teller) error { return t.tell(ctx, c) })
}

// withParts runs what a service has of a ledger but for its interfaces, while do runs.
func withParts(ctx context.Context, c Config, store *service.Store, clock *clock, do func(context.Context, *teller) error) error {
	models, err := service.OpenReadModels(ctx, store.URL, c.Settings, store.Log, c.Logger)
	if err != nil {
		return err
	}
	defer models.Pool.Close()
	tokens := &aggregate.Tokens{Handler: &aggregate.Handler{Log: store.Log, Now: clock.Now}, Peppers: store.Peppers}
	t := newTeller(c, store.Log, models.Views, clock)
	t.directory = &aggregate.Directory{Tokens: tokens, Index: models.Views}
	t.verifier = verifier.New(verifier.Config{
		Log: store.Log, Sources: models.Views, Peppers: store.Peppers, Now: clock.Now, Logger: c.Logger,
	})
	t.scheduler = scheduler.New(scheduler.Config{
		Directory: t.directory, Deadlines: storyTime{models.Views, clock}, Head: store.Log.Head, AtOnce: 1, Logger: c.Logger,
	})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, running := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{store.Log.Run, models.Runner.Run, t.verifier.Run} {
		group.Go(func() error {
			if err := run(running); err != nil && ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
	err = do(running, t)
	stop()
	return errors.Join(err, group.Wait())
}
