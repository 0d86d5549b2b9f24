// Where the verifier's snapshot stands: beside the read models, which can all be made again from the log.

package projections

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
)

// VerifierSnapshots keeps the newest snapshot of the verifiers' memory, in parts
// that mean nothing to it.
type VerifierSnapshots struct{ db *pgxpool.Pool }

// NewVerifierSnapshots makes the table where it is missing.
func NewVerifierSnapshots(ctx context.Context, pool *pgxpool.Pool) (*VerifierSnapshots, error) {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockGenerations); err != nil { // or two that start at once collide
			return err
		}
		_, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS verifier_snapshot (
			position bigint NOT NULL, part int NOT NULL, content bytea NOT NULL, PRIMARY KEY (position, part));
			ALTER TABLE verifier_snapshot ALTER COLUMN content SET STORAGE EXTERNAL`) // what is sealed cannot be compressed
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the verifier's snapshots: %w", err)
	}
	return &VerifierSnapshots{pool}, nil
}

// Newest is the position of the snapshot; 0: there is none.
func (s *VerifierSnapshots) Newest(ctx context.Context) (at events.Position, err error) {
	if err = s.db.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM verifier_snapshot`).Scan(&at); err != nil {
		return 0, fmt.Errorf("read the position of the verifier's snapshot: %w", err)
	}
	return at, nil
}

// Parts gives the parts of the newest snapshot in order, each good until the next one.
func (s *VerifierSnapshots) Parts(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		rows, _ := s.db.Query(ctx, `SELECT content FROM verifier_snapshot
			WHERE position = (SELECT max(position) FROM verifier_snapshot) ORDER BY part`) // its error comes out of the rows
		defer rows.Close()
		for rows.Next() {
			if !yield(rows.RawValues()[0], nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, fmt.Errorf("read the verifier's snapshot: %w", err))
		}
	}
}

// Replace keeps another snapshot, and this one alone. One process at a time does.
func (s *VerifierSnapshots) Replace(ctx context.Context, at events.Position, parts iter.Seq[[]byte]) error {
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtext(current_schema()), hashtext('verifier_snapshot'))`).Scan(&mine); err != nil || !mine {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM verifier_snapshot`); err != nil {
			return err
		}
		n := 0
		for part := range parts {
			if _, err := tx.Exec(ctx, `INSERT INTO verifier_snapshot VALUES ($1, $2, $3)`, at, n, part); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("replace the verifier's snapshot: %w", err)
	}
	return nil
}
