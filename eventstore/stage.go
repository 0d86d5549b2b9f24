// The stage: a block in the making. Requests are checked and placed under the
// log's lock, on top of the tail, which itself changes only after COMMIT.

package eventstore

import (
	"fmt"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// stage collects what the block's transaction writes.
type stage struct {
	tail  *tail // locked while the stage fills
	head  head  // of the block: what the tail's will be
	first events.Position
	at    time.Time

	leaves  []byte
	ends    []int // of each leaf, without its newline
	tally   map[events.TrailID]events.Position
	changes []change
	states  map[streamKey]streamState // of the streams that the block changes
	lasts   map[events.StreamKind]events.Position

	decisions   decisionRows
	streams     streamRows
	credentials []events.Credential
	asked       map[answerKey]bool     // looked up
	answers     map[answerKey]answered // found in the table, or given in this block
	given       []answerKey            // of this block

	values stagedValues

	unplaceable map[*pending]error
}

// clear forgets what was found out for the last block.
func (s *stage) clear() {
	s.asked, s.answers, s.given = map[answerKey]bool{}, map[answerKey]answered{}, nil
	s.values.clear()
	s.unplaceable = map[*pending]error{}
}

// asks reports whether a key of idempotency is yet to be looked up, and counts it
// as looked up.
func (s *stage) asks(k answerKey) bool {
	before := s.asked[k]
	s.asked[k] = true
	return !before
}

// begin empties the stage for a block that follows prev.
func (s *stage) begin(prev head, size int) {
	s.first = prev.last + 1
	s.head.last = prev.last
	s.leaves = make([]byte, 0, size)
	s.ends = s.ends[:0]
	s.tally = map[events.TrailID]events.Position{}
	s.changes = nil
	s.states = map[streamKey]streamState{}
	s.lasts = map[events.StreamKind]events.Position{}
	s.decisions = decisionRows{}
	s.streams = streamRows{at: map[streamKey]int{}}
	s.credentials = nil
	for _, k := range s.given {
		delete(s.answers, k)
	}
	s.given = nil
	s.values.noted = nil
}

// fill checks and places the requests, in order. A request that is refused leaves
// nothing behind. All other state that the requests refer to is at hand.
func (s *stage) fill(prev head, requests []*pending) {
	size := 0
	for _, p := range requests {
		size += p.size
	}
	s.tail.mu.Lock()
	defer s.tail.mu.Unlock()
	for placed := false; !placed; {
		s.begin(prev, size)
		placed = s.tryFill(requests)
	}
}

// tryFill reports false when a request proved impossible to place after it was
// admitted; it is refused in the next try.
func (s *stage) tryFill(requests []*pending) bool {
	for _, p := range requests {
		p.earlier, p.err = s.earlier(p)
		if p.earlier != nil || p.err != nil {
			continue
		}
		if p.err = s.admit(p); p.err != nil {
			continue
		}
		if err := s.place(p); err != nil {
			s.unplaceable[p] = err
			return false
		}
	}
	return true
}

// earlier finds the answer that the request's key was given before.
func (s *stage) earlier(p *pending) (*answered, error) {
	if !p.request.Once.Set() {
		return nil, nil
	}
	a, ok := s.answers[answerKey{p.request.Once.Caller, p.request.Once.Key}]
	if !ok {
		return nil, nil
	}
	if a.Hash != p.request.Once.Hash {
		return nil, events.ErrKeyReused
	}
	return &a, nil
}

// admit checks what the request expects.
func (s *stage) admit(p *pending) error {
	if err := s.unplaceable[p]; err != nil {
		return err
	}
	if limit := p.request.NotAfter; !limit.IsZero() && s.at.After(limit) {
		return fmt.Errorf("%s: %w", limit.UTC().Format(time.RFC3339Nano), events.ErrTooLate)
	}
	for _, g := range p.guards {
		state := s.state(g.key)
		switch {
		case !g.Open && state.version != g.Version:
			return fmt.Errorf("stream %s is at version %d, not %d: %w", g.Stream, state.version, g.Version, events.ErrConflict)
		case g.Open && (state.version == 0 || !state.gate().OpenAt(s.at)):
			return fmt.Errorf("stream %s: %w", g.Stream, events.ErrGateClosed)
		}
	}
	for _, q := range p.request.Quiet {
		if last := s.lastOf(q.Kind); last > q.After {
			return fmt.Errorf("a %s changed at position %d, after %d: %w", q.Kind, last, q.After, events.ErrConflict)
		}
	}
	for i := range p.drafts {
		for _, subject := range p.drafts[i].subjects {
			if err := s.values.refused[subject]; err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *stage) state(k streamKey) streamState {
	if state, ok := s.states[k]; ok {
		return state
	}
	state, _ := s.tail.streams.get(k)
	return state
}

// lastOf is the position of a kind's last decision; where that is not known, it
// is taken to be the last event before all that is.
func (s *stage) lastOf(kind events.StreamKind) events.Position {
	return max(s.tail.floor, s.tail.lasts[kind], s.lasts[kind])
}

// place gives each event of an admitted request its position, and the request
// its receipt.
func (s *stage) place(p *pending) error {
	first := s.head.last + 1
	for i := range p.drafts {
		d := &p.drafts[i]
		at := events.Place{
			Position:      s.head.last + 1,
			TrailPosition: s.tail.counts[d.Trail] + s.tally[d.Trail] + 1,
			RecordedAt:    s.at,
		}
		if !d.Observation {
			at.Version = s.state(d.key).version + 1
		}
		var err error
		if s.leaves, err = d.AppendLeaf(s.leaves, at, s.values.commit); err != nil {
			return err
		}
		s.ends = append(s.ends, len(s.leaves))
		s.leaves = append(s.leaves, '\n')
		s.head.last++
		s.tally[d.Trail]++
		if !d.Observation {
			s.decide(d, at)
		}
		p.receipt.Placed[i] = events.Placed{
			Position: at.Position, TrailPosition: at.TrailPosition,
			Stream: d.Stream, Version: at.Version, Type: d.Type,
		}
	}
	p.receipt.RecordedAt = s.at
	s.credentials = append(s.credentials, p.request.Credentials...)
	if once := p.request.Once; once.Set() {
		k := answerKey{once.Caller, once.Key}
		s.answers[k] = answered{answerKey: k, Hash: once.Hash, First: first, Last: s.head.last, At: s.at}
		s.given = append(s.given, k)
	}
	return nil
}

// decide notes what a decision does to its stream.
func (s *stage) decide(d *draft, at events.Place) {
	state := s.state(d.key)
	state.version = at.Version
	if d.gated {
		state.setGate(d.gate)
	}
	s.states[d.key] = state
	s.lasts[d.Stream.Kind()] = at.Position
	s.changes = append(s.changes, change{
		key: d.key, kind: d.Stream.Kind(), position: at.Position, version: at.Version,
		gate: d.gate, gated: d.gated, erased: d.erased,
	})

	rows := &s.decisions
	rows.streams = append(rows.streams, string(d.Stream))
	rows.versions = append(rows.versions, int64(at.Version))
	rows.positions = append(rows.positions, int64(at.Position))
	rows.types = append(rows.types, string(d.Type))
	rows.index = append(rows.index, len(s.ends)-1)
	s.streams.set(d, state)
}

// leaf is the line of the block's event number i, counted from 0.
func (s *stage) leaf(i int) []byte {
	start := 0
	if i > 0 {
		start = s.ends[i-1] + 1
	}
	return s.leaves[start:s.ends[i]:s.ends[i]]
}

// hash completes the receipts. It is the last thing to do, and needs no lock.
func (s *stage) hash(requests []*pending) {
	for _, p := range requests {
		if p.err != nil || p.earlier != nil {
			continue
		}
		for i := range p.receipt.Placed {
			placed := &p.receipt.Placed[i]
			placed.LeafHash = events.LeafHash(s.leaf(int(placed.Position - s.first)))
		}
	}
}

// block makes the block of what was placed; nil if nothing was.
func (s *stage) block() (*Block, error) {
	sealed, err := s.values.seal(s.first)
	if err != nil || len(s.ends) == 0 {
		return nil, err
	}
	b := &Block{
		First: s.first, Last: s.head.last, Term: s.head.term, RecordedAt: s.at,
		timeline: s.head.timeline, writer: s.head.writer, seq: s.head.seq, leaves: s.leaves, tally: s.tally, values: sealed,
	}
	if sealed != nil {
		b.sealed = joinBoxes(sealed.boxes)
	}
	return b, nil
}
