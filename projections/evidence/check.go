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
	Origin() string
	// First is the first event that the database still holds, Archived the last of which an event
	// says that it was archived.
	First(ctx context.Context) (events.Position, error)
	Archived(ctx context.Context) (events.Position, error)
}

// Checker audits a whole log. Sealed and Views may be nil: then the trees, or the
// read models, are not compared.
type Checker struct {
	Log      FullLog // opened with its keys: values that cannot be opened are taken to be erased
	Sealed   *sealer.Reader
	Blinding []byte
	Views    *projections.Views
	// Outside is the directory of the checkpoints that are kept apart from the database:
	// where the log was restored to an earlier point, they reach further. Empty: not looked at.
	Outside string
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
	// Archived is the last event that was not read, since it is archived and the archive is not at
	// hand; From the position up to which, for that, the trees of trails and the copies of decisions
	// were taken as they stand. 0: everything was read.
	Archived, From events.Position
}

// Check reads the log from its beginning. The error is a [Mismatch], or one of reading.
func (c Checker) Check(ctx context.Context) (Checked, error) {
	a := &audit{
		Checker: c, state: NewState(), trails: map[events.TrailID]*merkle.Frontier{}, indexes: map[int64]events.TrailID{},
		closed: map[events.SubjectID]events.Position{},
	}
	defer a.end()
	if err := a.cut(ctx); err != nil {
		return a.done, err
	}
	if err := a.begin(ctx); err != nil {
		return a.done, err
	}
	if err := a.through(ctx, 0); err != nil {
		return a.done, err
	}
	if a.pending != nil {
		return a.done, a.mismatch(a.state.Position, "epochs", fmt.Sprintf("epoch %d was signed over %d events, and the log ends before", a.pending.Epoch.Number, a.pending.Epoch.Size))
	}
	if err := a.unerased(ctx); err != nil || c.Views == nil {
		return a.done, err
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
	changed events.Position                      // the last event that is no use
	from    int64                                // the first epoch whose trees are compared; those before were over archived events
	closed  map[events.SubjectID]events.Position // values that nobody can open, while no erasure explains it

	nextStored   func() (sealer.Sealed, error, bool) // the epochs in the tables
	nextKept     func() (sealer.Sealed, error, bool) // those outside of the database
	pending      *sealer.Sealed                      // the next epoch to be compared
	nextDecision func() (events.Recorded, error, bool)
	stops        []func()
	done         Checked
}

func (a *audit) mismatch(at events.Position, what, detail string) error {
	return &Mismatch{What: what, Position: at, Detail: detail}
}

func (a *audit) begin(ctx context.Context) error {
	a.nextDecision = pull(a, a.Log.Decisions(ctx, a.state.Position))
	if a.Sealed == nil {
		return nil
	}
	var err error
	if a.blinder, err = merkle.NewBlinder(a.Blinding); err != nil {
		return err
	}
	var kept sealer.KeptEpochs
	if a.Outside != "" {
		if kept, err = sealer.Kept(a.Outside, a.Log.Origin()); err != nil {
			return err
		}
	}
	latest, err := a.Sealed.Latest(ctx)
	if errors.Is(err, sealer.ErrNotSealed) {
		err = nil
	} else if err != nil {
		return a.readEpochs(err)
	}
	stored := func(func(sealer.Sealed, error) bool) {}
	if latest.Log > 0 && latest.Log >= kept.Log {
		stored = a.Sealed.InLog(latest.Log).Epochs(ctx, time.Time{}, latest.Epoch.Time.Add(time.Microsecond))
	}
	newest, err := a.Sealed.Newest(ctx)
	if err != nil {
		return err
	}
	if kept.Log < newest {
		kept = sealer.KeptEpochs{} // of a log of epochs that a restore has ended
	}
	a.nextStored, a.nextKept = pull(a, stored), pull(a, kept.All())
	return a.advance()
}

// pull reads a sequence one by one, until the audit ends.
func pull[T any](a *audit, all iter.Seq2[T, error]) func() (T, error, bool) {
	next, stop := iter.Pull2(all)
	a.stops = append(a.stops, stop)
	return next
}

// readEpochs tells an epoch that is no epoch any more from a database that is away.
func (a *audit) readEpochs(err error) error {
	if errors.Is(err, merkle.ErrMalformed) || errors.Is(err, sealer.ErrRefused) {
		return a.mismatch(a.state.Position, "epochs", err.Error())
	}
	return err
}

func (a *audit) end() {
	for _, stop := range a.stops {
		stop()
	}
}

// advance fetches the next epoch. The tables and what is kept outside of them have to
// say the same, as far as both reach.
func (a *audit) advance() error {
	a.pending = nil
	s, err, stored := a.nextStored()
	if err != nil {
		return a.readEpochs(err)
	}
	k, err, kept := a.nextKept()
	if err != nil {
		return a.readEpochs(err)
	}
	switch {
	case stored && kept && !bytes.Equal(s.Record, k.Record):
		return a.mismatch(a.state.Position, fmt.Sprintf("epoch %d", s.Epoch.Number), "the one in the tables is not the one that is kept outside of the database")
	case !stored && !kept:
		return nil
	case !stored:
		s = k
	}
	if s.Epoch.Number != a.epochs.Size() {
		return a.mismatch(a.state.Position, "epochs", fmt.Sprintf("after %d epochs comes number %d", a.epochs.Size(), s.Epoch.Number))
	}
	a.pending = &s
	return nil
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
			if err := a.event(ctx, rec); err != nil {
				return err
			}
		}
		if err := a.values(b, recs); err != nil {
			return err
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

// copyOf is the next copy of a decision. A sequence ends with what there was when it
// was read; decisions that were appended meanwhile come with another.
func (a *audit) copyOf(ctx context.Context, rec events.Recorded) (copied events.Recorded, err error) {
	copied, err, ok := a.nextDecision()
	if !ok && err == nil {
		a.nextDecision = pull(a, a.Log.Decisions(ctx, rec.Position-1))
		copied, err, _ = a.nextDecision()
	}
	return copied, err
}

func (a *audit) event(ctx context.Context, rec events.Recorded) error {
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
		copied, err := a.copyOf(ctx, rec)
		if err != nil && !errors.Is(err, eventstore.ErrCorrupt) {
			return err
		}
		if err != nil || !bytes.Equal(copied.Leaf, rec.Leaf) {
			return a.mismatch(rec.Position, "decisions", "the copy that aggregates are loaded from differs")
		}
	}
	if err := a.state.Apply(rec); err != nil {
		return a.mismatch(rec.Position, "replay", err.Error())
	}
	if !projections.IsUse(rec.Event) {
		a.changed = rec.Position
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
	if s.Epoch.Number >= a.from {
		if err := a.compareTrees(s.Epoch); err != nil {
			return err
		}
	}
	return a.compareCheckpoint(s)
}

// compareTrees compares what an epoch has signed with the trees as they are now.
func (a *audit) compareTrees(e merkle.Epoch) error {
	at, name := a.state.Position, fmt.Sprintf("epoch %d", e.Number)
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
	return nil
}

// compareCheckpoint adds an epoch to the log of epochs, which its checkpoint has signed.
func (a *audit) compareCheckpoint(s sealer.Sealed) error {
	at, name := a.state.Position, fmt.Sprintf("epoch %d", s.Epoch.Number)
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
