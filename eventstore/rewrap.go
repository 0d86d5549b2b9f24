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

// rewrapSubjects wraps the keys of subjects with the active key-encryption key, until it
// finds none that is wrapped by an older one: another process may still make some. It
// leaves those of a newer one to the process that knows it.
func (l *Log) rewrapSubjects(ctx context.Context) error {
	if l.config.Keys == nil {
		return nil
	}
	active := l.config.Keys.ActiveKeyEncryption()
	if l.rewrapped.Load() == int64(active) {
		return nil
	}
	for after, done := "", true; ; {
		const next = `SELECT subject, wrapped, kek, since FROM subject_keys WHERE kek < $1 AND subject > $2 ORDER BY subject LIMIT $3`
		rows, _ := l.pool.Query(ctx, next, active, after, chunkRows) // its error comes out of the rows
		old, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wrappedKey])
		if err != nil {
			return fmt.Errorf("read the keys of subjects: %w", err)
		}
		opened, err := l.rewrapSome(ctx, old)
		if err != nil {
			return fmt.Errorf("wrap the keys of subjects anew: %w", err)
		}
		done = done && opened == 0
		if len(old) < chunkRows {
			if done {
				l.rewrapped.Store(int64(active))
			}
			return nil
		}
		after = string(old[len(old)-1].Subject)
	}
}

// rewrapSome leaves out the keys that this process cannot open, and those that are no
// longer what they were: one that was erased meanwhile stays erased, whatever came
// after it. It gives the number of those that it opened.
func (l *Log) rewrapSome(ctx context.Context, old []wrappedKey) (opened int, err error) {
	var names []string
	var from, to [][]byte
	var keks []int32
	for _, k := range old {
		key, err := l.subjects.unwrap(k)
		if err != nil {
			continue
		}
		box, kek, err := l.config.Keys.WrapSubjectKey(l.origin, k.Subject, key.SubjectKey)
		if err != nil {
			return 0, err
		}
		names, keks = append(names, string(k.Subject)), append(keks, int32(kek))
		from, to = append(from, k.Wrapped), append(to, box)
	}
	const sql = `UPDATE subject_keys s SET wrapped = n.wrapped, kek = n.kek
		FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::int[]) AS n (subject, old, wrapped, kek)
		WHERE s.subject = n.subject AND s.wrapped = n.old`
	_, err = l.pool.Exec(ctx, sql, names, from, to, keks)
	return len(names), err
}
