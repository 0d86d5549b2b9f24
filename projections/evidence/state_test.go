// The state at any point is a fold of what was recorded until then, and at the end what the read models show.

package evidence_test

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// prefix folds what stands in the trail until a position with the folds of the
// read models, each from its own history.
func prefix(t tester, l *ledger, until events.Position) (map[uuid.UUID]projections.TokenRow, map[evidence.Pair]projections.GrantRow) {
	tokens, grants := map[events.StreamID][]events.Recorded{}, map[events.StreamID][]events.Recorded{}
	used := map[events.StreamID]time.Time{}
	for _, rec := range l.all {
		if rec.Position > until || rec.Trail != l.trail() {
			continue
		}
		switch rec.Stream.Kind() {
		case events.KindToken:
			if rec.Decision() {
				tokens[rec.Stream] = append(tokens[rec.Stream], rec)
			}
			if _, ok := rec.Event.(events.TokenUsed); ok {
				used[rec.Stream] = rec.RecordedAt
			}
		case events.KindGrant:
			grants[rec.Stream] = append(grants[rec.Stream], rec)
		}
	}
	rows, given := map[uuid.UUID]projections.TokenRow{}, map[evidence.Pair]projections.GrantRow{}
	for stream, history := range tokens {
		row, err := projections.FoldToken(history)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := used[stream]; ok {
			row.LastUsedAt = &at
		}
		rows[row.ID] = row
	}
	for _, history := range grants {
		row, err := projections.FoldGrant(history)
		if err != nil {
			t.Fatal(err)
		}
		given[evidence.Pair{row.Token, row.Organization}] = row
	}
	return rows, given
}

func flat[K comparable, T any](m map[K]*T) map[K]T {
	out := make(map[K]T, len(m))
	for k, v := range m {
		out[k] = *v
	}
	return out
}

func TestStateAtEveryPositionIsAFoldOfThePrefix(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger(t)
		life(t, l, rapid.IntRange(1, 40).Draw(t, "steps"))
		for _, rec := range l.all[4:] {
			s, err := evidence.At(t.Context(), l, l.trail(), evidence.Point{Position: rec.Position})
			if err != nil {
				t.Fatal(err)
			}
			tokens, grants := prefix(t, l, rec.Position)
			if !reflect.DeepEqual(flat(s.Tokens), tokens) || !reflect.DeepEqual(flat(s.Grants), grants) {
				t.Fatalf("at %d: %v, want %v", rec.Position, flat(s.Tokens), tokens)
			}
			byTime, err := evidence.At(t.Context(), l, l.trail(), evidence.Point{Time: rec.RecordedAt})
			if err != nil {
				t.Fatal(err)
			}
			last := rec.Position // of all that were recorded at that instant
			for _, other := range l.all {
				if other.RecordedAt.Equal(rec.RecordedAt) {
					last = max(last, other.Position)
				}
			}
			tokens, _ = prefix(t, l, last)
			if !reflect.DeepEqual(flat(byTime.Tokens), tokens) || !byTime.At.Equal(rec.RecordedAt) {
				t.Fatalf("at %s: %v, want %v", rec.RecordedAt, flat(byTime.Tokens), tokens)
			}
		}
	})
}

func TestBeforeTheOrganizationThereIsNoState(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for _, p := range []evidence.Point{{Position: 1}, {Time: dawn.Add(-time.Second)}} {
		if s, err := evidence.At(t.Context(), l, l.trail(), p); err == nil {
			t.Errorf("at %+v: %+v", p, s)
		}
	}
}

// recorded is a ledger's story told to a real log, and the read models of it.
type recorded struct {
	url   string
	keys  *keyring.Ring
	quit  func() // ends the log, which otherwise notices much of what is done to its database
	log   *eventstore.Log
	views *projections.Views

	runner *projections.Runner
}

func (r *recorded) start(t *testing.T) {
	t.Helper()
	var err error
	if r.log, err = eventstore.Open(t.Context(), eventstore.Config{URL: r.url, Keys: r.keys}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.log.Run(ctx) }()
	r.quit = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the log: %v", err)
		}
	})
	t.Cleanup(func() { r.quit(); r.log.Close() })
}

func record(t *testing.T, l *ledger, cuts ...int64) recorded {
	t.Helper()
	r := recorded{url: eventstoretest.Postgres(t), keys: keyring.Generate()}
	if len(cuts) > 0 {
		eventstoretest.Partition(t, r.url, cuts...)
	}
	r.start(t)
	pool, err := projections.OpenPool(t.Context(), r.url, eventstore.DefaultSchema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	r.runner, err = projections.NewRunner(t.Context(), projections.RunnerConfig{Log: r.log, Pool: pool, Projections: projections.All()})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = r.runner.Run(t.Context()) }()
	r.views = projections.NewViews(pool, r.runner)
	r.tell(t, l.requests)
	return r
}

// tell appends requests, and waits until the read models know of them and have stored that.
func (r *recorded) tell(t *testing.T, requests []events.Request) {
	t.Helper()
	var last events.Position
	for _, request := range requests {
		receipt, err := r.log.Append(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		last = receipt.Last()
	}
	deadline := time.Now().Add(time.Minute)
	for err := r.views.Wait(t.Context(), last); err != nil; err = r.views.Wait(t.Context(), last) {
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	for _, p := range projections.All() {
		for r.stored(t, p.Name()) < last {
			if time.Now().After(deadline) {
				t.Fatalf("%s has not stored position %d", p.Name(), last)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// stored is how far a read model says in the database that it is.
func (r *recorded) stored(t *testing.T, name string) events.Position {
	t.Helper()
	s, err := r.views.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.WithoutCancel(t.Context()))
	at, err := s.Position(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// grants are those that the read model has.
func (r *recorded) grants(t *testing.T) map[evidence.Pair]projections.GrantRow {
	t.Helper()
	s, err := r.views.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.WithoutCancel(t.Context()))
	grants := map[evidence.Pair]projections.GrantRow{}
	for row, err := range s.Grants(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		grants[evidence.Pair{row.Token, row.Organization}] = row
	}
	return grants
}

func TestStateAtTheHeadIsTheReadModel(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	rapid.Custom(func(t *rapid.T) bool { life(t, l, 60); return true }).Example(7)
	r := record(t, l)
	for name, source := range map[string]evidence.Source{"segments": r.views, "log": evidence.Log{Blocks: r.log}} {
		s, err := evidence.At(t.Context(), source, l.trail(), evidence.Point{})
		if err != nil {
			t.Fatal(err)
		}
		var ids []uuid.UUID
		for id := range s.Tokens {
			ids = append(ids, id)
		}
		live, err := r.views.TokensByID(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) < 5 {
			t.Fatalf("a story of %d tokens", len(ids))
		}
		for id, row := range s.Tokens {
			if !reflect.DeepEqual(normal(*row), normal(live[id])) {
				t.Errorf("%s: %+v, want %+v", name, *row, live[id])
			}
		}
		grants := r.grants(t)
		for pair, row := range s.Grants {
			if want, found := grants[pair]; !found || !reflect.DeepEqual(normal(*row), normal(want)) {
				t.Errorf("%s: %+v, want %+v", name, *row, want)
			}
		}
		org, err := r.views.OrganizationsByID(t.Context(), []uuid.UUID{l.org})
		if err != nil || !reflect.DeepEqual(normal(*s.Organizations[l.org]), normal(org[l.org])) {
			t.Errorf("%s: %+v, want %+v, %v", name, *s.Organizations[l.org], org[l.org], err)
		}
	}
}

func TestAccessHasWhatAPolicyAsks(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	machine := l.token("machine", "evidence:write")
	l.use(machine, 0, "createEvidence")
	waiting, approved := l.id(), l.id()
	for _, id := range []uuid.UUID{waiting, approved} {
		l.add(events.GrantStream(id, l.org), l.trail(), events.GrantGiven{
			Token: id, Organization: l.org, User: l.owner, Name: "mine", Pending: true, ExpiresAt: dawn.Add(time.Hour),
		})
	}
	l.add(events.GrantStream(approved, l.org), l.trail(), events.GrantApproved{})
	l.use(approved, 0, "createEvidence")
	used := l.all[len(l.all)-1].RecordedAt
	s, err := evidence.At(t.Context(), l, l.trail(), evidence.Point{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[uuid.UUID]evidence.Access{}
	for _, a := range s.Access(l.org) {
		got[a.ID] = a
	}
	if a := got[machine]; a.Status != "ACTIVE" || !a.CreatedAt.Equal(a.Since) || !a.LastUsedAt.After(a.CreatedAt) {
		t.Errorf("the organization token: %+v", a)
	}
	if a := got[waiting]; a.Status != "PENDING" || a.Approved || !a.LastUsedAt.IsZero() || a.ExpiresAt == nil {
		t.Errorf("the one that waits: %+v", a)
	}
	if a := got[approved]; a.Status != "ACTIVE" || !a.Approved || !a.LastUsedAt.Equal(used) {
		t.Errorf("the one that was approved: %+v", a)
	}
}
