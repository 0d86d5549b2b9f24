// Proofs out of the tables: heads, frontiers, inclusion and consistency.

package sealer

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// ErrNotHeld is returned for what an epoch does not hold: an organization, a trail
// or an event that came after it.
var ErrNotHeld = errors.New("the epoch does not hold this")

// Head is an organization's head in an epoch and the proof that it stands in the
// heads tree. The salt in it is for members of that organization only.
type Head struct {
	merkle.Head
	Line  []byte
	Proof merkle.Proof
}

// Bound is one end of the evidence about an organization: the checkpoint of an
// epoch, the proof of the epoch in it, the organization's head and its proof. In an
// epoch before the organization, Head is empty.
func (r *Reader) Bound(ctx context.Context, s Sealed, organization events.TrailID) (merkle.Bound, error) {
	b := merkle.Bound{Checkpoint: s.Checkpoint, Epoch: s.Record}
	var err error
	if b.EpochProof, err = r.EpochInclusion(ctx, s, s); err != nil {
		return b, err
	}
	head, err := r.Head(ctx, s, organization)
	if errors.Is(err, ErrNotHeld) {
		return b, nil
	}
	b.Head, b.HeadProof = head.Line, head.Proof
	return b, err
}

// Head is the organization's head in an epoch. The error wraps [ErrNotHeld] where
// the organization came later.
func (r *Reader) Head(ctx context.Context, s Sealed, organization events.TrailID) (Head, error) {
	index, err := r.index(ctx, organization)
	if err != nil {
		return Head{}, err
	}
	if index >= s.Epoch.Organizations {
		return Head{}, fmt.Errorf("organization %s in epoch %d: %w", organization, s.Epoch.Number, ErrNotHeld)
	}
	of, err := r.heads(ctx, s)
	if err != nil {
		return Head{}, err
	}
	h := Head{Head: of.heads[index]}
	if h.Line, err = h.Head.Line(); err != nil {
		return Head{}, err
	}
	h.Proof, err = merkle.ProveInclusion(of.tree, index, of.tree.Size())
	return h, err
}

// headsOf are the heads of an epoch, salted, and their tree.
type headsOf struct {
	heads []merkle.Head
	tree  *merkle.Tree
}

// heads makes the heads tree of an epoch from the tables, or refuses tables that do
// not give the one that was signed.
func (r *Reader) heads(ctx context.Context, s Sealed) (headsOf, error) {
	heads, err := readHeads(ctx, r.db, s.Epoch.Size, s.Epoch.Organizations)
	if err != nil {
		return headsOf{}, err
	}
	blinder, err := merkle.NewBlinder(r.config.Blinding)
	if err != nil {
		return headsOf{}, err
	}
	tree, err := blinder.HeadsTree(s.Epoch.Number, heads)
	if err == nil && tree.Root() != s.Epoch.Heads {
		err = errors.New("another root")
	}
	if err != nil {
		return headsOf{}, fmt.Errorf("%w: the heads in the tables are not those of epoch %d: %w", ErrRefused, s.Epoch.Number, err)
	}
	return headsOf{heads, tree}, nil
}

func (r *Reader) index(ctx context.Context, organization events.TrailID) (index int64, err error) {
	const sql = `SELECT organization FROM tree_organizations WHERE trail = $1`
	err = r.db.QueryRow(ctx, sql, string(organization)).Scan(&index)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("organization %s: %w", organization, ErrNotHeld)
	}
	if err != nil {
		return 0, fmt.Errorf("read the index of an organization: %w", err)
	}
	return index, nil
}

// readHeads gives the heads of all organizations, or of the first count, as of a
// position that a step ended at. Their salts are not set.
func readHeads(ctx context.Context, q querier, position, count int64) ([]merkle.Head, error) {
	const sql = `SELECT o.organization, k.size, k.root FROM tree_organizations o
		CROSS JOIN LATERAL (SELECT size, root FROM tree_trails WHERE trail = o.trail AND position <= $1 ORDER BY position DESC LIMIT 1) AS k
		WHERE $2 < 0 OR o.organization < $2 ORDER BY o.organization`
	rows, _ := q.Query(ctx, sql, position, count) // its error comes out of the rows
	heads, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h merkle.Head, err error) {
		var root []byte
		if err = row.Scan(&h.Index, &h.Size, &root); err == nil {
			err = toHash(&h.Root, root)
		}
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	return heads, nil
}

func toHash(h *merkle.Hash, stored []byte) error {
	if copy(h[:], stored) != len(h) || len(stored) != len(h) {
		return fmt.Errorf("%w: the tables hold a hash of %d bytes", ErrRefused, len(stored))
	}
	return nil
}

// Frontier is the right edge of a trail's tree in an epoch: its size is the number
// of the trail's events there, 0 for a trail that came later.
func (r *Reader) Frontier(ctx context.Context, s Sealed, trail events.TrailID) (edge merkle.Frontier, err error) {
	var stored []byte
	const sql = `SELECT frontier FROM tree_trails WHERE trail = $1 AND position <= $2 ORDER BY position DESC LIMIT 1`
	err = r.db.QueryRow(ctx, sql, string(trail), s.Epoch.Size).Scan(&stored)
	if errors.Is(err, pgx.ErrNoRows) {
		return edge, nil
	}
	if err == nil {
		err = edge.UnmarshalBinary(stored)
	}
	if err != nil {
		return edge, fmt.Errorf("read the frontier of trail %s: %w", trail, err)
	}
	return edge, nil
}

// EventInclusion proves an event in the events tree of an epoch.
func (r *Reader) EventInclusion(ctx context.Context, s Sealed, p events.Position) (merkle.Proof, error) {
	if p < 1 || int64(p) > s.Epoch.Size {
		return nil, fmt.Errorf("position %d in epoch %d: %w", p, s.Epoch.Number, ErrNotHeld)
	}
	return merkle.ProveInclusion(r.tree(ctx, eventsTree), int64(p)-1, s.Epoch.Size)
}

// EventConsistency proves that the events tree of the newer epoch goes on that of the older.
func (r *Reader) EventConsistency(ctx context.Context, older, newer Sealed) (merkle.Proof, error) {
	return merkle.ProveConsistency(r.tree(ctx, eventsTree), older.Epoch.Size, newer.Epoch.Size)
}

// TrailInclusion proves an event, by its number in its trail, in the trail's tree of
// an epoch. For the first event of an organization it is [merkle.Evidence.FirstProof].
func (r *Reader) TrailInclusion(ctx context.Context, s Sealed, trail events.TrailID, number events.Position) (merkle.Proof, error) {
	edge, err := r.Frontier(ctx, s, trail)
	if err != nil {
		return nil, err
	}
	if number < 1 || int64(number) > edge.Size() {
		return nil, fmt.Errorf("number %d of trail %s in epoch %d: %w", number, trail, s.Epoch.Number, ErrNotHeld)
	}
	return merkle.ProveInclusion(r.tree(ctx, string(trail)), int64(number)-1, edge.Size())
}

// EpochInclusion proves an epoch under the checkpoint of the same or a later one.
func (r *Reader) EpochInclusion(ctx context.Context, s, under Sealed) (merkle.Proof, error) {
	if s.Log != under.Log {
		return nil, ErrOtherLog
	}
	return merkle.ProveInclusion(r.tree(ctx, epochsTree(s.Log)), s.Epoch.Number, under.Size())
}

// Consistency proves that the checkpoint of the newer epoch goes on that of the
// older. The error is [ErrOtherLog] where a restore lies between.
func (r *Reader) Consistency(ctx context.Context, older, newer Sealed) (merkle.Proof, error) {
	if older.Log != newer.Log {
		return nil, ErrOtherLog
	}
	return r.ConsistencyOf(ctx, newer.Log, older.Size(), newer.Size())
}

// ConsistencyOf proves that a log of epochs of one size goes on what it was at a smaller.
func (r *Reader) ConsistencyOf(ctx context.Context, log int, older, newer int64) (merkle.Proof, error) {
	return merkle.ProveConsistency(r.tree(ctx, epochsTree(log)), older, newer)
}

// epochsRoot is the root of a log of epochs at a size, from its records.
func (r *Reader) epochsRoot(ctx context.Context, log int, size int64) (merkle.Hash, error) {
	return merkle.RootAt(r.tree(ctx, epochsTree(log)), size)
}
