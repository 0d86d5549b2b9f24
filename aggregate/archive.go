// Retention: the oldest events of the log are archived, and leave the database.

package aggregate

import (
	"context"

	"github.com/tokenledger/tokenledger/events"
)

// RecordArchive records that the oldest events that the database holds are archived. What is
// on record already is not recorded again, so that a detach that was interrupted can go on.
type RecordArchive struct {
	First, Last  int64 // positions
	Root, Digest string
}

func (c RecordArchive) decide(i Installation) ([]events.InstallationEvent, error) {
	if err := i.mustBeInitialized(); err != nil {
		return nil, err
	}
	switch {
	case c.First > c.Last:
		return nil, refuse(CodeBadUserInput, "last", "An archive holds at least one event.")
	case c.Last <= i.Archived:
		return nil, nil
	case c.First != i.Archived+1:
		return nil, refuse(CodeConflict, "first", "The log is archived up to position %d; the next archive begins at %d.", i.Archived, i.Archived+1)
	}
	return []events.InstallationEvent{events.InstallationEventsArchived{
		First: c.First, Last: c.Last, Root: c.Root, Digest: c.Digest,
	}}, nil
}

// RecordArchive records an archive, for whoever holds the database's credentials.
func (y *Directory) RecordArchive(ctx context.Context, archive RecordArchive, reason string) (Outcome, error) {
	return y.Tokens.Handler.Handle(ctx, Order{
		Meta: events.Meta{Actor: events.System("archive"), Reason: reason},
		Decide: func(ctx context.Context, d *Decision) error {
			_, err := onInstallation(ctx, d, archive)
			return err
		},
	})
}
