// Following the log: filling the memory at the start, and what the log tells from then on.

package verifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// Run fills the memory from the log's decisions, follows the log, and records
// refusals, until ctx ends.
func (v *Verifier) Run(ctx context.Context) error {
	head, err := v.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("verifier: %w", err)
	}
	if err := v.fill(ctx, head); err != nil {
		return fmt.Errorf("verifier: fill from the log: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { v.recordRefusals(ctx) })
	beside.Go(func() { v.rewrapAll(ctx) })
	beside.Go(func() { v.keepSnapshots(ctx) })
	err = v.keepFollowing(ctx, head)
	ended := ctx.Err() != nil
	stop()
	beside.Wait()
	if err != nil && !ended {
		return fmt.Errorf("verifier: follow the log: %w", err)
	}
	return nil
}

// errAway: the log could not be read for now.
var errAway = errors.New("the log is away")

// followAgain is how long the verifier waits before it asks a log that was away.
const followAgain = 100 * time.Millisecond

// keepFollowing goes on where it was after a log that was away; any other error ends it.
// Until the log is back nothing is allowed, since a use could not be recorded.
func (v *Verifier) keepFollowing(ctx context.Context, after events.Position) error {
	for away := false; ; {
		err := v.follow(ctx, after)
		if ctx.Err() != nil || !errors.Is(err, errAway) {
			return err
		}
		if at := v.Position(); !away || at > after {
			v.logger.LogAttrs(ctx, slog.LevelWarn, "the verifier cannot follow the log", slog.String("error", err.Error()))
			after = at
		}
		away = true
		select {
		case <-time.After(followAgain):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fill reads the snapshot, and decisions after it only: ten million uses change
// nothing here. What is read beyond head is met again by follow and skipped by its
// version. Until all is there, whoever asks is told that it is not.
func (v *Verifier) fill(ctx context.Context, head events.Position) error {
	at := v.recall(ctx)
	same, err := v.fillAfter(ctx, at)
	if err == nil && !same {
		v.forget(ctx, at)
		_, err = v.fillAfter(ctx, mark{})
	}
	if err != nil {
		return err
	}
	for c, err := range v.log.AllCredentials(ctx) {
		if err != nil {
			return err
		}
		v.mu.Lock()
		v.state.credential(c)
		v.mu.Unlock()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ready, v.filled, v.state.following = true, head, true
	v.advance(head)
	return nil
}

// fillAfter applies the decisions after a mark. It reports false, having applied
// none, if the log does not have that mark.
func (v *Verifier) fillAfter(ctx context.Context, at mark) (same bool, err error) {
	same = at.position == 0
	for r, err := range v.log.Decisions(ctx, max(0, at.position-1)) {
		if err != nil {
			return false, err
		}
		if !same {
			if r.Position != at.position || r.LeafHash != at.hash {
				return false, nil
			}
			v.mu.Lock()
			same, v.decided = true, at
			v.mu.Unlock()
			continue
		}
		v.mu.Lock()
		err := v.take(r)
		v.mu.Unlock()
		if err != nil {
			return false, err
		}
	}
	return same, nil
}

// take applies one event; the caller holds mu.
func (v *Verifier) take(r events.Recorded) error {
	if r.Decision() && r.Position > v.decided.position {
		v.decided = mark{r.Position, r.LeafHash}
		v.unsaved++
	}
	return v.state.apply(r)
}

func (v *Verifier) follow(ctx context.Context, after events.Position) error {
	for b, err := range v.log.Blocks(ctx, after, true) {
		if err != nil && !errors.Is(err, eventstore.ErrCorrupt) {
			return fmt.Errorf("%w: %w", errAway, err)
		}
		if err != nil {
			return err
		}
		recorded, err := b.Events()
		if err != nil {
			return err
		}
		creds, err := v.created(ctx, recorded)
		if err != nil {
			return err
		}
		v.sources.learn(recorded)
		if err := v.applyBlock(recorded, creds); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// created reads the credentials that a block brought, which stand beside the log.
func (v *Verifier) created(ctx context.Context, recorded []events.Recorded) ([]events.Credential, error) {
	var ids []uuid.UUID
	for _, r := range recorded {
		if _, ok := r.Event.(events.TokenCreated); ok {
			id, _, err := r.Stream.IDs()
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	creds, err := v.log.Credentials(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	return creds, nil
}

func (v *Verifier) applyBlock(recorded []events.Recorded, creds []events.Credential) error {
	if len(recorded) == 0 {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range recorded {
		if err := v.take(r); err != nil {
			return err
		}
	}
	for _, c := range creds {
		v.state.credential(c)
	}
	v.advance(recorded[len(recorded)-1].Position)
	return nil
}

// advance moves on and wakes who waits; the caller holds mu.
func (v *Verifier) advance(to events.Position) {
	v.position = to
	close(v.moved)
	v.moved = make(chan struct{})
}

// Ready reports whether the memory is filled.
func (v *Verifier) Ready() bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.ready
}

// Position is the last event that the memory knows of.
func (v *Verifier) Position() events.Position {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.position
}

// Tokens is how many tokens are in memory.
func (v *Verifier) Tokens() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.state.tokens.len()
}

// Wait returns when the memory has reached the position, or with ctx's error.
func (v *Verifier) Wait(ctx context.Context, to events.Position) error {
	for {
		v.mu.RLock()
		at, moved := v.position, v.moved
		v.mu.RUnlock()
		if at >= to {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle waits until the memory knows all that the log now holds.
func (v *Verifier) settle(ctx context.Context) error {
	head, err := v.looks.head(ctx, v.log.Head)
	if err != nil {
		return err
	}
	return v.Wait(ctx, head)
}
