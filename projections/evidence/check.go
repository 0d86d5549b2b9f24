// The audit of the whole log: everything that can be computed again is, and compared with what is kept.

package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/projections"
)

// Mismatch is something that is not what the log makes it. It is an error.
type Mismatch struct {
	What     string // such as "epoch 12: events tree"
	Position events.Position
	Detail   string
}

// Error implements error.
func (m *Mismatch) Error() string {
	return fmt.Sprintf("mismatch at position %d: %s: %s", m.Position, m.What, m.Detail)
}

// FullLog is the log as the audit reads it.
type FullLog interface {
	Blocks
	Decisions(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error]
}

// Epochs is what was sealed; a [sealer.Reader] is one.
type Epochs interface {
	Epochs(ctx context.Context, from, to time.Time) iter.Seq2[sealer.Sealed, error]
	InLog(log int) *sealer.Reader
	Latest(ctx context.Context) (sealer.Sealed, error)
}

// Checker audits a whole log. Sealed and Views may be nil: then the trees, or the
// read models, are not compared.
type Checker struct {
	Log      FullLog
	Sealed   *sealer.Reader
	Blinding []byte
	Views    *projections.Views
	// Pace is called for every block with the number of events in it, to slow the
	// audit down. Nil: it goes as fast as it can.
	Pace     func(ctx context.Context, events int) error
	Progress func(at events.Position)
}

// Checked is what an audit went through.
type Checked struct {
	Position events.Position // of the last event
	Events   int64
	Epochs   int64
	Trails   int
	Rows     int64 // of read models
}

// Check reads the log from its beginning. The error is a [Mismatch], or one of reading.
func (c Checker) Check(ctx context.Context) (Checked, error) {
	a := &audit{Checker: c, state: NewState(), trails: map[events.TrailID]*merkle.Frontier{}, indexes: map[int64]events.TrailID{}}
	if err := a.begin(ctx); err != nil {
		return a.done, err
	}
	defer a.end()
	if err := a.through(ctx, 0); err != nil {
		return a.done, err
	}
	if a.pending != nil {
		return a.done, a.mismatch(a.state.Position, "epochs", fmt.Sprintf("epoch %d was signed over %d events, and the log ends before", a.pending.Epoch.Number, a.pending.Epoch.Size))
	}
	if c.Views == nil {
		return a.done, nil
	}
	return a.done, a.readModels(ctx)
}

// audit is one under way.
type audit struct {
	Checker
	state   *State
	all     merkle.Frontier // the events tree
	trails  map[events.TrailID]*merkle.Frontier
	indexes map[int64]events.TrailID
	epochs  merkle.Frontier // the log of epochs
	blinder *merkle.Blinder

	nextEpoch    func() (sealer.Sealed, error, bool)
	pending      *sealer.Sealed // the next epoch to be compared
	nextDecision func() (events.Recorded, error, bool)
	stops        []func()
	done         Checked
}

func (a *audit) mismatch(at events.Position, what, detail string) error {
	return &Mismatch{What: what, Position: at, Detail: detail}
}

func (a *audit) begin(ctx context.Context) error {
	next, stop := iter.Pull2(a.Log.Decisions(ctx, 0))
	a.nextDecision, a.stops = next, append(a.stops, stop)
	if a.Sealed == nil {
		return nil
	}
	var err error
	if a.blinder, err = merkle.NewBlinder(a.Blinding); err != nil {
		return err
	}
	latest, err := a.Sealed.Latest(ctx)
	if errors.Is(err, sealer.ErrNotSealed) {
		return nil
	}
	if err != nil {
		return err
	}
	epochs, stop := iter.Pull2(a.Sealed.InLog(latest.Log).Epochs(ctx, time.Time{}, latest.Epoch.Time.Add(time.Microsecond)))
	a.nextEpoch, a.stops = epochs, append(a.stops, stop)
	return a.advance()
}

func (a *audit) end() {
	for _, stop := range a.stops {
		stop()
	}
}

// advance fetches the next epoch.
func (a *audit) advance() error {
	s, err, ok := a.nextEpoch()
	a.pending = nil
	if ok && err == nil {
		a.pending = &s
	}
	return err
}

// through reads on up to a position; 0 is the present end.
func (a *audit) through(ctx context.Context, until events.Position) error {
	if err := a.compareEpochs(); err != nil { // those over the empty log
		return err
	}
	for b, err := range a.Log.Blocks(ctx, a.state.Position, false) {
		var recs []events.Recorded
		if err == nil {
			recs, err = b.Events()
		}
		if errors.Is(err, eventstore.ErrCorrupt) {
			return a.mismatch(a.state.Position+1, "blocks", err.Error())
		}
		if err != nil {
			return err
		}
		for _, rec := range recs {
			if rec.Position <= a.state.Position {
				continue
			}
			if until > 0 && rec.Position > until {
				return nil
			}
			if err := a.event(rec); err != nil {
				return err
			}
		}
		if a.Progress != nil {
			a.Progress(a.state.Position)
		}
		if a.Pace != nil {
			if err := a.Pace(ctx, len(recs)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *audit) event(rec events.Recorded) error {
	if merkle.LeafHash(rec.Leaf) != merkle.Hash(rec.LeafHash) {
		return a.mismatch(rec.Position, "leaf", "its hash is not that of its bytes")
	}
	trail := entry(a.trails, rec.Trail)
	if int64(rec.TrailPosition) != trail.Size()+1 {
		return a.mismatch(rec.Position, "trail "+string(rec.Trail), fmt.Sprintf("it is number %d there, after %d", rec.TrailPosition, trail.Size()))
	}
	if e, ok := rec.Event.(events.OrganizationCreated); ok {
		if other, taken := a.indexes[e.Index]; taken {
			return a.mismatch(rec.Position, "index", fmt.Sprintf("%d is already that of %s", e.Index, other))
		}
		a.indexes[e.Index] = rec.Trail
	}
	a.all.Append(merkle.Hash(rec.LeafHash))
	trail.Append(merkle.Hash(rec.LeafHash))
	if rec.Decision() {
		copied, err, ok := a.nextDecision()
		if err != nil {
			return err
		}
		if !ok || !bytes.Equal(copied.Leaf, rec.Leaf) {
			return a.mismatch(rec.Position, "decisions", "the copy that aggregates are loaded from differs")
		}
	}
	if err := a.state.Apply(rec); err != nil {
		return a.mismatch(rec.Position, "replay", err.Error())
	}
	a.done.Position, a.done.Events, a.done.Trails = rec.Position, a.done.Events+1, len(a.trails)
	return a.compareEpochs()
}

// compareEpochs compares every epoch that was signed over just these events.
func (a *audit) compareEpochs() error {
	for a.pending != nil && a.pending.Epoch.Size <= a.all.Size() {
		if err := a.compareEpoch(*a.pending); err != nil {
			return err
		}
		a.done.Epochs++
		if err := a.advance(); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) compareEpoch(s sealer.Sealed) error {
	e, at := s.Epoch, a.state.Position
	name := fmt.Sprintf("epoch %d", e.Number)
	if e.Size != a.all.Size() || e.Root != a.all.Root() {
		return a.mismatch(at, name+": events tree", "the events up to here are not those that were signed")
	}
	heads := make([]merkle.Head, len(a.indexes))
	for i := range heads {
		trail, ok := a.indexes[int64(i)]
		if !ok {
			return a.mismatch(at, name, fmt.Sprintf("no organization has the index %d", i))
		}
		heads[i] = merkle.Head{Index: int64(i), Size: a.trails[trail].Size(), Root: a.trails[trail].Root()}
	}
	tree, err := a.blinder.HeadsTree(e.Number, heads)
	if err != nil {
		return err
	}
	if e.Organizations != tree.Size() || e.Heads != tree.Root() {
		return a.mismatch(at, name+": heads", "a trail's tree is not that of its events, or stands at another organization's index")
	}
	a.epochs.Append(merkle.LeafHash(s.Record))
	keys, err := a.Sealed.Keys(s)
	if err != nil {
		return err
	}
	signed, err := merkle.OpenCheckpoint(s.Checkpoint, keys...)
	if err != nil {
		return a.mismatch(at, name+": checkpoint", err.Error())
	}
	if signed.Size != a.epochs.Size() || signed.Root != a.epochs.Root() {
		return a.mismatch(at, name+": checkpoint", "it is not signed over the epochs up to this one")
	}
	return nil
}
