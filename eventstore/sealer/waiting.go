// A sealer that waits for the lease: it keeps what the other has sealed in its own
// directory, so that whichever seals next knows all that was signed before. After a
// promotion of a standby without the tail it is the only one to know, where the other
// does not come back.

package sealer

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// keepUp adds the epochs in the tables to the directory outside. It refuses tables that
// contradict what stands there already; that they end before it is for the session to
// judge that has the lease.
func (s *session) keepUp(ctx context.Context) error {
	var number int
	var size int64
	const newest = `SELECT l.log, coalesce((SELECT max(number) + 1 FROM epochs AS e WHERE e.log = l.log), 0)
		FROM seal_logs AS l ORDER BY l.log DESC LIMIT 1`
	err := s.conn.QueryRow(ctx, newest).Scan(&number, &size)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what is sealed: %w", err)
	}
	if s.outside == nil || s.number != number {
		s.close()
		s.number, s.origin = number, Origin(s.config.Log.Origin(), number)
		s.outside, err = openOutside(s.config.Outside, Origin(s.config.Log.Origin(), 1), number)
		if err != nil {
			return err
		}
	}
	if size < s.outside.next || size == s.seen {
		return nil
	}
	if err := s.agree(ctx); err != nil {
		return err
	}
	if err := s.copyOut(ctx, size); err != nil {
		return err
	}
	s.seen = size
	return nil
}

// agree compares the last epoch outside with the one of its number in the tables.
func (s *session) agree(ctx context.Context) error {
	if s.outside.next == 0 {
		return nil
	}
	last := s.outside.next - 1
	var stored []byte
	err := s.conn.QueryRow(ctx, `SELECT record FROM epochs WHERE log = $1 AND number = $2`, s.number, last).Scan(&stored)
	if err != nil {
		return fmt.Errorf("read epoch %d: %w", last, err)
	}
	for signed, err := range s.outside.after(last) {
		if err != nil {
			return err
		}
		if !bytes.Equal(stored, signed.Record) {
			return fmt.Errorf("%w: epoch %d in the tables is not the one that was signed", ErrRefused, last)
		}
		break
	}
	return nil
}
