// What a use costs in the log, in bytes on disk.

package bench

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// SizeOptions say what is recorded.
type SizeOptions struct {
	Uses          int // in blocks of Block
	Block         int
	Alone         int // uses recorded one in a block, beside the others
	Tokens        int
	Organizations int
	Addresses     int
}

// Size measures what all tables and indexes of the log's schema grow by, for each
// use, with the sources of the uses and their sealed addresses included.
func Size(ctx context.Context, log *eventstore.Log, url, schema string, o SizeOptions) ([]Figure, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	many, leaf, err := o.cost(ctx, log, conn, schema, o.Uses, o.Block)
	if err != nil {
		return nil, err
	}
	one, oneLeaf, err := o.cost(ctx, log, conn, schema, o.Alone, 1)
	if err != nil {
		return nil, err
	}
	const plain = "its line in the log"
	return []Figure{
		reported(fmt.Sprintf("a token.used in blocks of %d, all told, over %d uses", o.Block, o.Uses), many, "bytes").beside(plain, leaf).atMost(150),
		reported(fmt.Sprintf("a token.used in a block of its own, over %d uses", o.Alone), one, "bytes").beside(plain, oneLeaf),
	}, nil
}

// cost is bytes for each use on disk, and in its line.
func (o SizeOptions) cost(ctx context.Context, log *eventstore.Log, conn *pgx.Conn, schema string, uses, block int) (bytes, line float64, err error) {
	head, err := log.Head(ctx)
	if err != nil {
		return 0, 0, err
	}
	c := newCrowd(o.Organizations, min(o.Tokens, uses))
	if err := c.begin(ctx, log, int(head)+1, 0); err != nil {
		return 0, 0, err
	}
	before, err := schemaSize(ctx, conn, schema)
	if err != nil {
		return 0, 0, err
	}
	if err := c.introduce(ctx, log, o.Addresses); err != nil {
		return 0, 0, err
	}
	if head, err = log.Head(ctx); err != nil {
		return 0, 0, err
	}
	if err := c.inBlocks(ctx, log, uses, block); err != nil {
		return 0, 0, err
	}
	after, err := schemaSize(ctx, conn, schema)
	if err != nil {
		return 0, 0, err
	}
	err = conn.QueryRow(ctx, `SELECT sum(octet_length(leaves))::float8 FROM `+pgx.Identifier{schema, "blocks"}.Sanitize()+`
		WHERE first_position > $1`, int64(head)).Scan(&line)
	return float64(after-before) / float64(uses), line / float64(uses), err
}

// inBlocks appends uses so that each block has as many as wanted: one request
// is under way at a time, and none is torn.
func (c *crowd) inBlocks(ctx context.Context, log *eventstore.Log, n, block int) error {
	for i := 0; i < n; i += block {
		r := events.Request{Batches: make([]events.Batch, 0, block)}
		for k := i; k < min(i+block, n); k++ {
			r.Batches = append(r.Batches, c.use(k))
		}
		if _, err := log.Append(ctx, r); err != nil {
			return fmt.Errorf("append uses: %w", err)
		}
	}
	return nil
}

// schemaSize is everything that the log's schema has on disk, as of a checkpoint.
func schemaSize(ctx context.Context, conn *pgx.Conn, schema string) (size int64, err error) {
	if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
		return 0, err
	}
	err = conn.QueryRow(ctx, `SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'm')`, schema).Scan(&size)
	if err != nil {
		return 0, fmt.Errorf("ask for the size of the log: %w", err)
	}
	return size, nil
}
