// The teller: plays the lines of a story in the order of their times.

package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/scheduler"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// line is one thing that happens at one time.
type line struct {
	at   time.Time
	what string
	do   func(ctx context.Context) error
}

// held is a token of the story, as its holder knows it.
type held struct {
	ref          aggregate.TokenRef
	value        string
	organization uuid.UUID // that it is used for
	ended        bool
}

// teller has the parts of a ledger and what the people of the story remember.
type teller struct {
	log       *eventstore.Log
	views     *projections.Views
	directory *aggregate.Directory
	verifier  *verifier.Verifier
	scheduler *scheduler.Scheduler
	clock     *clock
	calendar
	end    time.Time
	random *rand.Rand

	lines    []line
	users    map[string]uuid.UUID
	orgs     map[string]uuid.UUID
	tokens   map[string]*held
	reviews  map[string]uuid.UUID
	invited  map[string]aggregate.Invited
	webhooks map[string]uuid.UUID
	begins   map[string]time.Time // of tokens, as planned
	extras   []job                // of the tokens that fill the inventory
	stamping bool                 // each new token is authorized through single sign-on at once
	leaked   string
}

func newTeller(c Config, log *eventstore.Log, views *projections.Views, clock *clock) *teller {
	return &teller{
		log: log, views: views, clock: clock, calendar: newCalendar(c.End), end: c.End.UTC(),
		random: rand.New(rand.NewPCG(c.Seed, 0x746f6b656e)), //nolint:gosec // a story is to be the same again
		users:  map[string]uuid.UUID{}, orgs: map[string]uuid.UUID{}, tokens: map[string]*held{},
		reviews: map[string]uuid.UUID{}, invited: map[string]aggregate.Invited{}, webhooks: map[string]uuid.UUID{},
		begins: map[string]time.Time{},
	}
}

// at plans a line.
func (t *teller) at(when time.Time, what string, do func(ctx context.Context) error) {
	t.lines = append(t.lines, line{when, what, do})
}

// tell plays every line up to the story's end. Between them it lets the scheduler record
// what the clock alone brings about, each at its time.
func (t *teller) tell(ctx context.Context, c Config) error {
	if err := t.meet(ctx); err != nil {
		return err
	}
	t.plan()
	for day := midnight(t.clock.Now()); day.Before(t.end); day = day.AddDate(0, 0, 1) {
		t.at(day, "a new day", t.newDay)
	}
	t.lines = slices.DeleteFunc(t.lines, func(l line) bool { return !l.at.Before(t.end) })
	slices.SortStableFunc(t.lines, func(a, b line) int { return a.at.Compare(b.at) })
	told := 0
	for ; len(t.lines) > 0; told++ {
		l := t.lines[0]
		t.lines = t.lines[1:]
		t.clock.to(l.at)
		if err := l.do(ctx); err != nil {
			return fmt.Errorf("the story of %d, %s, %s: %w", c.Seed, l.at.Format(time.DateTime), l.what, err)
		}
		if c.Progress != nil && told%50 == 0 {
			c.Progress(told, told+len(t.lines))
		}
	}
	if c.Progress != nil {
		c.Progress(told, told)
	}
	return os.WriteFile(LeakedTokenFile(c.Settings.Data), []byte(t.leaked+"\n"), 0o600)
}

// plan writes the whole story down, in no order.
func (t *teller) plan() {
	t.cast()
	t.plot()
	t.rhythm()
}

// newDay looks what the clock will bring about today, and plans a look at each of those
// times.
func (t *teller) newDay(ctx context.Context) error {
	if err := t.settle(ctx); err != nil {
		return err
	}
	due, err := t.views.Due(ctx, t.clock.Now().AddDate(0, 0, 1), projections.Deadline{}, 1000)
	if err != nil {
		return err
	}
	for _, d := range due {
		l := line{d.Due.Add(time.Second), "what is due", t.look}
		if !l.at.Before(t.end) {
			continue // the service records it
		}
		i, _ := slices.BinarySearchFunc(t.lines, l, func(a, b line) int { return cmp.Or(a.at.Compare(b.at), -1) })
		t.lines = slices.Insert(t.lines, i, l)
	}
	return nil
}

func (t *teller) look(ctx context.Context) error {
	if err := t.settle(ctx); err != nil {
		return err
	}
	_, err := t.scheduler.Look(ctx)
	return err
}

// settle waits until everything that follows the log has all of it.
func (t *teller) settle(ctx context.Context) error {
	head, err := t.log.Head(ctx)
	if err != nil {
		return err
	}
	for {
		err := t.views.Wait(ctx, head)
		if err == nil {
			return t.verifier.Wait(ctx, head)
		}
		if !errors.Is(err, projections.ErrStale) {
			return err
		}
	}
}

// meet learns who is there after the initialization: the owner, the organization and the
// owner's token.
func (t *teller) meet(ctx context.Context) error {
	for rec, err := range t.log.ReadAll(ctx, 0) {
		if err != nil {
			return err
		}
		id, _, _ := rec.Stream.IDs()
		switch e := rec.Event.(type) {
		case events.UserCreated:
			t.users[owner] = id
		case events.OrganizationCreated:
			t.orgs[lighthouse] = id
		case events.TokenCreated:
			t.tokens[adminToken] = &held{ref: aggregate.TokenRef{Kind: e.Kind, ID: id}, organization: t.orgs[lighthouse]}
		}
	}
	return t.settle(ctx)
}

// by is a call of somebody of the story, who is signed in.
func (t *teller) by(who string) aggregate.Call {
	user := t.users[who]
	return aggregate.Call{Principal: aggregate.Principal{Actor: events.Person(user), User: user}}
}

// use is one use of a token as a resource server asks about it.
type use struct {
	token, action, resource, address, agent, via string
	refused                                      bool // the story knows that it will be
}

// plays plans a use.
func (t *teller) plays(at time.Time, u use) {
	t.at(at, "a use of "+u.token, func(ctx context.Context) error { return t.play(ctx, u) })
}

// play shows a token's value to the verifier. A refusal, which is recorded behind the
// answer, is awaited, so that the story is recorded in its order.
func (t *teller) play(ctx context.Context, u use) error {
	h := t.tokens[u.token]
	if h == nil {
		return fmt.Errorf("the story has no token %s", u.token)
	}
	if h.ended && !u.refused {
		return nil // whoever used it has stopped
	}
	before, err := t.log.Head(ctx)
	if err != nil {
		return err
	}
	if err := t.verifier.Wait(ctx, before); err != nil {
		return err
	}
	d, err := t.verifier.Verify(ctx, verifier.Query{
		Value: h.value, Organization: h.organization, Action: u.action, Resource: u.resource,
		Address: netip.MustParseAddr(u.address), Agent: u.agent, Via: u.via,
	})
	switch {
	case err != nil:
		return err
	case d.Allowed == u.refused:
		return fmt.Errorf("the use of %s for %s is answered by %q", u.token, u.action, d.Code)
	case d.Allowed:
		return nil
	}
	return t.awaitMore(ctx, before)
}

// awaitMore returns once something stands behind the position.
func (t *teller) awaitMore(ctx context.Context, before events.Position) error {
	for _, err := range t.log.Subscribe(ctx, before) {
		return err
	}
	return ctx.Err()
}
