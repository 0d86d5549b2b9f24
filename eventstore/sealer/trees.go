// The trees in memory: the events tree, and the trees of the trails in use.

package sealer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

const (
	// tileLevels is how many levels of a tree make one level of tiles.
	tileLevels = 8
	// keptTrails is how many trails, at most, stay in memory after a step.
	keptTrails = 4096

	eventsTree = "events"
)

// treeNode is the root of a full subtree, as the tables keep it.
type treeNode struct {
	tree  string
	level int
	n     int64
	hash  merkle.Hash
}

// trail is a trail's tree since the last step.
type trail struct {
	edge         merkle.Frontier
	organization int64 // index of the organization; -1: the trail of no organization
	leaves       []byte
}

// trees are as of the last block that was pushed.
type trees struct {
	events  merkle.Frontier
	trails  map[events.TrailID]*trail // those that are known, and all with unwritten leaves
	heads   []merkle.Head             // by the organization's index; right after settle
	touched map[events.TrailID]*trail // have unwritten leaves
	founded []events.TrailID          // organizations that are new
	nodes   []treeNode                // unwritten

	unwritten int // events
	scratch   []merkle.Hash
}

func (t *trees) position() events.Position { return events.Position(t.events.Size()) }

// push appends the leaves of the block that comes next.
func (t *trees) push(ctx context.Context, conn *pgx.Conn, block *eventstore.Block) error {
	if err := t.know(ctx, conn, block); err != nil {
		return err
	}
	return block.Lines(func(line eventstore.Line) error {
		if line.Position <= t.position() {
			return nil // the first block of a reading may begin before
		}
		if line.Position != t.position()+1 {
			return fmt.Errorf("%w: after position %d comes %d", eventstore.ErrCorrupt, t.position(), line.Position)
		}
		return t.pushLine(line)
	})
}

func (t *trees) pushLine(line eventstore.Line) error {
	k := t.trails[line.Trail]
	if line.TrailPosition != events.Position(k.edge.Size()+1) {
		return fmt.Errorf("%w: position %d is number %d of trail %s, after number %d",
			eventstore.ErrCorrupt, line.Position, line.TrailPosition, line.Trail, k.edge.Size())
	}
	if _, ok := line.Trail.Organization(); ok && k.edge.Size() == 0 {
		if err := t.found(k, line); err != nil {
			return err
		}
	}
	hash := merkle.LeafHash(line.Leaf)
	t.append(eventsTree, &t.events, hash)
	t.append(string(line.Trail), &k.edge, hash)
	k.leaves = append(k.leaves, hash[:]...)
	t.touched[line.Trail] = k
	t.unwritten++
	return nil
}

// found gives a new organization its place among the heads.
func (t *trees) found(k *trail, line eventstore.Line) error {
	first, err := events.Decode(line.Leaf)
	if err != nil {
		return fmt.Errorf("%w: position %d: %w", eventstore.ErrCorrupt, line.Position, err)
	}
	created, ok := first.Event.(events.OrganizationCreated)
	if !ok {
		return fmt.Errorf("%w: the trail of organization %s begins at position %d with %s",
			eventstore.ErrCorrupt, line.Trail, line.Position, first.Event.Type())
	}
	if created.Index != int64(len(t.heads)) {
		return fmt.Errorf("%w: organization %s has index %d, and %d organizations came before it",
			eventstore.ErrCorrupt, line.Trail, created.Index, len(t.heads))
	}
	k.organization = created.Index
	t.heads = append(t.heads, merkle.Head{Index: created.Index, Root: merkle.EmptyRoot})
	t.founded = append(t.founded, line.Trail)
	return nil
}

// append adds a leaf and notes the full tiles' roots that it completes.
func (t *trees) append(tree string, edge *merkle.Frontier, leaf merkle.Hash) {
	t.scratch = edge.AppendNodes(t.scratch[:0], leaf)
	t.nodes = appendNodes(t.nodes, tree, edge.Size(), t.scratch)
}

// appendNodes picks those of the nodes completed by the last leaf that tables keep.
func appendNodes(to []treeNode, tree string, size int64, completed []merkle.Hash) []treeNode {
	for level := tileLevels; level < len(completed); level += tileLevels {
		to = append(to, treeNode{tree, level / tileLevels, size>>level - 1, completed[level]})
	}
	return to
}

// settle brings the heads to what the trees of the trails are.
func (t *trees) settle() {
	for _, k := range t.touched {
		if k.organization >= 0 {
			h := &t.heads[k.organization]
			h.Size, h.Root = k.edge.Size(), k.edge.Root()
		}
	}
}

// written forgets what stands in the tables now.
func (t *trees) written() {
	for _, k := range t.touched {
		k.leaves = nil
	}
	if len(t.trails) > keptTrails {
		t.trails = map[events.TrailID]*trail{}
	}
	t.touched = map[events.TrailID]*trail{}
	t.founded, t.nodes, t.unwritten = nil, nil, 0
}

// checkEdge compares the frontier of a trail's tree that comes from the tables with the
// organization's head, which was signed.
func (t *trees) checkEdge(id events.TrailID, k *trail) error {
	if k.organization < 0 {
		return nil
	}
	if k.organization < int64(len(t.heads)) {
		h := t.heads[k.organization]
		if h.Index == k.organization && h.Size == k.edge.Size() && h.Root == k.edge.Root() {
			return nil
		}
	}
	return fmt.Errorf("%w: the tree of trail %s in the tables is not the one in the head of its organization", ErrRefused, id)
}

// know loads the trees of the block's trails that are not in memory.
func (t *trees) know(ctx context.Context, conn *pgx.Conn, block *eventstore.Block) error {
	var missing []string
	for id := range block.Trails() {
		if t.trails[id] == nil {
			missing = append(missing, string(id))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	const sql = `SELECT w.trail, coalesce(o.organization, -1), k.frontier FROM unnest($1::text[]) AS w (trail)
		LEFT JOIN tree_organizations o ON o.trail = w.trail
		LEFT JOIN LATERAL (SELECT frontier FROM tree_trails WHERE trail = w.trail ORDER BY position DESC LIMIT 1) AS k ON true`
	rows, _ := conn.Query(ctx, sql, missing) // its error comes out of the rows
	var id events.TrailID
	var organization int64
	var frontier []byte
	_, err := pgx.ForEachRow(rows, []any{&id, &organization, &frontier}, func() error {
		k := &trail{organization: organization}
		if frontier != nil {
			if err := k.edge.UnmarshalBinary(frontier); err != nil {
				return fmt.Errorf("%w: the tree of trail %s in the tables: %w", ErrRefused, id, err)
			}
		}
		if err := t.checkEdge(id, k); err != nil {
			return err
		}
		t.trails[id] = k
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the trees of trails: %w", err)
	}
	return nil
}
