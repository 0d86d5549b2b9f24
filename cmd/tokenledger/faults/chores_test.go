// What goes on while things break, beside the clients: work that takes a while and may
// be interrupted in its middle.

//go:build faults

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// chore is one kind. It returns when its work is done, however often that took.
type chore struct {
	name string
	run  func(ctx context.Context, n *round, l *load) error
}

// chores leaves out what FAULTS_AMID, part of a name, does not match.
func chores() []chore {
	return slices.DeleteFunc([]chore{
		{"appends, relays, projection batches and seals alone", func(context.Context, *round, *load) error { return nil }},
		{"a rebuild of read models", func(ctx context.Context, n *round, _ *load) error {
			return n.insist(ctx, false, "projections", "rebuild")
		}},
		{"a rebuild of read models that is killed itself", func(ctx context.Context, n *round, _ *load) error {
			return n.insist(ctx, true, "projections", "rebuild")
		}},
		{"an export of evidence", export(false)},
		{"an export of evidence that is killed itself", export(true)},
		{"a rotation of the pepper", rotate("pepper", false)},
		{"a rotation of the signing key", rotate("signing", false)},
		{"a rotation of the key-encryption key", rotate("key_encryption", false)},
		{"a rotation of the pepper that is killed itself", rotate("pepper", true)},
		{"a rotation of the signing key that is killed itself", rotate("signing", true)},
		{"a rotation of the key-encryption key that is killed itself", rotate("key_encryption", true)},
		{"appends of one more process, whose clock jumps", jumping},
	}, func(c chore) bool { return !strings.Contains(c.name, os.Getenv("FAULTS_AMID")) })
}

// insist runs a command past every fault of the network until it succeeds. Where it is
// to be killed, that happens once, somewhere in its middle.
func (n *round) insist(ctx context.Context, kill bool, args ...string) error {
	after := between(n.random, 30, 600)
	s := n.services[n.random.IntN(len(n.services))]
	return await(ctx, func() error {
		p, err := outside.Start(binary, append(s.env[:len(s.env):len(s.env)], "TOKENLEDGER_DATABASE_URL="+n.postgres.direct()), args...)
		if err != nil {
			return err
		}
		if kill {
			kill = false
			select {
			case <-p.Done():
			case <-time.After(after):
				p.Kill()
				return errors.New("it was killed")
			}
		}
		code, err := p.Wait(recoveryLimit)
		if err == nil && code != 0 {
			err = fmt.Errorf("exit code %d\n%s", code, p.Output())
		}
		return err
	})
}

// export writes a pack of all that there is, and verifies it with keys from elsewhere.
func export(kill bool) func(context.Context, *round, *load) error {
	return func(ctx context.Context, n *round, _ *load) error {
		dir, err := os.MkdirTemp(n.dir, "pack-")
		if err != nil {
			return err
		}
		file := filepath.Join(dir, "pack.zip")
		from := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
		to := time.Now().UTC().Format(time.RFC3339)
		err = n.insist(ctx, kill, "audit", "export", "--organization", n.organization, "--from", from, "--to", to, "--output-file", file)
		if err != nil {
			return err
		}
		keys, err := n.command(n.services[0], "keys", "list", "--public")
		if err != nil {
			return err
		}
		public := filepath.Join(dir, "keys")
		if err := os.WriteFile(public, []byte(keys.Stdout.String()), 0o600); err != nil {
			return err
		}
		p, err := n.command(n.services[0], "audit", "verify", file, "--key", "@"+public)
		if err == nil && p.Code() != 0 {
			err = fmt.Errorf("the pack is verified with exit code %d\n%s", p.Code(), p.Output())
		}
		return err
	}
}

// rotate makes another version of a key the active one, as docs/operations.md says for
// several services: each knows it before anybody uses it. They would take it on by
// themselves; that each is started again meanwhile is a trial more.
func rotate(key string, kill bool) func(context.Context, *round, *load) error {
	return func(ctx context.Context, n *round, _ *load) error {
		for _, more := range [][]string{{"--prepare"}, nil} {
			if err := n.insist(ctx, kill, append([]string{"keys", "rotate", key}, more...)...); err != nil {
				return err
			}
			for _, s := range n.services {
				if err := await(ctx, s.restart); err != nil {
					return err
				}
				if err := await(ctx, func() error { return s.ready(ctx) }); err != nil {
					return fmt.Errorf("%s after it was started again: %w", s.name, err)
				}
			}
		}
		return nil
	}
}

// minuteOff is not what the clock of Postgres is ever turned by: the two would agree.
const minuteOff = 70 * time.Second

// jumping is a process with the log in it and nothing else, whose clock is turned. While
// it is a minute off, nothing that it appends may be recorded.
func jumping(ctx context.Context, n *round, l *load) error {
	ring, err := keyring.File{Path: filepath.Join(n.dir, "keys.json")}.Load()
	if err != nil {
		return err
	}
	var off atomic.Int64
	var log *eventstore.Log
	config := eventstore.Config{Keys: ring, Now: func() time.Time {
		return time.Now().Add(time.Duration(off.Load()))
	}}
	err = await(ctx, func() error { // the database may be away
		config.URL = n.postgres.direct()
		log, err = eventstore.Open(ctx, config)
		return err
	})
	if err != nil {
		return err
	}
	defer log.Close()
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- log.Run(running) }()
	var problem error
	for _, jump := range []time.Duration{0, minuteOff, 0, -minuteOff, 0} {
		off.Store(int64(jump))
		if jump != 0 {
			n.report.strike("clock of one more process a minute off")
		}
		for range 20 {
			if l.append(ctx, log) == done && jump != 0 {
				problem = fmt.Errorf("an event was recorded by a process whose clock is %v off", jump)
			}
		}
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		problem = errors.Join(problem, err)
	}
	return problem
}

// append lets a token be used by way of the log itself.
func (l *load) append(ctx context.Context, log *eventstore.Log) outcome {
	l.mu.Lock()
	t := l.tokens[0]
	l.mu.Unlock()
	organization, id := uuid.MustParse(l.organization), uuid.MustParse(t.id)
	o := op{kind: use, token: t.id, marker: l.marker(), client: -1, service: -1, began: l.now()}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	receipt, err := log.Append(ctx, events.Request{
		Guards: []events.Guard{events.Open(events.TokenStream(id))},
		Batches: []events.Batch{{
			Stream: events.TokenStream(id), Trail: events.OrganizationTrail(organization), Meta: events.Meta{Actor: events.System("faults")},
			Events: []events.Event{events.TokenUsed{Action: "createEvidence", Resource: o.marker}},
		}},
	})
	o.ended = l.now()
	switch {
	case err == nil:
		o.outcome, o.position = done, int64(receipt.Last())
	case errors.Is(err, events.ErrGateClosed):
		o.outcome = refused
	}
	l.history.add(o)
	return o.outcome
}
