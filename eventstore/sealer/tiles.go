// Tiles: the nodes of every tree, 256 at a time, read or computed from what the tables keep.

package sealer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Tile is a tile of the newest log of epochs as C2SP tlog-tiles has it: 32 bytes for
// each hash, or for [merkle.Entries] the records with their lengths. The error wraps
// [ErrNotHeld] for a tile that the newest checkpoint does not cover.
func (r *Reader) Tile(ctx context.Context, t merkle.Tile) ([]byte, error) {
	newest, err := r.Latest(ctx)
	if err != nil {
		return nil, err
	}
	if !t.In(newest.Size()) {
		return nil, fmt.Errorf("%s: %w", t.Path(), ErrNotHeld)
	}
	if t.Level == merkle.Entries {
		return r.entries(ctx, newest.Log, t)
	}
	hashes, err := r.tree(ctx, epochsTree(newest.Log)).tile(t.Level, t.Index, t.Width)
	if err != nil {
		return nil, err
	}
	return join(hashes), nil
}

func (r *Reader) entries(ctx context.Context, log int, t merkle.Tile) (bundle []byte, err error) {
	records, err := r.records(ctx, log, t.Index*merkle.TileWidth, t.Width)
	for _, record := range records {
		if err == nil {
			bundle, err = merkle.AppendEntry(bundle, record)
		}
	}
	return bundle, err
}

// records reads consecutive records, all of which must be there.
func (r *Reader) records(ctx context.Context, log int, from int64, n int) ([][]byte, error) {
	const sql = `SELECT record FROM epochs WHERE log = $1 AND number >= $2 AND number < $3 ORDER BY number`
	rows, _ := r.db.Query(ctx, sql, log, from, from+int64(n)) // its error comes out of the rows
	records, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err == nil && len(records) != n {
		err = fmt.Errorf("%w: of the epochs %d to %d the tables hold %d", ErrRefused, from, from+int64(n)-1, len(records))
	}
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	return records, nil
}

// tree reads one tree. It lives as long as one question.
func (r *Reader) tree(ctx context.Context, name string) *tree {
	return &tree{ctx: ctx, reader: r, name: name}
}

type tree struct {
	ctx    context.Context // of the question; package tlog hands none through
	reader *Reader
	name   string
}

// ReadHashes implements [tlog.HashReader].
func (t *tree) ReadHashes(indexes []int64) ([]merkle.Hash, error) {
	type place struct {
		level int
		n     int64
	}
	widths := map[place]int{}
	for _, i := range indexes {
		tile := tlog.TileForIndex(tileLevels, i)
		at := place{tile.L, tile.N}
		widths[at] = max(widths[at], tile.W)
	}
	data := make(map[place][]byte, len(widths))
	for at, width := range widths {
		hashes, err := t.tile(at.level, at.n, width)
		if err != nil {
			return nil, err
		}
		data[at] = join(hashes)
	}
	found := make([]merkle.Hash, len(indexes))
	for i, index := range indexes {
		tile := tlog.TileForIndex(tileLevels, index)
		at := place{tile.L, tile.N}
		tile.W = widths[at]
		var err error
		if found[i], err = tlog.HashFromTile(tile, data[at], index); err != nil {
			return nil, fmt.Errorf("node %d of the tree %s: %w", index, t.name, err)
		}
	}
	return found, nil
}

// tile gives the first width hashes of a tile.
func (t *tree) tile(level int, index int64, width int) (hashes []merkle.Hash, err error) {
	from := index * merkle.TileWidth
	switch {
	case level > 0:
		hashes, err = t.stored(level, from, width)
	case t.name == eventsTree:
		hashes, err = t.reader.eventLeaves(t.ctx, from, width)
	case strings.HasPrefix(t.name, "epochs-"):
		hashes, err = t.epochLeaves(from, width)
	default:
		hashes, err = t.reader.trailLeaves(t.ctx, events.TrailID(t.name), from, width)
	}
	if err == nil && len(hashes) != width {
		err = fmt.Errorf("%w: of the tree %s, level %d, the tables hold %d of the %d hashes from %d on", ErrRefused, t.name, level, len(hashes), width, from)
	}
	return hashes, err
}

// stored reads the roots of full subtrees of 256^level leaves.
func (t *tree) stored(level int, from int64, width int) ([]merkle.Hash, error) {
	const sql = `SELECT hash FROM tree_nodes WHERE tree = $1 AND level = $2 AND n >= $3 AND n < $4 ORDER BY n`
	rows, _ := t.reader.db.Query(t.ctx, sql, t.name, level, from, from+int64(width)) // its error comes out of the rows
	stored, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read nodes: %w", err)
	}
	hashes := make([]merkle.Hash, len(stored))
	for i := range stored {
		if err := toHash(&hashes[i], stored[i]); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

func (t *tree) epochLeaves(from int64, width int) ([]merkle.Hash, error) {
	var log int
	if _, err := fmt.Sscanf(t.name, "epochs-%d", &log); err != nil {
		return nil, err
	}
	records, err := t.reader.records(t.ctx, log, from, width)
	hashes := make([]merkle.Hash, len(records))
	for i, record := range records {
		hashes[i] = merkle.LeafHash(record)
	}
	return hashes, err
}

// eventLeaves hashes events of the log itself. Those of a tile that a detached partition cut are
// hashes already.
func (r *Reader) eventLeaves(ctx context.Context, from int64, width int) ([]merkle.Hash, error) {
	hashes, err := r.loggedLeaves(ctx, from, width)
	if !errors.Is(err, events.ErrArchived) {
		return hashes, err
	}
	left, to, err := r.edgeLeaves(ctx, from)
	if err != nil || len(left) >= width {
		return left[:min(len(left), width)], err
	}
	hashes, err = r.loggedLeaves(ctx, to, width-len(left))
	return append(left, hashes...), err
}

func (r *Reader) loggedLeaves(ctx context.Context, from int64, width int) ([]merkle.Hash, error) {
	hashes := make([]merkle.Hash, 0, width)
	for block, err := range r.config.Log.Blocks(ctx, events.Position(from), false) {
		if err == nil {
			err = block.Lines(func(line eventstore.Line) error {
				if int64(line.Position) > from && len(hashes) < width {
					hashes = append(hashes, merkle.LeafHash(line.Leaf))
				}
				return nil
			})
		}
		if err != nil {
			return nil, err
		}
		if len(hashes) == width {
			break
		}
	}
	return hashes, nil
}

// trailLeaves reads the hashes of a trail's leaves out of the runs that overlap.
func (r *Reader) trailLeaves(ctx context.Context, trail events.TrailID, from int64, width int) ([]merkle.Hash, error) {
	const sql = `SELECT size, leaves FROM tree_trails WHERE trail = $1 AND size > $2
		AND size <= coalesce((SELECT min(size) FROM tree_trails WHERE trail = $1 AND size >= $3), $3) ORDER BY size`
	rows, _ := r.db.Query(ctx, sql, string(trail), from, from+int64(width)) // its error comes out of the rows
	hashes := make([]merkle.Hash, 0, width)
	var size int64
	var run []byte
	_, err := pgx.ForEachRow(rows, []any{&size, &run}, func() error {
		first := size - int64(len(run)/32)
		for n := max(first, from); n < min(size, from+int64(width)); n++ {
			var h merkle.Hash
			if err := toHash(&h, run[(n-first)*32:(n-first+1)*32]); err != nil {
				return err
			}
			hashes = append(hashes, h)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the leaves of trail %s: %w", trail, err)
	}
	return hashes, nil
}

func join(hashes []merkle.Hash) []byte {
	joined := make([]byte, 0, len(hashes)*len(merkle.Hash{}))
	for _, h := range hashes {
		joined = append(joined, h[:]...)
	}
	return joined
}
