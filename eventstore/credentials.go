// Credentials: the verification material of tokens, the only truth outside the log.

package eventstore

import (
	"context"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// Credentials gives the verification material of tokens, in no order; a token
// without any is left out.
func (l *Log) Credentials(ctx context.Context, tokens []uuid.UUID) ([]events.Credential, error) {
	return l.credentials(ctx, `SELECT token, pepper, mac FROM credentials WHERE token = ANY ($1)`, tokens)
}

// AllCredentials gives the verification material of all tokens, by token. One
// that is added meanwhile may be missing.
func (l *Log) AllCredentials(ctx context.Context) iter.Seq2[events.Credential, error] {
	return func(yield func(events.Credential, error) bool) {
		var after uuid.UUID
		for {
			const sql = `SELECT token, pepper, mac FROM credentials WHERE token > $1 ORDER BY token LIMIT $2`
			chunk, err := l.credentials(ctx, sql, after, chunkRows)
			if err != nil {
				yield(events.Credential{}, err)
				return
			}
			for _, c := range chunk {
				if !yield(c, nil) {
					return
				}
				after = c.Token
			}
			if len(chunk) < chunkRows {
				return
			}
		}
	}
}

func (l *Log) credentials(ctx context.Context, sql string, args ...any) ([]events.Credential, error) {
	rows, _ := l.pool.Query(ctx, sql, args...) // its error comes out of the rows
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c events.Credential, err error) {
		var mac []byte
		err = row.Scan(&c.Token, &c.Pepper, &mac)
		copy(c.MAC[:], mac)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	return all, nil
}

// Held counts what was made with each version of a key that stands in the key file.
type Held struct {
	Credentials map[int]int64 // by pepper
	SubjectKeys map[int]int64 // by key-encryption key
}

// HeldByKeys counts what would be lost with each version of a key.
func (l *Log) HeldByKeys(ctx context.Context) (Held, error) {
	held := Held{Credentials: map[int]int64{}, SubjectKeys: map[int]int64{}}
	for sql, into := range map[string]map[int]int64{
		`SELECT pepper, count(*) FROM credentials GROUP BY pepper`: held.Credentials,
		`SELECT kek, count(*) FROM subject_keys GROUP BY kek`:      held.SubjectKeys,
	} {
		rows, _ := l.pool.Query(ctx, sql) // its error comes out of the rows
		var version int
		var n int64
		_, err := pgx.ForEachRow(rows, []any{&version, &n}, func() error {
			into[version] = n
			return nil
		})
		if err != nil {
			return Held{}, fmt.Errorf("count what keys hold: %w", err)
		}
	}
	return held, nil
}
