// The events tree where it was cut: a detached partition takes its leaves with it and leaves an edge.

package sealer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// EventsFrontier is the right edge of the events tree when it had that many leaves. It reads on
// from the nearest step or edge before.
func (r *Reader) EventsFrontier(ctx context.Context, size int64) (edge merkle.Frontier, err error) {
	var stored []byte
	const sql = `SELECT frontier FROM (
			(SELECT position, frontier FROM tree_steps WHERE position <= $1 ORDER BY position DESC LIMIT 1)
			UNION ALL (SELECT position, frontier FROM tree_edges WHERE position <= $1 ORDER BY position DESC LIMIT 1)
		) AS known ORDER BY position DESC LIMIT 1`
	err = r.db.QueryRow(ctx, sql, size).Scan(&stored)
	if err == nil {
		err = edge.UnmarshalBinary(stored)
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return edge, fmt.Errorf("read the frontier of the events tree at %d: %w", size, err)
	}
	if edge.Size() == size {
		return edge, nil
	}
	for block, err := range r.config.Log.Blocks(ctx, events.Position(edge.Size()), false) {
		if err == nil {
			err = block.Lines(func(line eventstore.Line) error {
				if int64(line.Position) == edge.Size()+1 && edge.Size() < size {
					edge.Append(merkle.LeafHash(line.Leaf))
				}
				return nil
			})
		}
		if err != nil {
			return edge, err
		}
		if edge.Size() >= size {
			return edge, nil
		}
	}
	return edge, fmt.Errorf("the events tree at %d: %w", size, ErrNotHeld)
}

// EventsPrefix proves that the events tree of an epoch goes on what it was at a smaller size.
func (r *Reader) EventsPrefix(ctx context.Context, size int64, s Sealed) (merkle.Proof, error) {
	return merkle.ProveConsistency(r.tree(ctx, eventsTree), size, s.Epoch.Size)
}

// edgeLeaves gives the hashes of leaves after a size that a detached partition has left, and the
// size that they reach.
func (r *Reader) edgeLeaves(ctx context.Context, from int64) (hashes []merkle.Hash, to int64, err error) {
	var leaves []byte
	const sql = `SELECT position, leaves FROM tree_edges WHERE position > $1 ORDER BY position LIMIT 1`
	if err := r.db.QueryRow(ctx, sql, from).Scan(&to, &leaves); err != nil {
		return nil, 0, fmt.Errorf("read what a detached partition left: %w", err)
	}
	width := int64(len(merkle.Hash{}))
	skip := from - (to - int64(len(leaves))/width)
	if skip < 0 {
		return nil, 0, fmt.Errorf("the tile from %d on was %w", from, events.ErrArchived)
	}
	for leaf := range slices.Chunk(leaves[skip*width:], int(width)) {
		var h merkle.Hash
		if err := toHash(&h, leaf); err != nil {
			return nil, 0, err
		}
		hashes = append(hashes, h)
	}
	return hashes, to, nil
}

// Trails gives the trees of all trails as they were in an epoch, by their frontiers.
func (r *Reader) Trails(ctx context.Context, s Sealed) (map[events.TrailID]*merkle.Frontier, error) {
	const sql = `SELECT DISTINCT ON (trail) trail, frontier FROM tree_trails WHERE position <= $1 ORDER BY trail, position DESC`
	rows, _ := r.db.Query(ctx, sql, s.Epoch.Size) // its error comes out of the rows
	trails := map[events.TrailID]*merkle.Frontier{}
	var id events.TrailID
	var stored []byte
	_, err := pgx.ForEachRow(rows, []any{&id, &stored}, func() error {
		edge := new(merkle.Frontier)
		trails[id] = edge
		return edge.UnmarshalBinary(stored)
	})
	if err != nil {
		return nil, fmt.Errorf("read the trees of trails: %w", err)
	}
	return trails, nil
}

// Organizations gives the trails of organizations by their index, as of an epoch.
func (r *Reader) Organizations(ctx context.Context, s Sealed) (map[int64]events.TrailID, error) {
	rows, _ := r.db.Query(ctx, `SELECT organization, trail FROM tree_organizations WHERE position <= $1`, s.Epoch.Size) // its error comes out of the rows
	all := map[int64]events.TrailID{}
	var index int64
	var trail events.TrailID
	_, err := pgx.ForEachRow(rows, []any{&index, &trail}, func() error {
		all[index] = trail
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the indexes of organizations: %w", err)
	}
	return all, nil
}
