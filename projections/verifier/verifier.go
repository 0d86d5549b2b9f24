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

	"github.com/tokenledger/tokenledger/aggregate"
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
	// Span begins the part of a trace that a verification is; nil: nothing is traced.
	Span aggregate.Span
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
	span    aggregate.Span

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
		sources: newSourceBook(c.Sources, usesKept(memoryLimit())),
		refused: newRefusalBook(),
		rewraps: make(chan rewrap, rewrapsQueued),
		looks:   newLooks(),
		span:    c.Span,
		state:   empty(),

		snapshots: c.Snapshots, sealer: c.Sealer, snapshotLeast: snapshotLeast, partSize: partSize, emptyState: empty,
		moved:  make(chan struct{}),
		hourly: map[pair]time.Time{},
	}
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
	ctx, end := v.span.Begin(ctx, "verify")
	d, err := v.verify(ctx, q.redacted())
	if err != nil {
		end(eventstore.ErrorType(err))
	} else {
		end(string(d.Code))
	}
	return d, err
}

func (v *Verifier) verify(ctx context.Context, q Query) (Decision, error) {
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
