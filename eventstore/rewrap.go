// Rotated keys: what was made with an old version is made anew with the active one.

package eventstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// Rewrap replaces a token's verification material by that of another pepper, unless
// somebody else has done so since it was read.
func (l *Log) Rewrap(ctx context.Context, from, to events.Credential) error {
	const sql = `UPDATE credentials SET pepper = $4, mac = $5 WHERE token = $1 AND pepper = $2 AND mac = $3`
	if _, err := l.pool.Exec(ctx, sql, from.Token, from.Pepper, from.MAC[:], to.Pepper, to.MAC[:]); err != nil {
		return fmt.Errorf("keep the MAC of token %s under pepper %d: %w", from.Token, to.Pepper, err)
	}
	return nil
}

// rewrapSubjects wraps the keys of subjects with the active key-encryption key, once
// for each process: that key does not change while it runs. A key that was erased
// meanwhile stays erased.
func (l *Log) rewrapSubjects(ctx context.Context) error {
	if l.rewrapped.Load() || l.config.Keys == nil {
		return nil
	}
	active := l.config.Keys.ActiveKeyEncryption()
	for after := ""; ; {
		const next = `SELECT subject, wrapped, kek, since FROM subject_keys WHERE kek <> $1 AND subject > $2 ORDER BY subject LIMIT $3`
		rows, _ := l.pool.Query(ctx, next, active, after, chunkRows) // its error comes out of the rows
		old, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wrappedKey])
		if err != nil {
			return fmt.Errorf("read the keys of subjects: %w", err)
		}
		if err := l.rewrapSome(ctx, old); err != nil {
			return fmt.Errorf("wrap the keys of subjects anew: %w", err)
		}
		if len(old) < chunkRows {
			l.rewrapped.Store(true)
			return nil
		}
		after = string(old[len(old)-1].Subject)
	}
}

// rewrapSome leaves out the keys that this process cannot open.
func (l *Log) rewrapSome(ctx context.Context, old []wrappedKey) error {
	var names []string
	var from, to []int32
	var wrapped [][]byte
	for _, k := range old {
		key, err := l.subjects.unwrap(k)
		if err != nil {
			continue
		}
		box, kek, err := l.config.Keys.WrapSubjectKey(l.origin, k.Subject, key.SubjectKey)
		if err != nil {
			return err
		}
		names, from = append(names, string(k.Subject)), append(from, int32(k.KEK))
		wrapped, to = append(wrapped, box), append(to, int32(kek))
	}
	const sql = `UPDATE subject_keys s SET wrapped = n.wrapped, kek = n.kek
		FROM unnest($1::text[], $2::int[], $3::bytea[], $4::int[]) AS n (subject, old, wrapped, kek)
		WHERE s.subject = n.subject AND s.kek = n.old`
	_, err := l.pool.Exec(ctx, sql, names, from, wrapped, to)
	return err
}
