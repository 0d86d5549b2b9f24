// Deadlines are recorded once: across looks, restarts, processes and clocks that jump.

package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

func TestTheLifeOfADeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.scheduler()
	w.token("ci", 100*day)
	for _, c := range []struct {
		ahead time.Duration
		want  []string
	}{
		{0, nil},
		{69 * day, nil},
		{70*day + time.Minute, []string{"token.expiry_warned 30"}},
		{71 * day, nil},
		{94 * day, []string{"token.expiry_warned 7"}}, // 14 was due, too, and 7 is nearer
		{80 * day, nil}, // a clock that jumps back says nothing twice
		{99*day + time.Hour, []string{"token.expiry_warned 1"}},
		{100*day + time.Minute, []string{"token.expired"}},
		{200 * day, nil},
	} {
		if got := w.look(s, c.ahead); !slices.Equal(got, c.want) {
			t.Errorf("%s ahead: recorded %q, want %q", c.ahead, got, c.want)
		}
		s = w.scheduler() // what was done stands in the log alone
	}
}

// A personal token ends with its grants, and a membership with those that hang on it.
func TestWhatEndsTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.directory.CreateUser(t.Context(), w.owner, aggregate.NewUser{
		Organization: w.org, Profile: aggregate.Profile{Email: "auditor@example.com"}, Role: events.RoleAuditor, Until: time.Now().Add(2 * day),
	})
	must(t, err)
	w.settle()
	out, err := w.directory.Tokens.CreatePersonalToken(t.Context(), w.owner, aggregate.NewPersonalToken{
		Organizations: []uuid.UUID{w.org}, NewToken: aggregate.NewToken{Name: "laptop", ExpiresAt: time.Now().Add(50 * day)},
	})
	must(t, err)
	_, err = w.directory.Tokens.CreatePersonalToken(t.Context(), person(made.ID), aggregate.NewPersonalToken{
		Organizations: []uuid.UUID{w.org}, NewToken: aggregate.NewToken{Name: "audit"},
	})
	must(t, err)
	s := w.scheduler()
	if got := w.look(s, 3*day); len(got) != 3 || !slices.Contains(got, "membership.ended") || !slices.Contains(got, "grant.ended") {
		t.Errorf("the membership: %q", got)
	}
	if got := w.look(s, 40*day); !slices.Equal(got, []string{"token.expiry_warned 14", "grant.expiry_warned"}) {
		t.Errorf("ahead of the token's deadline: %q", got)
	}
	before := w.settle()
	if got := w.look(s, 51*day); !slices.Equal(got, []string{"token.expired", "grant.ended"}) {
		t.Errorf("the token: %q", got)
	}
	var at []time.Time
	for rec, err := range w.log.ReadAll(t.Context(), before) {
		must(t, err)
		at = append(at, rec.RecordedAt)
	}
	if !at[0].Equal(at[1]) {
		t.Error("token and grant did not end in one append")
	}
	var grant aggregate.Grant
	for rec, err := range w.log.ReadStream(t.Context(), events.GrantStream(out.ID, w.org), 0) {
		must(t, err)
		grant = aggregate.GrantDecider.Evolve(grant, rec.Event.(events.GrantEvent))
	}
	if grant.Live || grant.Cause != events.CauseTokenExpired {
		t.Errorf("the grant: %+v", grant)
	}
}

// More than a batch is due; schedulers race, are stopped in the middle, and
// others go on: every token ends once.
func TestOnceAcrossProcessesAndRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const tokens = 600
	var making errgroup.Group
	making.SetLimit(16)
	for i := range tokens {
		making.Go(func() error {
			_, err := w.directory.Tokens.CreateOrganizationToken(t.Context(), w.owner, aggregate.NewOrganizationToken{
				Organization: w.org, NewToken: aggregate.NewToken{Name: fmt.Sprint("t", i), Scopes: []string{"read"}, ExpiresAt: time.Now().Add(40 * day)},
			})
			return err
		})
	}
	must(t, making.Wait())
	before := w.settle()
	w.clock.set(41 * day)
	for round := range 3 { // each ends when a part is done
		ctx, stop := context.WithCancel(t.Context())
		var racing errgroup.Group
		for range 2 {
			s := w.scheduler()
			racing.Go(func() error { return s.Run(ctx) })
		}
		for enough := (round + 1) * tokens / 4; len(w.since(before)) < enough; {
			time.Sleep(time.Millisecond)
		}
		stop()
		// Cut off in the middle, an append may go either way, and the log says it is away.
		_ = racing.Wait()
	}
	w.look(w.scheduler(), 41*day)
	ended := map[events.StreamID]int{}
	for rec, err := range w.log.ReadAll(t.Context(), before) {
		must(t, err)
		ended[rec.Stream]++
	}
	if len(ended) != tokens {
		t.Errorf("%d of %d ended", len(ended), tokens)
	}
	for stream, n := range ended {
		if n != 1 {
			t.Errorf("%s: %d events", stream, n)
		}
	}
}

// What cannot be decided waits, and holds nothing else up.
func TestARefusalIsItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := time.Now().Add(-time.Hour)
	w.clock.extra = []projections.Deadline{{Subject: uuid.New(), Kind: projections.DeadlineOrganizationToken, ExpiresAt: &stranger, Due: stranger}}
	w.token("ci", 100*day)
	if got := w.look(w.scheduler(), 101*day); !slices.Equal(got, []string{"token.expired"}) {
		t.Errorf("recorded %q", got)
	}
}

// Without the log nothing is lost: the look fails and the next one does it all.
func TestALogThatIsAwayIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.token("ci", 100*day)
	w.settle()
	w.clock.set(101 * day)
	s := w.scheduler()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Look(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := w.look(s, 101*day); !slices.Equal(got, []string{"token.expired"}) {
		t.Errorf("recorded %q", got)
	}
}
