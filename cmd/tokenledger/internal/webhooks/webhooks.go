// Package webhooks sends the events and findings of organizations to the URLs
// that they named: signed as Standard Webhooks says, at least once, in order as
// far as retries allow.
//
// Each webhook has a place in its organization's trail and moves on one message
// at a time. A message that is not taken is tried again, with growing pauses,
// before anything behind it; one that the receiver does not want, or that it
// could not be given for more than a day, becomes a dead letter, which is listed
// and can be sent again. So a receiver that was away gets everything in order
// when it is back, but for the few that were given up meanwhile.
package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// Trails gives the events of a trail; [projections.Views] does.
type Trails interface {
	TrailAfter(ctx context.Context, trail events.TrailID, after events.Position) ([]events.Recorded, error)
}

// Config says what is sent and how. Everything below Client has a default.
type Config struct {
	Pool   *pgxpool.Pool // of the read models
	Trails Trails
	Origin string // of the log
	// Key gives a webhook's key.
	Key func(webhook uuid.UUID) ([]byte, error)
	// Client calls the URLs; it is to refuse addresses that are not public.
	Client *http.Client

	Logger     *slog.Logger
	Look       time.Duration // between looks for something to send; 0: half a second
	FirstPause time.Duration // before the second try; 0: 5 s
	MaxPause   time.Duration // between two tries at most; 0: 6 h
	Tries      int           // at a message that the receiver cannot be given; 0: 12, which takes a day and a half
	Rejections int           // tries at a message that the receiver does not want; 0: 3
	AtOnce     int           // webhooks that are called at the same time; 0: 16
}

const (
	// turn is how long a webhook is served before others get its place.
	turn = 10 * time.Second
	// growth is by how much each pause is longer than the one before.
	growth = 4
	// handful is how many dead letters are sent again in one turn.
	handful = 50
)

func (c *Config) defaults() {
	for _, d := range []struct {
		of *time.Duration
		is time.Duration
	}{{&c.Look, 500 * time.Millisecond}, {&c.FirstPause, 5 * time.Second}, {&c.MaxPause, 6 * time.Hour}} {
		if *d.of == 0 {
			*d.of = d.is
		}
	}
	for _, d := range []struct {
		of *int
		is int
	}{{&c.Tries, 12}, {&c.Rejections, 3}, {&c.AtOnce, 16}} {
		if *d.of == 0 {
			*d.of = d.is
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// Sender sends. One process at a time is to run one; two would send twice.
type Sender struct {
	c     Config
	store store
}

// New makes a sender.
func New(c Config) *Sender {
	c.defaults()
	client := *c.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Client = &client
	return &Sender{c, store{c.Pool}}
}

// Run sends until ctx ends, or the database fails.
func (s *Sender) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var serving sync.WaitGroup
	defer serving.Wait()
	var mu sync.Mutex // guards busy
	busy := map[uuid.UUID]bool{}
	for {
		mu.Lock()
		before := maps.Clone(busy) // what is read of these is old once they are free
		mu.Unlock()
		due, err := s.look(ctx)
		if err != nil {
			return err
		}
		for _, h := range due {
			mu.Lock()
			free := !before[h.ID] && len(busy) < s.c.AtOnce
			if free {
				busy[h.ID] = true
			}
			mu.Unlock()
			if !free {
				continue
			}
			serving.Go(func() {
				if err := s.serve(ctx, h); err != nil && ctx.Err() == nil {
					cancel(fmt.Errorf("webhook %s: %w", h.ID, err))
				}
				mu.Lock()
				defer mu.Unlock()
				delete(busy, h.ID)
			})
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(s.c.Look):
		}
	}
}

func (s *Sender) look(ctx context.Context) ([]hook, error) {
	if err := s.store.begin(ctx); err != nil {
		return nil, err
	}
	return s.store.due(ctx)
}

// serve gives one webhook its turn. The error is one of the database.
func (s *Sender) serve(ctx context.Context, h hook) error {
	key, err := s.c.Key(h.ID)
	if err != nil {
		return err
	}
	over := time.Now().Add(turn)
	if err := s.sendAgain(ctx, h, key); err != nil {
		return err
	}
	for time.Now().Before(over) {
		next, err := s.next(ctx, &h)
		if err != nil || len(next) == 0 {
			return quiet(err)
		}
		for _, step := range next {
			if on, err := s.step(ctx, &h, step, key); err != nil || !on || time.Now().After(over) {
				return quiet(err)
			}
		}
	}
	return nil
}

// quiet drops the error of work that somebody else does.
func quiet(err error) error {
	if errors.Is(err, errMoved) {
		return nil
	}
	return err
}

// step is something that a webhook is done with next: a letter, or with none just a place.
type step struct {
	*letter
	to     events.Position
	notice int64
}

// next gives what comes next, in order: events, and when there are none findings.
func (s *Sender) next(ctx context.Context, h *hook) (steps []step, err error) {
	recs, err := s.c.Trails.TrailAfter(ctx, events.OrganizationTrail(h.Organization), h.TrailPosition)
	if err != nil {
		return nil, err
	}
	for i, rec := range recs {
		at := step{to: rec.TrailPosition, notice: h.Notice}
		if wants(h.Types, string(rec.Event.Type())) {
			at.letter = s.event(rec)
		} else if i < len(recs)-1 {
			continue // the next step goes past it
		}
		steps = append(steps, at)
	}
	if len(steps) > 0 {
		return steps, nil
	}
	notices, err := s.store.notices(ctx, h.Organization, h.Notice, handful)
	for _, n := range notices {
		at := step{to: h.TrailPosition, notice: n.Number}
		if wants(h.Types, aggregate.FindingType) {
			at.letter = s.finding(n)
		}
		steps = append(steps, at)
	}
	return steps, err
}

func (s *Sender) event(rec events.Recorded) *letter {
	id := fmt.Sprintf("%s/%d", s.c.Origin, rec.Position)
	return &letter{message{id, rec.Leaf}, "event", int64(rec.TrailPosition)}
}

func (s *Sender) finding(n notice) *letter {
	id := fmt.Sprintf("%s/finding/%s/%d", s.c.Origin, n.Rule, n.Position)
	return &letter{message{id, n.Body}, aggregate.FindingType, n.Number}
}

// wants reports whether a webhook with these types is sent this one.
func wants(types []string, t string) bool {
	kind, _, _ := strings.Cut(t, ".")
	return len(types) == 0 || slices.Contains(types, t) || slices.Contains(types, kind)
}

// step does one thing and reports whether the webhook may go on.
func (s *Sender) step(ctx context.Context, h *hook, at step, key []byte) (on bool, err error) {
	if at.letter == nil {
		return true, s.store.advance(ctx, h, at.to, at.notice, false)
	}
	if live, err := s.store.live(ctx, h.ID); err != nil || !live {
		return false, err
	}
	err = at.send(ctx, s.c.Client, h.URL, key, time.Now())
	var f *failure
	if !errors.As(err, &f) {
		if err != nil {
			return false, err
		}
		return true, s.store.advance(ctx, h, at.to, at.notice, true)
	}
	s.c.Logger.DebugContext(ctx, "a webhook did not take a message", "webhook", h.ID, "message", at.id, "attempt", h.Attempts+1, "reason", f.reason)
	tries, pause := s.c.Tries, s.pause(h.Attempts, f)
	if f.rejected {
		tries = s.c.Rejections
	}
	if h.Attempts+1 < tries {
		return false, s.store.failed(ctx, h, f.reason, pause)
	}
	if f.rejected { // the receiver is there: what is behind need not wait
		return true, s.store.bury(ctx, h, *at.letter, f.reason, at.to, at.notice, 0)
	}
	return false, s.store.bury(ctx, h, *at.letter, f.reason, at.to, at.notice, s.c.MaxPause)
}

// pause grows with each try, and is drawn from the upper half of what it grew
// to, so that those who failed together do not come back together.
func (s *Sender) pause(attempts int, f *failure) time.Duration {
	full := s.c.FirstPause
	for range attempts {
		if full *= growth; full >= s.c.MaxPause {
			break
		}
	}
	full = min(max(full, f.after), s.c.MaxPause)
	return full/2 + rand.N(full/2+1)
}

// sendAgain gives dead letters that somebody asked for one more try each.
func (s *Sender) sendAgain(ctx context.Context, h hook, key []byte) error {
	kinds, numbers, err := s.store.again(ctx, h.ID, handful)
	if err != nil {
		return fmt.Errorf("look for what is to be sent again: %w", err)
	}
	for i, kind := range kinds {
		l, err := s.find(ctx, h, kind, numbers[i])
		if err != nil {
			return err
		}
		reason := "it is there no more"
		if l != nil {
			err = l.send(ctx, s.c.Client, h.URL, key, time.Now())
			var f *failure
			if err == nil {
				if err := s.store.raised(ctx, h, *l); err != nil {
					return err
				}
				continue
			}
			if !errors.As(err, &f) {
				return err
			}
			reason = f.reason
		}
		if err := s.store.buriedAgain(ctx, h, kind, numbers[i], reason); err != nil {
			return err
		}
	}
	return nil
}

// find makes a dead letter anew; nil where what it was of is gone.
func (s *Sender) find(ctx context.Context, h hook, kind string, number int64) (*letter, error) {
	if kind == aggregate.FindingType {
		notices, err := s.store.notices(ctx, h.Organization, number-1, 1)
		if err != nil || len(notices) == 0 || notices[0].Number != number {
			return nil, err
		}
		return s.finding(notices[0]), nil
	}
	recs, err := s.c.Trails.TrailAfter(ctx, events.OrganizationTrail(h.Organization), events.Position(number-1))
	if err != nil || len(recs) == 0 || int64(recs[0].TrailPosition) != number {
		return nil, err
	}
	return s.event(recs[0]), nil
}
