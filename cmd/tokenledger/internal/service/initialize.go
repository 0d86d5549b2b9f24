// The first administrator: once for each log, or again by who holds the database.

package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// Initialized reports whether the log has its first events.
func Initialized(ctx context.Context, s *Store) (bool, error) {
	for _, err := range s.Log.ReadStream(ctx, events.InstallationStream, 0) {
		return err == nil, err
	}
	return false, nil
}

// Initialize makes the organization, its owner and the owner's token, whose
// value goes to the administrator's token file.
func Initialize(ctx context.Context, c config.Config, s *Store, organization, email string) error {
	return issue(ctx, c, s, func(ctx context.Context, d *aggregate.Directory) (aggregate.Initialized, error) {
		return d.Initialize(ctx, aggregate.Initialization{
			Origin: s.Log.Origin(), Organization: organization, Owner: aggregate.Profile{Email: email},
		})
	})
}

// Recover issues another token to the owner of the first organization, which is
// an event of its own.
func Recover(ctx context.Context, c config.Config, s *Store) error {
	return issue(ctx, c, s, func(ctx context.Context, d *aggregate.Directory) (aggregate.Initialized, error) {
		return d.Recover(ctx, aggregate.Recovery{})
	})
}

// issue writes the value to a new file beside the token file first, so that a
// token never exists whose value could not be kept.
func issue(ctx context.Context, c config.Config, s *Store, begin func(context.Context, *aggregate.Directory) (aggregate.Initialized, error)) error {
	path := c.AdminTokenFile()
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the token file: %w", err)
	}
	defer f.Close()
	return s.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) error {
		tokens := &aggregate.Tokens{Handler: &aggregate.Handler{Log: log, Now: s.config.Story}, Peppers: s.Peppers}
		begun, err := begin(ctx, &aggregate.Directory{Tokens: tokens})
		if err != nil {
			return errors.Join(err, os.Remove(fresh))
		}
		if _, err := fmt.Fprintln(f, begun.Token.Value.Reveal()); err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
		return os.Rename(fresh, path)
	})
}

// RecordKeyRotation records what was done in the key file.
func RecordKeyRotation(ctx context.Context, s *Store, rotation aggregate.RecordKeyRotation, reason string) error {
	return s.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) error {
		tokens := &aggregate.Tokens{Handler: &aggregate.Handler{Log: log}, Peppers: s.Peppers}
		_, err := (&aggregate.Directory{Tokens: tokens}).RecordKeyRotation(ctx, rotation, reason)
		return err
	})
}
