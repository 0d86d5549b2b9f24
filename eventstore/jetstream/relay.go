// The relay: its configuration, its life, and what it tells about itself.

package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// Source is the log as the relay needs it; [eventstore.Log] is one.
type Source interface {
	// Origin names the log for good.
	Origin() string
	// First is the position of the first event that the log's database still holds.
	First(ctx context.Context) (events.Position, error)
	// Blocks gives the blocks after a position, in order and without a gap. It
	// ends at the head that the log's database has at the call, or with follow
	// goes on until ctx ends.
	Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error]
}

// RelayConfig says from where to where. Log and Conn are required.
type RelayConfig struct {
	Log Source
	// Conn belongs to the caller and may be shared. It should reconnect for ever
	// (nats.MaxReconnects(-1)); the relay ends when it is closed.
	Conn *nats.Conn
	// Replicas of the stream; 0 means what [Replicas] says, or what an existing stream has.
	Replicas int
	// MaxBytes is what the stream may grow to before it lets go of its oldest
	// messages; 0 means as far as the server lets it, or what an existing stream has.
	MaxBytes int64
	// Buffered is for a server of one's own that stays alone: it may answer for messages
	// before it has written them, which makes many writes one. What a crash takes from the
	// stream is published again from the log. A stream that exists keeps what it has.
	Buffered bool
	// Tracer makes the spans of publishing what this process appended in a trace. Nil:
	// nothing is traced.
	Tracer trace.Tracer
	// Logger gets interruptions and their ends. Nil discards them.
	Logger *slog.Logger
}

func (c *RelayConfig) validate() error {
	var problems []error
	if c.Log == nil {
		problems = append(problems, errors.New("the field Log is missing"))
	}
	if c.Conn == nil {
		problems = append(problems, errors.New("the field Conn is missing"))
	}
	if c.Replicas < 0 || c.MaxBytes < 0 {
		problems = append(problems, errors.New("the fields Replicas and MaxBytes cannot be negative"))
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(problems...)
}

// Relay publishes a log to its stream. Any number of relays may work at once, in
// any number of processes; one of them gets each event through.
type Relay struct {
	config RelayConfig
	api    js.JetStream // set by Run and Rebuild

	mu     sync.Mutex // guards the fields below
	status Status
	seen   events.Position // last one read from the log
}

// NewRelay does nothing yet; Run and Rebuild report what is wrong in c.
func NewRelay(c RelayConfig) *Relay { return &Relay{config: c} }

// Status is how far a relay has got.
type Status struct {
	// Connected tells whether NATS can be reached.
	Connected bool
	// Position is the last one that is known to stand in the stream.
	Position events.Position
	// Lag is the number of events that the relay has seen in the log and that are
	// not known to stand in the stream. It does not grow while NATS is away.
	Lag events.Position
	// Interrupted is why nothing is published for now; nil when all is well.
	Interrupted error
	// Halted is why nothing is published any more, which a person has to look at. It
	// stays until a later Run finds the stream as it should be.
	Halted error
}

// Status may be called at any time.
func (r *Relay) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Connected = r.config.Conn != nil && r.config.Conn.IsConnected()
	s.Lag = max(r.seen-s.Position, 0)
	return s
}

// saw notes how far the log is known to reach.
func (r *Relay) saw(p events.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = p
}

// reached notes that the stream ends at a position and that nothing is wrong.
func (r *Relay) reached(ctx context.Context, p events.Position) {
	r.mu.Lock()
	was := r.status
	r.status = Status{Position: p}
	r.mu.Unlock()
	if was.Interrupted != nil || was.Halted != nil {
		r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "the relay goes on", slog.Int64("position", int64(p)))
	}
}

// failed notes why nothing is published. That another relay does it is nothing
// to note; what lasts is logged once.
func (r *Relay) failed(ctx context.Context, err error) {
	if errors.Is(err, errOvertaken) {
		return
	}
	r.mu.Lock()
	was := r.status
	if forGood(err) {
		r.status.Halted = err
	} else {
		r.status.Interrupted = err
	}
	r.mu.Unlock()
	switch {
	case forGood(err) && was.Halted == nil:
		r.config.Logger.LogAttrs(ctx, slog.LevelError, "the relay has halted; events wait in the log", slog.String("error", err.Error()))
	case !forGood(err) && was.Interrupted == nil:
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the relay is interrupted", slog.String("error", err.Error()))
	}
}

// Run publishes until ctx ends, and then returns nil. It waits through outages of
// NATS and of the log's database without losing its place. It returns an error
// that wraps [ErrDiverged] or [eventstore.ErrCorrupt], having published nothing
// that it doubts, or [nats.ErrConnectionClosed]. It may be called again after that,
// and goes on where the stream has become that of the log.
func (r *Relay) Run(ctx context.Context) error {
	l, err := r.open()
	if err != nil {
		return err
	}
	defer l.unwatch()
	if err := r.work(ctx, l, true); ctx.Err() == nil {
		return fmt.Errorf("relay: %w", err)
	}
	return nil
}

// Rebuild deletes the stream and publishes the log anew up to its head. It is
// for a person who has found out why a stream is not that of the log; whatever
// else reads the stream begins again or stops. Other relays may be at work meanwhile.
// Status tells how far it is.
func (r *Relay) Rebuild(ctx context.Context) error {
	l, err := r.open()
	if err != nil {
		return err
	}
	defer l.unwatch()
	if err := l.await(ctx); err != nil {
		return fmt.Errorf("rebuild the stream: %w", err)
	}
	err = r.api.DeleteStream(ctx, StreamName(r.config.Log.Origin()))
	if err != nil && !errors.Is(err, js.ErrStreamNotFound) {
		return fmt.Errorf("rebuild the stream: delete the old one: %w", err)
	}
	if err := r.work(ctx, l, false); err != nil {
		return fmt.Errorf("rebuild the stream: %w", err)
	}
	return nil
}

func (r *Relay) open() (*link, error) {
	err := r.config.validate()
	if err == nil {
		r.api, err = js.New(r.config.Conn, js.WithDefaultTimeout(askTimeout))
	}
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	return watch(r.config.Conn), nil
}

// work makes one attempt after another, until one of them succeeds, which takes
// an end of the log, or none ever will.
func (r *Relay) work(ctx context.Context, l *link, follow bool) (why error) {
	for p := (pause{}); ; p.wait(ctx, l) {
		before := r.Status().Position
		if why = r.attempt(ctx, l, follow, why); why == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.failed(ctx, why)
		if forGood(why) {
			return why
		}
		// Who is overtaken leaves the way to the faster for a growing while.
		if r.Status().Position > before && !errors.Is(why, errOvertaken) {
			p.reset()
		}
	}
}

// forGood tells the errors that no waiting mends.
func forGood(err error) bool {
	return errors.Is(err, ErrDiverged) || errors.Is(err, eventstore.ErrCorrupt) || errors.Is(err, nats.ErrConnectionClosed)
}
