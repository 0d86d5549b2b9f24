// The audit of the whole log: everything that can be computed again is, and compared with what is kept.

package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

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

// readModels compares each read model with the replay, at the read model's own position.
func (a *audit) readModels(ctx context.Context) error {
	for _, compare := range []struct {
		projection string
		with       func(context.Context, *projections.Snapshot) error
	}{{"tokens", a.tokens}, {"directory", a.directory}, {"trails", a.segments}} {
		if err := a.readModel(ctx, compare.projection, compare.with); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) readModel(ctx context.Context, name string, compare func(context.Context, *projections.Snapshot) error) error {
	snapshot, err := a.Views.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snapshot.Close(context.WithoutCancel(ctx))
	at, err := snapshot.Position(ctx, name)
	if err != nil {
		return err
	}
	if at < a.state.Position {
		return nil // it is behind; the next audit compares it
	}
	if err := a.through(ctx, at); err != nil {
		return err
	}
	if a.state.Position < at {
		return a.mismatch(a.state.Position, "read model "+name, fmt.Sprintf("it is at position %d, behind the end of the log", at))
	}
	return compare(ctx, snapshot)
}

func (a *audit) tokens(ctx context.Context, s *projections.Snapshot) error {
	rows, err := s.Tokens(ctx)
	if err != nil {
		return err
	}
	kept := make(map[uuid.UUID]*projections.TokenRow, len(rows))
	for i := range rows {
		kept[rows[i].ID] = &rows[i]
	}
	return compareRows(a, "tokens", kept, a.state.Tokens, func(r *projections.TokenRow) events.Position { return r.Position })
}

func (a *audit) directory(ctx context.Context, s *projections.Snapshot) error {
	organizations, err := s.Organizations(ctx)
	if err != nil {
		return err
	}
	users, err := s.Users(ctx)
	if err != nil {
		return err
	}
	members, err := s.Memberships(ctx)
	if err != nil {
		return err
	}
	grants, err := s.Grants(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		compareRows(a, "organizations", keyed(organizations, func(r projections.OrganizationRow) uuid.UUID { return r.ID }), a.state.Organizations,
			func(r *projections.OrganizationRow) events.Position { return r.Position }),
		compareRows(a, "users", keyed(users, func(r projections.UserRow) uuid.UUID { return r.ID }), a.state.Users,
			func(r *projections.UserRow) events.Position { return r.Position }),
		compareRows(a, "memberships", keyed(members, func(r projections.MembershipRow) Pair { return Pair{r.Organization, r.User} }), a.state.Members,
			func(r *projections.MembershipRow) events.Position { return r.Position }),
		compareRows(a, "grants", keyed(grants, func(r projections.GrantRow) Pair { return Pair{r.Token, r.Organization} }), a.state.Grants,
			func(r *projections.GrantRow) events.Position { return r.Position }))
}

func keyed[K comparable, T any](rows []T, key func(T) K) map[K]*T {
	m := make(map[K]*T, len(rows))
	for i := range rows {
		m[key(rows[i])] = &rows[i]
	}
	return m
}

// compareRows names the position of the event that the row which differs is at.
func compareRows[K comparable, T any](a *audit, name string, kept, replayed map[K]*T, position func(*T) events.Position) error {
	for key, row := range replayed {
		a.done.Rows++
		other := kept[key]
		if other == nil {
			return a.mismatch(position(row), "read model "+name, fmt.Sprintf("the row %v is missing", key))
		}
		if !sameRow(row, other) {
			return a.mismatch(position(row), "read model "+name, fmt.Sprintf("the row %v is not what the log makes of it", key))
		}
	}
	for key, row := range kept {
		if replayed[key] == nil {
			return a.mismatch(position(row), "read model "+name, fmt.Sprintf("the log knows of no row %v", key))
		}
	}
	return nil
}

// sameRow compares what rows say: times as instants, empty lists as none.
func sameRow(a, b any) bool {
	var left, right any
	for _, one := range []struct {
		row  any
		into *any
	}{{a, &left}, {b, &right}} {
		text, err := json.Marshal(one.row)
		if err != nil || json.Unmarshal(text, one.into) != nil {
			return false
		}
		*one.into = plain(*one.into)
	}
	x, _ := json.Marshal(left)
	y, _ := json.Marshal(right)
	return bytes.Equal(x, y)
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if v[k] = plain(v[k]); v[k] == nil {
				delete(v, k)
			}
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return v
}

// segments compares every trail's lines, as the read model has them, with the blocks.
func (a *audit) segments(ctx context.Context, s *projections.Snapshot) error {
	var tree merkle.Frontier
	var trail events.TrailID
	checkEnd := func() error {
		want := a.trails[trail]
		if trail == "" || want != nil && want.Size() == tree.Size() && want.Root() == tree.Root() {
			return nil
		}
		return a.mismatch(a.state.Position, "read model trails", fmt.Sprintf("the lines of trail %s are not those of the log", trail))
	}
	seen := 0
	for stretch, err := range s.Stretches(ctx) {
		if err != nil {
			return err
		}
		if stretch.Trail != trail {
			if err := checkEnd(); err != nil {
				return err
			}
			tree, trail = merkle.Frontier{}, stretch.Trail
			seen++
		}
		for line := range bytes.Lines(stretch.Leaves) {
			tree.Append(merkle.LeafHash(bytes.TrimSuffix(line, []byte("\n"))))
			a.done.Rows++
		}
	}
	if err := checkEnd(); err != nil {
		return err
	}
	if seen != len(a.trails) {
		return a.mismatch(a.state.Position, "read model trails", fmt.Sprintf("it has %d trails, the log %d", seen, len(a.trails)))
	}
	return nil
}
