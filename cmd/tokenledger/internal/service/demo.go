// The log of a demo, while its story is told.

package service

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/eventstore"
)

// OpenDemo brings up a new private log, marks it as a demo's that began at that
// instant, and dates by the story what is recorded in it. While the story is told no
// commit waits for the disk: a demo that breaks off is begun anew, and the clean end of
// its Postgres writes everything.
func OpenDemo(ctx context.Context, c config.Config, began time.Time, story func() time.Time, logger *slog.Logger) (*Store, error) {
	if !c.Embedded() {
		return nil, errors.New("a demo has a private Postgres; leave TOKENLEDGER_DATABASE_URL out")
	}
	s, err := openDatabase(ctx, c, logger)
	if err != nil {
		return nil, err
	}
	if err := eventstore.MarkDemo(ctx, s.URL, c.Schema, began); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	query := u.Query()
	query.Set("synchronous_commit", "off")
	u.RawQuery = query.Encode()
	s.URL = u.String()
	return s.open(ctx, eventstore.Config{URL: s.URL, Schema: c.Schema, Keys: s.Ring, Logger: logger, Story: story})
}
