// The decision: one unit of work over several streams.

package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// ErrNewer is returned for a stream with an event that this program does not
// know: deciding on half a history could allow what the other half forbids.
var ErrNewer = errors.New("a newer program has written here; this one is too old to decide on it")

// Decision is a unit of work. Every stream that it loads is guarded by the
// version it had then, and what it decides is appended in one request together
// with those guards. So the log accepts the events only if all that they were
// decided on still holds. A Decision is used by one goroutine.
type Decision struct {
	log         Log
	now         time.Time
	meta        events.Meta
	notAfter    time.Time
	streams     map[events.StreamID]*loaded
	order       []events.StreamID // of loading
	batches     []events.Batch
	credentials []events.Credential
	quiet       []events.Quiet
}

// loaded is a stream as the decision sees it.
type loaded struct {
	version events.Version // at loading; the guard
	state   any            // with the decision's own events applied
	history []events.Recorded
}

// Now is the instant at which this is decided, in microseconds.
func (d *Decision) Now() time.Time { return d.now }

// Because says why: the reason of all events that are decided from here on.
func (d *Decision) Because(reason string) { d.meta.Reason = reason }

// Until says that what is decided holds only before the instant t, such as the
// deadline of the caller's credential. The zero time sets no limit.
func (d *Decision) Until(t time.Time) {
	if t.IsZero() {
		return
	}
	// What ends at t has ended for an event that is recorded at t.
	if last := t.Add(-time.Microsecond); d.notAfter.IsZero() || last.Before(d.notAfter) {
		d.notAfter = last
	}
}

// Credential adds verification material for a token that this decision creates.
func (d *Decision) Credential(c events.Credential) { d.credentials = append(d.credentials, c) }

// quietSince says that what is decided rests on what was looked up in a read
// model which had come as far as the position: no stream of these kinds may have
// changed since.
func (d *Decision) quietSince(p events.Position, kinds ...events.StreamKind) {
	for _, kind := range kinds {
		d.quiet = append(d.quiet, events.Quiet{Kind: kind, After: p})
	}
}

// Version is the version at which the stream was loaded; 0 if it has no
// decision or was not loaded.
func (d *Decision) Version(stream events.StreamID) events.Version {
	if l := d.streams[stream]; l != nil {
		return l.version
	}
	return 0
}

// Load gives the state of a stream, with what this decision has decided so far.
// The zero state is a thing that does not exist, which is guarded, too.
func Load[S, C any, E events.Event](
	ctx context.Context, d *Decision, dec Decider[S, C, E], stream events.StreamID,
) (S, error) {
	var s S
	if l := d.streams[stream]; l != nil {
		return l.state.(S), nil
	}
	if stream.Kind() != dec.Kind {
		return s, fmt.Errorf("load %s as a %s: %w", stream, dec.Kind, events.ErrIdentity)
	}
	l := &loaded{}
	for rec, err := range d.log.ReadStream(ctx, stream, 0) {
		if err != nil {
			return s, fmt.Errorf("load %s: %w", stream, err)
		}
		e, ok := rec.Event.(E)
		if !ok {
			return s, fmt.Errorf("load %s: %s: %w", stream, rec.Event.Type(), ErrNewer)
		}
		s = dec.Evolve(s, e)
		l.version = rec.Version
		l.history = append(l.history, rec)
	}
	l.state = s
	d.streams[stream] = l
	d.order = append(d.order, stream)
	return s, nil
}

// upTo is what had been recorded of a loaded stream at a position.
func (d *Decision) upTo(stream events.StreamID, at events.Position) []events.Recorded {
	history := d.streams[stream].history
	after := slices.IndexFunc(history, func(rec events.Recorded) bool { return rec.Position > at })
	if after < 0 {
		return history
	}
	return history[:after]
}

// Do decides a command on a stream, whose events stand in the given trail, and
// gives the state after it. It may be called for a stream as often as needed.
func Do[S, C any, E events.Event](
	ctx context.Context, d *Decision, dec Decider[S, C, E], stream events.StreamID, trail events.TrailID, cmd C,
) (S, error) {
	s, err := Load(ctx, d, dec, stream)
	if err != nil {
		return s, err
	}
	decided, err := dec.Decide(s, cmd, d.now)
	if err != nil || len(decided) == 0 {
		return s, err
	}
	batch := events.Batch{Stream: stream, Trail: trail, Meta: d.meta}
	for _, e := range decided {
		s = dec.Evolve(s, e)
		batch.Events = append(batch.Events, e)
	}
	d.batches = append(d.batches, batch)
	d.streams[stream].state = s
	return s, nil
}

func (d *Decision) request(once events.Key) events.Request {
	guards := make([]events.Guard, len(d.order))
	for i, stream := range d.order {
		guards[i] = events.AtVersion(stream, d.streams[stream].version)
	}
	return events.Request{
		Once: once, Guards: guards, Quiet: d.quiet, NotAfter: d.notAfter, Batches: d.batches, Credentials: d.credentials,
	}
}

// outcome puts the decided events in their places behind what was loaded.
func (d *Decision) outcome(r events.Receipt) (Outcome, error) {
	out := Outcome{Receipt: r, History: make(map[events.StreamID][]events.Recorded, len(d.order))}
	for _, stream := range d.order {
		out.History[stream] = slices.Clip(d.streams[stream].history)
	}
	placed := r.Placed
	for _, b := range d.batches {
		for _, e := range b.Events {
			if len(placed) == 0 || placed[0].Stream != b.Stream || placed[0].Type != e.Type() {
				return Outcome{}, fmt.Errorf("the log's receipt does not list %s in %s", e.Type(), b.Stream)
			}
			p := placed[0]
			placed = placed[1:]
			out.History[b.Stream] = append(out.History[b.Stream], events.Recorded{
				Position: p.Position, Trail: b.Trail, TrailPosition: p.TrailPosition,
				Stream: b.Stream, Version: p.Version, RecordedAt: r.RecordedAt,
				Meta: b.Meta, Event: e, LeafHash: p.LeafHash,
			})
		}
	}
	return out, nil
}
