// Package scheduler records what the clock alone brings about: that a token's
// deadline came, that one is near, and that a membership is over.
//
// It keeps nothing: what is due stands in the read model deadlines, and what was
// done stands in the log, so a start is like any other look. The clock is that
// of the log, which is the database server's. Any number of processes may run
// one; each decision is guarded by the versions it rests on, so that it is
// recorded once, and a lease keeps them from doing the same work.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// Deadlines is where the scheduler reads what is due; [projections.Views] is one.
type Deadlines interface {
	// Now is the instant by the log's clock.
	Now(ctx context.Context) (time.Time, error)
	// Due lists what is due at an instant, the earliest first, behind another row.
	Due(ctx context.Context, now time.Time, after projections.Deadline, limit int) ([]projections.Deadline, error)
	// Idle lists tokens that have been idle for a margin or longer, behind another one.
	Idle(ctx context.Context, now time.Time, margin time.Duration, after projections.IdleToken, limit int) ([]projections.IdleToken, error)
	// Wait returns once the read models include the position.
	Wait(ctx context.Context, p events.Position) error
}

// Config says what the scheduler reads and decides. Pause and Logger have defaults.
type Config struct {
	Directory *aggregate.Directory
	Deadlines Deadlines
	// Head is the position of the log's last event.
	Head      func(ctx context.Context) (events.Position, error)
	Pause     time.Duration // between two looks; 0: a second
	IdlePause time.Duration // between two looks for idle tokens; 0: a minute
	AtOnce    int           // decisions under way together, which the log commits as a group; 0: eight
	Logger    *slog.Logger
}

// Scheduler looks and records.
type Scheduler struct {
	c Config

	mu      sync.Mutex // guards all below
	last    events.Position
	refused map[projections.Deadline]refusal
}

// refusal is something due that could not be decided, and when it is tried again.
type refusal struct {
	again time.Time
	pause time.Duration
}

const (
	// batch is how many rows are read at once, and so bounds what is in memory
	// after however long a rest.
	batch = 256
	// atOnce is the default of Config.AtOnce.
	atOnce = 8
	// The pauses before something that could not be decided is tried again.
	shortPause, longPause = 10 * time.Second, 10 * time.Minute
	// maxRefused bounds the memory of those.
	maxRefused = 10_000
)

// New makes a scheduler.
func New(c Config) *Scheduler {
	if c.Pause == 0 {
		c.Pause = time.Second
	}
	if c.IdlePause == 0 {
		c.IdlePause = time.Minute
	}
	if c.AtOnce == 0 {
		c.AtOnce = atOnce
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Scheduler{c: c, refused: map[projections.Deadline]refusal{}}
}

// Run looks and records until ctx ends or the log or a read model fails.
func (s *Scheduler) Run(ctx context.Context) error {
	var idle time.Time // of the last look for idle tokens
	for {
		if _, err := s.Look(ctx); err != nil {
			return err
		}
		if time.Since(idle) >= s.c.IdlePause {
			if err := s.LookForIdle(ctx); err != nil {
				return err
			}
			idle = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(s.c.Pause):
		}
	}
}

// Look records everything that is due now, and says how much that was.
func (s *Scheduler) Look(ctx context.Context) (done int, err error) {
	// What was recorded last time is not to be found due again.
	if err := s.c.Deadlines.Wait(ctx, s.position()); err != nil && !errors.Is(err, projections.ErrStale) {
		return 0, err
	}
	now, err := s.c.Deadlines.Now(ctx)
	if err != nil {
		return 0, err
	}
	directory := s.at(now)
	for after := (projections.Deadline{}); ; {
		due, err := s.c.Deadlines.Due(ctx, now, after, batch)
		if err != nil {
			return done, fmt.Errorf("look for what is due: %w", err)
		}
		group, deciding := errgroup.WithContext(ctx)
		group.SetLimit(s.c.AtOnce)
		for _, d := range due {
			group.Go(func() error { return s.decide(deciding, directory, d, now) })
		}
		if err := group.Wait(); err != nil {
			return done, err
		}
		done += len(due)
		if len(due) < batch {
			return done, nil
		}
		after = due[len(due)-1]
	}
}

// at is the use cases with the log's clock instead of this machine's.
func (s *Scheduler) at(now time.Time) *aggregate.Directory {
	tokens := *s.c.Directory.Tokens
	tokens.Handler = &aggregate.Handler{Log: tokens.Handler.Log, Now: func() time.Time { return now }}
	return &aggregate.Directory{Tokens: &tokens, Index: s.c.Directory.Index}
}

// decide records what is due about one thing. A refusal is this thing's own; any
// other error ends the look, which is begun again.
func (s *Scheduler) decide(ctx context.Context, y *aggregate.Directory, d projections.Deadline, now time.Time) error {
	if s.waits(d, now) {
		return nil
	}
	out, err := record(ctx, y, d, now)
	var refused *aggregate.Refusal
	switch {
	case err == nil:
		s.recorded(d, out.Receipt.Last())
	case errors.As(err, &refused) && refused.Code != aggregate.CodeUnavailable:
		if pause := s.postpone(d, now); pause == shortPause {
			s.c.Logger.WarnContext(ctx, "what is due could not be recorded; it is tried again",
				"kind", d.Kind, "subject", d.Subject, "organization", d.Organization, "error", err)
		}
	default:
		return fmt.Errorf("record what is due about %s %s: %w", d.Kind, d.Subject, err)
	}
	return nil
}

func record(ctx context.Context, y *aggregate.Directory, d projections.Deadline, now time.Time) (aggregate.Outcome, error) {
	call := aggregate.Call{Principal: aggregate.Service("scheduler")}
	if d.Kind == projections.DeadlineMembership {
		made, err := y.LapseMember(ctx, call, d.Organization, d.Subject)
		return made.Outcome, err
	}
	do := y.Tokens.WarnOfExpiry
	if !now.Before(d.EndsAt()) {
		do = y.Tokens.Expire
	}
	out, err := do(ctx, call, aggregate.TokenRef{Kind: events.TokenKind(d.Kind), ID: d.Subject})
	return out.Outcome, err
}

func (s *Scheduler) position() events.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *Scheduler) recorded(d projections.Deadline, at events.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, at)
	delete(s.refused, key(d))
}

// waits reports whether a thing that was refused is not to be tried again yet.
func (s *Scheduler) waits(d projections.Deadline, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.refused[key(d)]
	return ok && now.Before(r.again)
}

func (s *Scheduler) postpone(d projections.Deadline, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refused) >= maxRefused {
		clear(s.refused)
	}
	r := s.refused[key(d)]
	r.pause = min(max(2*r.pause, shortPause), longPause)
	r.again = now.Add(r.pause)
	s.refused[key(d)] = r
	return r.pause
}

// key is what a thing is known by, whatever is due about it.
func key(d projections.Deadline) projections.Deadline {
	return projections.Deadline{Subject: d.Subject, Organization: d.Organization}
}
