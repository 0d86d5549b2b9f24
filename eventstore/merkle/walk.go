// The one pass over the leaves: each at its place, and together the signed tree.

package merkle

import "iter"

// checkLeaves appends every leaf to the trail and compares the outcome with the signed head.
func checkLeaves(trail Frontier, signed Head, leaves iter.Seq2[Leaf, error]) error {
	w := walk{trail: trail}
	for leaf, err := range leaves {
		at := w.trail.Size() + 1
		if err != nil {
			return as(Malformed, err).at(at, leaf.Line)
		}
		if f := checkPlace(leaf, at, signed.Size); f != nil {
			return f.at(at, leaf.Line)
		}
		w.push(leaf)
	}
	return w.finish(signed)
}

// checkPlace compares the place that an event says it has with the one where it stands.
func checkPlace(leaf Leaf, at, size int64) *Failure {
	switch {
	case leaf.TrailPosition > at:
		return fail(Incomplete, "this event is missing; the next one there is %d", leaf.TrailPosition)
	case leaf.TrailPosition < at:
		return fail(Altered, "event %d stands here a second time or out of order", leaf.TrailPosition)
	case at > size:
		return fail(Altered, "the trail had %d events, so this one was added", size)
	}
	return nil
}

// walk is the pass. Until a leaf deviates from the hash that is listed for it, the tree of the
// leaves and the tree of the listed hashes are one; from then on both grow.
type walk struct {
	trail   Frontier
	listed  Frontier // means something once there is a suspect
	suspect *Failure // the first deviation
}

func (w *walk) push(leaf Leaf) {
	hash := LeafHash(leaf.Bytes)
	expected := leaf.Listed
	if expected == (Hash{}) {
		expected = hash
	}
	if w.suspect == nil && expected != hash {
		w.suspect = fail(Altered, "this event is not the one that was recorded").at(w.trail.Size()+1, leaf.Line)
		w.listed = w.trail
	}
	if w.suspect != nil {
		w.listed.Append(expected)
	}
	w.trail.Append(hash)
}

func (w *walk) finish(signed Head) error {
	switch {
	case w.trail.Size() < signed.Size:
		return fail(Incomplete, "the trail has %d events and the evidence ends before this one", signed.Size).at(w.trail.Size()+1, 0)
	case w.trail.Root() == signed.Root && w.suspect == nil:
		return nil
	case w.trail.Root() == signed.Root:
		return fail(Malformed, "the events are those that were recorded, but the list of their hashes differs").at(w.suspect.TrailPosition, w.suspect.Line)
	case w.suspect != nil && w.listed.Root() == signed.Root:
		return w.suspect
	default:
		return fail(Altered, "at least one event up to trail position %d is not the one that was recorded; the evidence does not tell which", signed.Size)
	}
}
