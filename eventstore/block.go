// A block: the events of one group commit, as they are stored and as they are read.

package eventstore

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// Block is all events of one group commit. It is shared between readers and
// immutable.
type Block struct {
	First, Last events.Position
	// Term grows by one with each promotion of a Postgres server.
	Term       int64
	RecordedAt time.Time

	timeline int32
	writer   uuid.UUID // the process that appended it
	seq      int64     // of that writer's blocks
	leaves   []byte    // each line ended by a newline
	sealed   []byte
	tally    map[events.TrailID]events.Position
	values   *sealedValues // opens sealed; nil without keys
	traces   []traced      // of its events, where this process appended them and traces

	once     sync.Once // guards the two below
	recorded []events.Recorded
	err      error
}

// Events decodes the block, once. Personal values are there if the log was
// opened with keys that open them, else empty. The result is shared and must not
// be changed. The error wraps [ErrCorrupt].
func (b *Block) Events() ([]events.Recorded, error) {
	b.once.Do(func() {
		if b.recorded, b.err = b.decode(); b.err != nil {
			b.recorded, b.err = nil, fmt.Errorf("block %d to %d: %w: %w", b.First, b.Last, ErrCorrupt, b.err)
		}
	})
	return b.recorded, b.err
}

func (b *Block) decode() ([]events.Recorded, error) {
	sealed, err := b.values.open()
	if err != nil {
		return nil, err
	}
	recorded := make([]events.Recorded, 0, b.Last-b.First+1)
	for line := range bytes.Lines(b.leaves) {
		r, err := b.decodeLine(line, b.First+events.Position(len(recorded)))
		if err != nil {
			return nil, err
		}
		r.Event = events.WithSealed(r.Event, sealed[r.Position])
		recorded = append(recorded, r)
	}
	if n := events.Position(len(recorded)); n != b.Last-b.First+1 {
		return nil, fmt.Errorf("it has %d lines", n)
	}
	b.markTraces(recorded)
	return recorded, nil
}

func (b *Block) decodeLine(line []byte, at events.Position) (events.Recorded, error) {
	leaf, ended := bytes.CutSuffix(line, []byte{'\n'})
	if !ended {
		return events.Recorded{}, fmt.Errorf("line %d has no end", at)
	}
	r, err := events.Decode(leaf[:len(leaf):len(leaf)])
	if err != nil {
		return r, err
	}
	if r.Position != at || !r.RecordedAt.Equal(b.RecordedAt) {
		return r, fmt.Errorf("the line at %d says position %d, %s", at, r.Position, r.RecordedAt)
	}
	return r, nil
}

// Trails gives each trail that has events in the block, and how many.
func (b *Block) Trails() iter.Seq2[events.TrailID, events.Position] { return maps.All(b.tally) }

// Line is an event of a block, as far as its envelope tells without decoding it.
type Line struct {
	Position      events.Position
	Trail         events.TrailID
	TrailPosition events.Position
	Leaf          []byte // the canonical line, without its newline; shared, not to be changed
}

// Lines gives the block's events in order, at a fraction of the cost of Events. It
// checks the number of lines and of each trail's, not what the lines say: no line is
// given that the tally does not count. The error wraps [ErrCorrupt].
func (b *Block) Lines(yield func(Line) error) error {
	at, counted := b.First, make(map[events.TrailID]events.Position, len(b.tally))
	for raw := range bytes.Lines(b.leaves) {
		leaf := bytes.TrimSuffix(raw, []byte{'\n'})
		line, err := envelope(leaf[:len(leaf):len(leaf)])
		if err != nil || line.Position != at {
			return fmt.Errorf("block %d to %d: %w: the line at %d has another place", b.First, b.Last, ErrCorrupt, at)
		}
		at++
		if counted[line.Trail]++; counted[line.Trail] > b.tally[line.Trail] {
			return fmt.Errorf("block %d to %d: %w: its tally does not count the line at %d", b.First, b.Last, ErrCorrupt, line.Position)
		}
		if err := yield(line); err != nil {
			return err
		}
	}
	if at != b.Last+1 || !maps.Equal(counted, b.tally) {
		return fmt.Errorf("block %d to %d: %w: its tally counts lines that are not there", b.First, b.Last, ErrCorrupt)
	}
	return nil
}

// envelope reads the beginning of a line.
func envelope(leaf []byte) (Line, error) {
	line := Line{Leaf: leaf}
	rest, ok := bytes.CutPrefix(leaf, []byte(`{"format":1,"position":`))
	position, rest, found := bytes.Cut(rest, []byte(`,"trail":"`))
	trail, rest, closed := bytes.Cut(rest, []byte(`","trail_position":`))
	count, _, ended := bytes.Cut(rest, []byte(`,`))
	if !ok || !found || !closed || !ended {
		return line, errEnvelope
	}
	line.Trail = events.TrailID(trail)
	return line, errors.Join(number(position, &line.Position), number(count, &line.TrailPosition))
}

var errEnvelope = errors.New("the line has no known envelope")

// number reads an integer, which stands in quotes where it is above 2^53.
func number(digits []byte, into *events.Position) error {
	n, err := strconv.ParseInt(string(bytes.Trim(digits, `"`)), 10, 64)
	*into = events.Position(n)
	return err
}

// versionKey comes first in a line before the version: what stands to its left,
// numbers and names, has no quote of its own.
var (
	versionKey  = []byte(`,"version":`)
	observation = []byte(`0,`)
)

// changes tells what the block's decisions do to their streams. Observations,
// which are most lines, are not decoded for it.
func (b *Block) changes(hash *streamHash) ([]change, error) {
	var all []change
	for line := range bytes.Lines(b.leaves) {
		_, rest, _ := bytes.Cut(line, versionKey)
		if bytes.HasPrefix(rest, observation) {
			continue
		}
		r, err := events.Decode(bytes.TrimSuffix(line, []byte{'\n'}))
		if err != nil {
			return nil, fmt.Errorf("block %d to %d: %w: %w", b.First, b.Last, ErrCorrupt, err)
		}
		c := change{key: hash.key(r.Stream), kind: r.Stream.Kind(), position: r.Position, version: r.Version}
		c.gate, c.gated = events.GateAfter(r.Event)
		c.erased = events.ErasedBy(r.Stream, r.Event)
		_, c.unknown = r.Event.(events.Unknown)
		all = append(all, c)
	}
	return all, nil
}

// follows reports whether the block may come after what ends at last. Only the
// first block of a reading may begin before, since it holds the event after last.
func (b *Block) follows(last events.Position, first bool) error {
	if b.First == last+1 || (first && b.First <= last && b.Last > last) {
		return nil
	}
	return fmt.Errorf("%w: after position %d comes a block from %d to %d", ErrCorrupt, last, b.First, b.Last)
}

const blockColumns = `last_position, first_position, term, timeline, recorded_at, leaves, tally, sealed, writer, writer_seq`

func scanBlock(row pgx.CollectableRow) (*Block, error) {
	b := new(Block)
	err := row.Scan(&b.Last, &b.First, &b.Term, &b.timeline, &b.RecordedAt, &b.leaves, &b.tally, &b.sealed, &b.writer, &b.seq)
	b.RecordedAt = b.RecordedAt.UTC()
	return b, err
}
