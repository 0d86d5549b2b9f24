// The newest checkpoint, with the cosignatures that it has.

package sealer

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Checkpoint is the newest checkpoint, with the cosignatures of witnesses that it
// has got so far.
func (r *Reader) Checkpoint(ctx context.Context) ([]byte, error) {
	newest, err := r.Latest(ctx)
	if err != nil {
		return nil, err
	}
	return r.Cosigned(ctx, newest)
}

// Cosigned is the checkpoint of an epoch with the cosignatures that it has.
func (r *Reader) Cosigned(ctx context.Context, s Sealed) ([]byte, error) {
	const sql = `SELECT signature FROM cosignatures WHERE log = $1 AND number = $2 ORDER BY witness`
	rows, _ := r.db.Query(ctx, sql, s.Log, s.Epoch.Number) // its error comes out of the rows
	lines, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read cosignatures: %w", err)
	}
	return bytes.Join(append([][]byte{s.Checkpoint}, lines...), nil), nil
}
