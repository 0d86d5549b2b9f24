// Writing: the rows of a step and of an epoch.

package sealer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Sealed is an epoch with what makes it evidence.
type Sealed struct {
	Log        int          // which log of epochs; 1, and one more after each restore
	Epoch      merkle.Epoch // the record
	Record     []byte       // its line, which is leaf Epoch.Number of the log of epochs
	Checkpoint []byte       // signed note over that log up to and including the record
}

// Size is the size of the log of epochs under the checkpoint.
func (s Sealed) Size() int64 { return s.Epoch.Number + 1 }

// write adds the trees as they are to the tables, if they have changed.
func (t *trees) write(ctx context.Context, tx pgx.Tx) error {
	if t.unwritten == 0 {
		return nil
	}
	t.settle()
	edge, err := t.events.MarshalBinary()
	if err != nil {
		return err
	}
	position := t.events.Size()
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO tree_steps (position, frontier) VALUES ($1, $2)`, position, edge)
	if err := t.queueTrails(b, position); err != nil {
		return err
	}
	if len(t.founded) > 0 {
		var indexes []int64
		var trails []string
		for _, id := range t.founded {
			indexes, trails = append(indexes, t.trails[id].organization), append(trails, string(id))
		}
		b.Queue(`INSERT INTO tree_organizations (organization, trail, position)
			SELECT *, $3::bigint FROM unnest($1::bigint[], $2::text[])`, indexes, trails, position)
	}
	queueNodes(b, t.nodes)
	return tx.SendBatch(ctx, b).Close()
}

func (t *trees) queueTrails(b *pgx.Batch, position int64) error {
	var trails []string
	var sizes []int64
	var roots, frontiers, leaves [][]byte
	for _, id := range slices.Sorted(maps.Keys(t.touched)) {
		k := t.touched[id]
		root := k.edge.Root()
		edge, err := k.edge.MarshalBinary()
		if err != nil {
			return err
		}
		trails, sizes = append(trails, string(id)), append(sizes, k.edge.Size())
		roots, frontiers, leaves = append(roots, root[:]), append(frontiers, edge), append(leaves, k.leaves)
	}
	b.Queue(`INSERT INTO tree_trails (trail, position, size, root, frontier, leaves)
		SELECT trail, $1, size, root, frontier, leaves
		FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bytea[]) AS k (trail, size, root, frontier, leaves)`,
		position, trails, sizes, roots, frontiers, leaves)
	return nil
}

func queueNodes(b *pgx.Batch, nodes []treeNode) {
	if len(nodes) == 0 {
		return
	}
	var trees []string
	var levels []int32
	var places []int64
	var hashes [][]byte
	for _, n := range nodes {
		trees, levels = append(trees, n.tree), append(levels, int32(n.level))
		places, hashes = append(places, n.n), append(hashes, n.hash[:])
	}
	b.Queue(`INSERT INTO tree_nodes (tree, level, n, hash) SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[])`,
		trees, levels, places, hashes)
}

// store writes the trees and the epoch in one transaction. The epoch must be the
// next in the tables.
func (s *session) store(ctx context.Context, c Sealed) error {
	after := s.epochs
	completed := after.AppendNodes(nil, merkle.LeafHash(c.Record))
	edge, err := after.MarshalBinary()
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		if err := s.trees.write(ctx, tx); err != nil {
			return err
		}
		b := &pgx.Batch{}
		queueNodes(b, appendNodes(nil, epochsTree(s.number), after.Size(), completed))
		const sql = `INSERT INTO epochs (log, number, at, position, record, checkpoint, frontier)
			SELECT $1, $2, $3, $4, $5, $6, $7
			WHERE $2 = (SELECT coalesce(max(number) + 1, 0) FROM epochs WHERE log = $1)`
		b.Queue(sql, s.number, c.Epoch.Number, c.Epoch.Time, c.Epoch.Size, c.Record, c.Checkpoint, edge)
		results := tx.SendBatch(ctx, b)
		var err error
		inserted := int64(0)
		for range b.Len() {
			tag, e := results.Exec()
			err, inserted = errors.Join(err, e), tag.RowsAffected()
		}
		if err = errors.Join(err, results.Close()); err != nil {
			return err
		}
		if inserted != 1 {
			return fmt.Errorf("%w: the tables do not end with epoch %d", ErrRefused, c.Epoch.Number-1)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store epoch %d: %w", c.Epoch.Number, err)
	}
	s.trees.written()
	s.epochs, s.last, s.sealed = after, c.Epoch, time.Now()
	return nil
}

func epochsTree(log int) string { return fmt.Sprintf("epochs-%d", log) }
