// Package verifier is the projection that answers allow or deny.
//
// It keeps every live token in memory, fed by the log in order. A decision reads
// that memory alone. An allowed use leaves only after its event is durable, and
// the append carries the versions that the decision was made on, so that however
// far this memory lags, no use stands in the log after what would have refused
// it. A refusal leaves at once and is recorded behind it.
package verifier

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// Log is what the verifier needs of the event store.
type Log interface {
	Append(ctx context.Context, r events.Request) (events.Receipt, error)
	ReadStream(ctx context.Context, id events.StreamID, after events.Version) iter.Seq2[events.Recorded, error]
	Decisions(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error]
	Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error]
	Head(ctx context.Context) (events.Position, error)
	Credentials(ctx context.Context, tokens []uuid.UUID) ([]events.Credential, error)
	AllCredentials(ctx context.Context) iter.Seq2[events.Credential, error]
	Rewrap(ctx context.Context, from, to events.Credential) error
}

// Sources finds what observations told before this process began to follow them.
type Sources interface {
	Source(ctx context.Context, token uuid.UUID, trail events.TrailID, address, agent string) (events.Position, bool, error)
	// LastUse is when a token was last used in a trail, as far as the log goes to
	// the position: later uses may count or not.
	LastUse(ctx context.Context, token uuid.UUID, trail events.TrailID, to events.Position) (time.Time, bool, error)
}

// Config says what a verifier works with. Now defaults to the machine's clock,
// Logger to none.
type Config struct {
	Log     Log
	Sources Sources
	Peppers *secret.Peppers
	Now     func() time.Time
	Logger  *slog.Logger
	// SignIn: people can sign in at this installation, so that no token stands for one.
	SignIn bool
	// Snapshots keeps what a start need not read from the log again, sealed by
	// Sealer; nil: nothing is kept.
	Snapshots Snapshots
	Sealer    Sealer
	// Forgetful: the policies are asked anew for each decision. For measurements.
	Forgetful bool
}

// Verifier answers for tokens. Its methods may be called at any time; before
// Ready they answer ErrNotReady.
type Verifier struct {
	log     Log
	peppers *secret.Peppers
	now     func() time.Time
	logger  *slog.Logger
	sources sourceBook
	refused refusalBook
	rewraps chan rewrap
	looks   looks

	snapshots     Snapshots
	sealer        Sealer
	saved         events.Position // the newest snapshot that is known; for who keeps them
	snapshotLeast int             // decisions
	partSize      int             // of a snapshot, about
	emptyState    func() state

	mu       sync.RWMutex // guards all below
	state    state
	position events.Position
	decided  mark            // the last decision that the memory knows of
	unsaved  int             // decisions since the last snapshot
	filled   events.Position // the head when the memory was filled; uses are followed from there
	ready    bool
	moved    chan struct{} // closed and replaced whenever position grows
	hourly   map[pair]time.Time
}

// What the verifier answers besides a decision.
var (
	// ErrNotReady: the memory is not yet filled.
	ErrNotReady = fmt.Errorf("the verifier is starting: %w", events.ErrUnavailable)
	// ErrUnsettled: what the decision depends on kept changing while it was recorded.
	ErrUnsettled = fmt.Errorf("what the token depends on kept changing: %w", events.ErrUnavailable)
)

// New makes a verifier; Run fills it.
func New(c Config) *Verifier {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	empty := func() state {
		s := newState()
		s.signIn = c.SignIn
		if c.Forgetful {
			s.rulings = nil
		}
		return s
	}
	return &Verifier{
		log: c.Log, peppers: c.Peppers, now: c.Now, logger: c.Logger,
		sources: sourceBook{find: c.Sources, kept: sourcesKept},
		refused: newRefusalBook(),
		rewraps: make(chan rewrap, rewrapsQueued),
		looks:   newLooks(),
		state:   empty(),

		snapshots: c.Snapshots, sealer: c.Sealer, snapshotLeast: snapshotLeast, partSize: partSize, emptyState: empty,
		moved:  make(chan struct{}),
		hourly: map[pair]time.Time{},
	}
}

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
	v.saved = at.position
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
	return len(v.state.tokens)
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

// Query asks whether a token may do something.
//
// Value may share memory with the request that it came in; nothing keeps it, or a
// part of it, beyond the call. The other texts are kept.
type Query struct {
	Value        string
	Organization uuid.UUID // whose resource it is; zero: the token's own or only one
	Action       string    // mapped to a scope by the registry, unless Scope is given
	Resource     string
	Scope        string
	// Told says that Action tells what happens and is not asked for: it is
	// recorded, and maps to no scope.
	Told bool
	// Ledger says that it is for the ledger's own interface, which names the
	// scopes itself and leaves to the rules what the token's owner may.
	Ledger    bool
	Address   netip.Addr
	Agent     string
	RequestID string
	Trace     string
	Via       string // the interface that asks
}

// redacted masks token values that were put where only their use is told: what
// stands there is recorded, in clear and for good.
func (q Query) redacted() Query {
	for _, text := range []*string{&q.Action, &q.Resource, &q.Agent, &q.RequestID} {
		*text = secret.RedactString(*text)
	}
	return q
}

// Decision is the answer to a Query. Code is empty when the use is allowed; what
// else is filled in then is what the holder of the token may know.
type Decision struct {
	Allowed bool
	Code    Code
	Policy  string // that allows the use, or lets its scopes not suffice
	Subject
	Position events.Position // of the recorded use
	Until    time.Time       // when an allowed use is so no more, if nothing happens before; zero: never
}

// Decide says what Verify would and records nothing. So what it allows is no use
// of the token: it may be refused by the time it is one.
func (v *Verifier) Decide(ctx context.Context, q Query) (Decision, error) {
	d, err := v.decideFresh(ctx, q)
	if err != nil {
		return Decision{}, err
	}
	return Decision{Allowed: d.code == "", Code: d.code, Policy: d.policy, Subject: d.subject, Until: d.notAfter}, nil
}

// Verify decides and records. An error means that no decision could be made or
// made durable: the caller must refuse.
func (v *Verifier) Verify(ctx context.Context, q Query) (Decision, error) {
	q = q.redacted()
	const attempts = 8
	for range attempts {
		d, err := v.decideFresh(ctx, q)
		if err != nil {
			return Decision{}, err
		}
		if d.code != "" {
			v.refuse(q, d)
			return Decision{Code: d.code, Policy: d.policy, Subject: d.subject}, nil
		}
		at, err := v.record(ctx, q, d)
		switch {
		case err == nil:
			return Decision{Allowed: true, Policy: d.policy, Subject: d.subject, Position: at, Until: d.notAfter}, nil
		case !outrun(err):
			return Decision{}, err
		}
		if err := v.settle(ctx); err != nil {
			return Decision{}, err
		}
	}
	return Decision{}, ErrUnsettled
}

// outrun reports whether the log refused because the decision's ground moved.
func outrun(err error) bool {
	return errors.Is(err, events.ErrConflict) || errors.Is(err, events.ErrGateClosed) || errors.Is(err, events.ErrTooLate)
}

// fresh reports whether a token's id, a UUIDv7, was made in the last ten seconds.
func fresh(id uuid.UUID, now time.Time) bool {
	sec, nsec := id.Time().UnixTime()
	return id.Version() == 7 && now.Sub(time.Unix(sec, nsec)).Abs() < 10*time.Second
}
