// Verifying an archive, with the log's key and nothing else.

package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Proven is what a verification has shown.
type Proven struct {
	Events int64
	Trails int
	Epoch  merkle.Epoch // which holds all events
	// Edge is the events tree up to the last event, as a detached partition leaves it.
	Edge eventstore.Edge
}

func fail(v merkle.Verdict, line int64, format string, args ...any) error {
	return &merkle.Failure{Verdict: v, Line: line, Err: fmt.Errorf(format, args...)}
}

// Verify shows that the archive holds exactly the events of its positions, as the log recorded
// them: every leaf is hashed into the events tree, and that is the beginning of the one that
// a checkpoint has signed by one of the keys. each, which may be nil, is given every block.
// The error is a [merkle.Failure].
func (r *Reader) Verify(keys []note.Verifier, each func(eventstore.StoredBlock) error) (Proven, error) {
	if err := r.signedBy(keys); err != nil {
		return Proven{}, fail(merkle.Unsigned, 0, "the manifest is not signed by the key: %w", err)
	}
	c := checker{reader: r, trails: map[events.TrailID]events.Position{}, digest: sha256.New(), line: 1, each: each}
	if err := c.edge.UnmarshalBinary(r.Manifest.Frontier); err != nil || c.edge.Size() != r.Manifest.First-1 {
		return Proven{}, fail(merkle.Malformed, 0, "the frontier before position %d cannot be read", r.Manifest.First)
	}
	if err := c.blocks(); err != nil {
		return Proven{}, err
	}
	return c.proven(keys)
}

// checker is a verification under way.
type checker struct {
	reader *Reader
	edge   merkle.Frontier
	trails map[events.TrailID]events.Position // the last number of each
	digest interface {
		Write(p []byte) (int, error)
		Sum(b []byte) []byte
	}
	tile  []byte // hashes of the leaves of the tile that is not full
	count int64  // of blocks
	line  int64
	each  func(eventstore.StoredBlock) error
}

func (c *checker) blocks() error {
	for i := range c.reader.blocks() {
		lines, err := c.reader.frame(i)
		if err != nil {
			return &merkle.Failure{Verdict: merkle.Malformed, Line: c.line, Err: err}
		}
		_, _ = c.digest.Write(lines)
		for first := true; len(lines) > 0; first = false {
			s, root, rest, err := take(lines)
			if err != nil {
				return &merkle.Failure{Verdict: merkle.Malformed, Line: c.line, Err: err}
			}
			if at := c.reader.places.Frames[i].First; first && at != s.First {
				return fail(merkle.Malformed, c.line, "the list of frames says position %d, the frame begins at %d", at, s.First)
			}
			if err := c.block(s, root); err != nil {
				return err
			}
			lines = rest
		}
	}
	m := c.reader.Manifest
	if c.count != m.Blocks || c.edge.Size() != m.Last {
		return fail(merkle.Incomplete, c.line, "it holds %d blocks up to position %d; there should be %d up to %d", c.count, c.edge.Size(), m.Blocks, m.Last)
	}
	return nil
}

func (c *checker) block(s eventstore.StoredBlock, root string) error {
	if int64(s.First) != c.edge.Size()+1 {
		return fail(merkle.Incomplete, c.line, "after position %d comes a block from %d to %d", c.edge.Size(), s.First, s.Last)
	}
	c.count, c.line = c.count+1, c.line+1
	err := s.Block().Lines(func(line eventstore.Line) error {
		if before, ok := c.trails[line.Trail]; ok && line.TrailPosition != before+1 {
			return fail(merkle.Incomplete, c.line, "position %d is number %d of trail %s, after %d", line.Position, line.TrailPosition, line.Trail, before)
		}
		c.trails[line.Trail] = line.TrailPosition
		hash := merkle.LeafHash(line.Leaf)
		if c.edge.Append(hash); c.edge.Size()%merkle.TileWidth == 0 {
			c.tile = c.tile[:0]
		} else {
			c.tile = append(c.tile, hash[:]...)
		}
		c.line++
		return nil
	})
	if failure := (*merkle.Failure)(nil); errors.As(err, &failure) {
		return failure
	}
	if err != nil {
		return fail(merkle.Altered, c.line, "%w", err)
	}
	if c.edge.Root().String() != root {
		return fail(merkle.Altered, c.line-1, "the events up to position %d are not those that were archived", s.Last)
	}
	if c.each != nil {
		return c.each(s)
	}
	return nil
}

// proven follows the proof from the root to the checkpoint.
func (c *checker) proven(keys []note.Verifier) (Proven, error) {
	m := c.reader.Manifest
	if sum := hex.EncodeToString(c.digest.Sum(nil)); sum != m.Digest {
		return Proven{}, fail(merkle.Altered, 0, "the lines are not those that were archived")
	}
	epoch, err := merkle.ParseEpoch([]byte(m.Proof.Epoch))
	if err != nil {
		return Proven{}, fail(merkle.Malformed, 0, "the epoch: %w", err)
	}
	signed, err := merkle.OpenCheckpoint([]byte(m.Proof.Checkpoint), keys...)
	if err == nil && signed.Origin != m.Proof.Log {
		err = fmt.Errorf("it is of %s", signed.Origin)
	}
	if err != nil {
		return Proven{}, fail(merkle.Unsigned, 0, "the checkpoint is not one of %s: %w", m.Proof.Log, err)
	}
	leaf := merkle.LeafHash([]byte(m.Proof.Epoch))
	if err := merkle.VerifyInclusion(epoch.Number, signed.Size, leaf, signed.Root, m.Proof.Inclusion); err != nil {
		return Proven{}, fail(merkle.Altered, 0, "the epoch does not stand under the checkpoint: %w", err)
	}
	if root := c.edge.Root(); root.String() != m.Root ||
		merkle.VerifyConsistency(m.Last, epoch.Size, root, epoch.Root, m.Proof.Consistency) != nil {
		return Proven{}, fail(merkle.Altered, 0, "the events are not those that epoch %d has signed", epoch.Number)
	}
	edge, err := c.edge.MarshalBinary()
	return Proven{
		Events: m.Last - m.First + 1, Trails: len(c.trails), Epoch: epoch, Edge: eventstore.Edge{Frontier: edge, Leaves: c.tile},
	}, err
}
