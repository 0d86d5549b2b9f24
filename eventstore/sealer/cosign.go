// Cosignatures: witnesses are asked beside the sealing, so that none can hold it up.

package sealer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Witness cosigns checkpoints of a log that it has seen grow.
type Witness interface {
	// Name is that of the witness's key.
	Name() string
	// Cosign gives the witness's signature line. prove makes the consistency proof from
	// the size that the witness has seen.
	Cosign(ctx context.Context, checkpoint []byte, prove func(older int64) (merkle.Proof, error)) ([]byte, error)
}

// Cosigner has the newest checkpoints cosigned.
type Cosigner struct {
	Reader    *Reader
	Witnesses []Witness
	// Active says whether this process is the one to ask; nil: always.
	Active  func() bool
	Every   time.Duration // between looks for a new checkpoint; 0 means a second
	Timeout time.Duration // of a question; 0 means ten seconds
	Logger  *slog.Logger  // nil discards

	mu    sync.Mutex // guards faults
	fault map[string]error
}

// Missing is why each witness has not cosigned the last checkpoint that it was asked
// about, or nil.
func (c *Cosigner) Missing() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []error
	for _, err := range c.fault {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// Run asks until ctx ends, and then returns nil. A witness that is away misses some
// checkpoints and cosigns the newest when it is back, which says as much.
func (c *Cosigner) Run(ctx context.Context) error {
	every, timeout := c.Every, c.Timeout
	if every == 0 {
		every = time.Second
	}
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	var group errgroup.Group
	for _, w := range c.Witnesses {
		group.Go(func() error {
			done := int64(-1)
			for ctx.Err() == nil {
				if c.Active == nil || c.Active() {
					done = c.attempt(ctx, w, done, timeout)
				}
				sleep(ctx, every)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	<-ctx.Done() // also where there is no witness
	return nil
}

// attempt has the newest checkpoint cosigned unless it was before, and gives its number.
func (c *Cosigner) attempt(ctx context.Context, w Witness, done int64, timeout time.Duration) int64 {
	newest, err := c.Reader.Latest(ctx)
	if errors.Is(err, ErrNotSealed) || (err == nil && newest.Epoch.Number == done) {
		return done
	}
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		err = c.Reader.cosign(limited, w, newest)
	}
	if ctx.Err() == nil {
		c.note(ctx, w, err)
	}
	if err != nil {
		return done
	}
	return newest.Epoch.Number
}

// note tells of a fault once, not at each attempt.
func (c *Cosigner) note(ctx context.Context, w Witness, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault == nil {
		c.fault = map[string]error{}
	}
	before := c.fault[w.Name()]
	delete(c.fault, w.Name())
	if err != nil {
		c.fault[w.Name()] = err
	}
	if err != nil && before == nil && c.Logger != nil {
		c.Logger.LogAttrs(ctx, slog.LevelWarn, "a checkpoint is not cosigned", slog.String("witness", w.Name()), slog.String("error", err.Error()))
	}
}

func (r *Reader) cosign(ctx context.Context, w Witness, s Sealed) error {
	line, err := w.Cosign(ctx, s.Checkpoint, func(older int64) (merkle.Proof, error) {
		return r.ConsistencyOf(ctx, s.Log, older, s.Size())
	})
	if err != nil {
		return err
	}
	const sql = `INSERT INTO cosignatures (log, number, witness, signature) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	if _, err := r.pool.Exec(ctx, sql, s.Log, s.Epoch.Number, w.Name(), line); err != nil {
		return fmt.Errorf("keep the cosignature of %s: %w", w.Name(), err)
	}
	return nil
}
