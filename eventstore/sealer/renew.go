// A new log of epochs, after the database was restored to an earlier point.

package sealer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Renew begins another log of epochs, whose first record cites the last checkpoint of
// the one before. It is for a person who knows why the database contradicts what was
// signed: from then on it is on record that history was replaced, and from where. No
// sealer may be at work; one that refuses to sign is not, and goes on by itself. It
// gives the name of the new log.
func Renew(ctx context.Context, c Config) (origin string, err error) {
	s, err := New(c)
	if err != nil {
		return "", err
	}
	conn, err := s.config.connect(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := s.lease(limited, conn); err != nil {
		return "", fmt.Errorf("a sealer is at work, so there is nothing to begin anew: %w", err)
	}
	kept, err := newestOutside(s.config.Outside, Origin(s.config.Log.Origin(), 1))
	if err != nil {
		return "", err
	}
	if kept == 0 {
		return "", errors.New("no checkpoint is kept outside of the database, which a new log could cite")
	}
	var known int
	err = conn.QueryRow(ctx, `SELECT log FROM seal_logs ORDER BY log DESC LIMIT 1`).Scan(&known)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read which log is sealed: %w", err)
	}
	number := max(known, kept) + 1
	origin = Origin(s.config.Log.Origin(), number)
	const sql = `INSERT INTO seal_logs (log, origin, created_at) VALUES ($1, $2, clock_timestamp())`
	if _, err := conn.Exec(ctx, sql, number, origin); err != nil {
		return "", fmt.Errorf("begin the log %s: %w", origin, err)
	}
	return origin, nil
}

// continues is the last checkpoint of the log of epochs that this one goes on from,
// nil for the first.
func (s *session) continues() (*merkle.Checkpoint, error) {
	first := Origin(s.config.Log.Origin(), 1)
	for number := s.number - 1; number > 0; number-- {
		old, err := openOutside(s.config.Outside, first, number)
		if err != nil {
			return nil, err
		}
		defer old.close()
		// One that was about to be stored may have been seen.
		if last, err := old.intended(); err != nil {
			return nil, err
		} else if last != nil {
			if err := old.append(*last); err != nil {
				return nil, err
			}
		}
		if old.next == 0 {
			continue // it was begun, and never signed
		}
		for signed, err := range old.after(old.next - 1) {
			if err != nil {
				return nil, err
			}
			of := session{Sealer: s.Sealer, number: number, origin: Origin(s.config.Log.Origin(), number)}
			checkpoint, err := of.open(signed)
			return &checkpoint, err
		}
	}
	return nil, nil
}
