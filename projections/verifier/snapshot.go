// Snapshots: the memory as of a position, so that a start reads what came after it and not all of history.

package verifier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Snapshots keeps one snapshot for all processes. What it keeps is sealed, and
// worth no more trust than that gives it.
type Snapshots interface {
	// Newest is the position of the snapshot that is kept; 0: there is none.
	Newest(ctx context.Context) (events.Position, error)
	// Parts gives its parts in order. Each is good until the next one.
	Parts(ctx context.Context) iter.Seq2[[]byte, error]
	// Replace keeps another one in its place, all of it or none. It does nothing
	// where another process is at it.
	Replace(ctx context.Context, at events.Position, parts iter.Seq[[]byte]) error
}

// Sealer seals snapshots with a key of the key file, so that whoever can write to
// the database cannot make one.
type Sealer interface {
	Seal(plain []byte) []byte
	Open(sealed []byte) ([]byte, error)
}

const (
	// snapshotFormat changes with whatever a scribe does; a snapshot of another
	// format is not read.
	snapshotFormat = 1
	// partSize bounds what is in memory of a snapshot while it is written or read, and
	// for how long the memory is locked.
	partSize = 1 << 17
	// snapshotLeast is after how many decisions, at least, a snapshot is written;
	// a large memory is written less often, so that writing stays a small part of
	// appending.
	snapshotLeast = 10_000
	snapshotEvery = time.Minute // is looked whether it is time
)

// mark is a place in one log's history: a decision and its hash. A log that was
// restored to an earlier point and went on differently has another one there.
type mark struct {
	position events.Position
	hash     [32]byte
}

// The kinds of records in a snapshot.
const (
	kindToken uint8 = 1 + iota
	kindUser
	kindMember
	kindOrganization
)

// heading is what a part begins with.
type heading struct {
	format uint64
	mark   mark
	number uint64
	last   bool
}

func (s *scribe) heading(h *heading) {
	integer(s, &h.format)
	integer(s, &h.mark.position)
	s.bytes(h.mark.hash[:])
	integer(s, &h.number)
	s.flags(&h.last)
}

// press makes the parts of a snapshot. Each entry is as of the mark or later; who
// reads it applies the decisions after the mark, and skips those it has by their
// versions. So the memory is locked for one part at a time and no longer.
type press struct {
	scribe
	seal  Sealer
	head  heading
	yield func([]byte) bool
	ended bool // nobody wants more
}

func (v *Verifier) parts() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		p := press{seal: v.sealer, yield: yield}
		p.lists, p.numbers = v.state.lists, map[uint32]uint64{}
		v.mu.RLock()
		defer v.mu.RUnlock()
		p.head = heading{format: snapshotFormat, mark: v.decided}
		p.begin()
		printAll(v, &p, kindToken, v.state.tokens.all(), func(_ *uuid.UUID, t *token) { p.token(t) })
		// Members go before users: what begins a membership, and is skipped where the
		// member is younger than the mark, also stands in the user.
		printAll(v, &p, kindMember, maps.All(v.state.members), p.member)
		printAll(v, &p, kindUser, maps.All(v.state.users), p.user)
		printAll(v, &p, kindOrganization, maps.All(v.state.orgs), p.organization)
		if !p.ended {
			p.head.last = true
			p.turn(v)
		}
	}
}

func (p *press) begin() {
	p.b = append(p.b[:0], make([]byte, headingRoom)...)
}

// headingRoom is at the front of a part until it is known whether it is the last.
const headingRoom = 64

// turn gives a part away, while the memory may change.
func (p *press) turn(v *Verifier) {
	front := scribe{}
	front.heading(&p.head)
	start := headingRoom - len(front.b)
	copy(p.b[start:], front.b)
	sealed := p.seal.Seal(p.b[start:])
	v.mu.RUnlock()
	p.ended = !p.yield(sealed)
	v.mu.RLock()
	p.head.number++
	p.begin()
}

func printAll[K comparable, V any](v *Verifier, p *press, kind uint8, all iter.Seq2[K, *V], walk func(*K, *V)) {
	if p.ended {
		return
	}
	for k, x := range all { // goes from one to the next with the memory locked
		integer(&p.scribe, &kind)
		walk(&k, x)
		if len(p.b) < v.partSize {
			continue
		}
		if p.turn(v); p.ended {
			return
		}
	}
}

// restored is a state as a snapshot has it.
func restored(parts iter.Seq2[[]byte, error], sealer Sealer, into state) (at mark, err error) {
	s := scribe{reading: true, lists: into.lists}
	next := heading{}
	for sealed, err := range parts {
		if err != nil {
			return mark{}, err
		}
		plain, err := sealer.Open(sealed)
		if err != nil {
			return mark{}, err
		}
		s.b = plain
		var h heading
		s.heading(&h)
		switch {
		case s.err != nil || next.last:
			return mark{}, errScript
		case h.format != snapshotFormat:
			return mark{}, errFormat
		case h.number != next.number || h.number > 0 && h.mark != next.mark:
			return mark{}, errScript
		}
		for len(s.b) > 0 {
			s.record(into)
		}
		if s.err != nil {
			return mark{}, s.err
		}
		next = heading{mark: h.mark, number: h.number + 1, last: h.last}
	}
	if next.number > 0 && !next.last {
		return mark{}, errScript
	}
	return next.mark, nil
}

// errFormat: the snapshot is one of another program.
var errFormat = errors.New("the snapshot of the verifier's memory is that of another program")

// record reads one entry.
func (s *scribe) record(into state) {
	var kind uint8
	integer(s, &kind)
	switch kind {
	case kindToken:
		s.read = token{}
		if s.token(&s.read); s.err == nil {
			*into.tokens.entry(s.read.id) = s.read
		}
	case kindUser:
		readInto(into.users, s.user)
	case kindMember:
		readInto(into.members, s.member)
	case kindOrganization:
		readInto(into.orgs, s.organization)
	default:
		s.fail()
	}
}

func readInto[K comparable, V any](all map[K]*V, walk func(*K, *V)) {
	var k K
	v := new(V)
	walk(&k, v)
	all[k] = v
}

// recall fills an empty memory from the snapshot, if there is one that can be
// read, and tells up to where. One that cannot be is as good as none, and replaced
// when the next is due.
func (v *Verifier) recall(ctx context.Context) mark {
	if v.snapshots == nil {
		return mark{}
	}
	fresh := v.emptyState()
	var at mark
	newest, err := v.snapshots.Newest(ctx)
	if err == nil {
		v.saved = newest
		at, err = restored(v.snapshots.Parts(ctx), v.sealer, fresh)
	}
	if err != nil {
		if ctx.Err() == nil {
			v.logger.WarnContext(ctx, "the verifier reads all decisions, since its snapshot cannot be used", "error", err)
		}
		return mark{}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = fresh
	return at
}

// forget goes back to an empty memory: the snapshot was that of another history.
func (v *Verifier) forget(ctx context.Context, at mark) {
	v.logger.WarnContext(ctx, "the verifier reads all decisions, since the log has another history than its snapshot", "position", at.position)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state, v.decided, v.unsaved = v.emptyState(), mark{}, 0
}

// keepSnapshots writes one whenever enough has been decided, until ctx ends.
func (v *Verifier) keepSnapshots(ctx context.Context) {
	if v.snapshots == nil {
		return
	}
	tick := time.NewTicker(snapshotEvery)
	defer tick.Stop()
	for {
		if err := v.snapshotIfDue(ctx); err != nil && ctx.Err() == nil {
			v.logger.WarnContext(ctx, "the verifier's snapshot could not be written", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (v *Verifier) snapshotIfDue(ctx context.Context) error {
	v.mu.RLock()
	at, unsaved, due := v.decided.position, v.unsaved, max(v.snapshotLeast, v.state.tokens.len()/4)
	v.mu.RUnlock()
	if unsaved < due {
		return nil
	}
	newest, err := v.snapshots.Newest(ctx)
	if err != nil {
		return fmt.Errorf("look for the newest snapshot: %w", err)
	}
	if newest <= v.saved {
		if err := v.snapshots.Replace(ctx, at, v.parts()); err != nil {
			return fmt.Errorf("write a snapshot: %w", err)
		}
		newest = at
	} // else another process has written one meanwhile
	v.saved = newest
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unsaved -= unsaved
	return nil
}
