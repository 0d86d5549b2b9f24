// Subscribe: the ledger's events for a downstream program.

package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
)

// Config says which events a program wants. The zero value means all of them,
// from the first on, with nothing kept between two runs.
type Config struct {
	// Origin is the log that the events must be of; empty means whichever one the
	// server carries, and from the first event on that one only.
	Origin string
	// Trail limits the events to one trail; empty means all.
	Trail events.TrailID
	// Type limits the events to a type ("token.revoked") or a kind of stream
	// ("token"); empty means all. Such a subscription cannot see on its own that
	// the server keeps something from it.
	Type events.Type
	// After is the position in the log after which to begin where Store has no mark.
	After events.Position
	// Consumer is the name of the server's consumer, for a program whose credentials
	// allow one name only; two that run at once with the same one disturb each other.
	// Empty means one of its own.
	Consumer string
	// Store keeps where the program has got to. Nil means in memory.
	Store PositionStore
	// Logger is told when the stream does not hold the event that was handled last, so
	// that nothing comes until it does. Nil discards it.
	Logger *slog.Logger
}

// Subscribe gives the events of a ledger, in order, without a gap and each of
// them once, from a connection that the caller keeps and has reconnect. It waits
// for events, for the connection, and for a stream that does not exist yet or does
// not reach as far as it did, until ctx ends.
//
// An event counts as handled when the loop asks for the next one. Marks are saved
// when nothing else is there to do, so a program that dies sees the events since
// then again; one whose ctx ends does not. A loop that breaks has not handled the
// event it was at.
//
// The pair that carries an error ends the sequence: one of ctx, of Store, or one
// that wraps [ErrGap], [ErrOrigin], [ErrLeaf] or [nats.ErrConnectionClosed].
func Subscribe(ctx context.Context, conn *nats.Conn, c Config) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		s := subscriber{Config: c, yield: yield}
		if err := s.run(ctx, conn); err != nil && !errors.Is(err, errStopped) {
			yield(Message{}, err)
		}
	}
}

// errStopped: the loop has broken off, and nothing may be yielded any more.
var errStopped = errors.New("the loop has ended")

// saveEvery is how many events may be handled before a mark is saved although
// there is more to do.
const saveEvery = 1000

// subscriber is one run of a subscription; only one goroutine touches it.
type subscriber struct {
	Config
	yield   func(Message, error) bool
	api     js.JetStream
	mark    Mark // the last event handled, or what is known before the first
	begun   bool // mark names an event
	unsaved int  // events handled since the mark was saved
}

func (s *subscriber) run(ctx context.Context, conn *nats.Conn) error {
	if err := s.begin(ctx, conn); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	l := watch(conn)
	defer l.unwatch()
	for p := (pause{}); ; p.wait(ctx, l) {
		before := s.mark.Position
		err := s.receive(ctx, l)
		if err := s.save(ctx); err != nil {
			return err
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case endsSubscription(err):
			return err
		}
		if s.mark.Position > before {
			p.reset()
		}
	}
}

// endsSubscription tells the errors that no waiting mends.
func endsSubscription(err error) bool {
	for _, final := range []error{ErrGap, ErrOrigin, ErrLeaf, errStopped, nats.ErrConnectionClosed} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// begin finds out where to go on.
func (s *subscriber) begin(ctx context.Context, conn *nats.Conn) (err error) {
	if s.After < 0 {
		return errors.New("the field After cannot be negative")
	}
	if s.Store == nil {
		s.Store = new(MemoryStore)
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.api, err = js.New(conn, js.WithDefaultTimeout(askTimeout)); err != nil {
		return err
	}
	if s.mark, err = s.Store.Load(ctx); err != nil {
		return err
	}
	if s.begun = s.mark.Position > 0; !s.begun {
		s.mark = Mark{Origin: s.Origin, Position: s.After, Trail: s.Trail}
		return nil
	}
	if s.Origin != "" && s.Origin != s.mark.Origin {
		return fmt.Errorf("%w: the mark is of log %s, wanted is %s", ErrOrigin, s.mark.Origin, s.Origin)
	}
	if s.Trail != s.mark.Trail {
		return fmt.Errorf("the mark is of a subscription to the trail %q, this one is to %q", s.mark.Trail, s.Trail)
	}
	return nil
}

// save keeps the mark if it has moved. An end of ctx does not keep it from that.
func (s *subscriber) save(ctx context.Context) error {
	if s.unsaved == 0 {
		return nil
	}
	if err := s.Store.Save(context.WithoutCancel(ctx), s.mark); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	s.unsaved = 0
	return nil
}

// hand gives an event to the loop, which has handled it when it comes back.
func (s *subscriber) hand(m Message) error {
	if !s.yield(m, nil) {
		return errStopped
	}
	s.mark, s.begun = m.mark(s.Trail), true
	s.unsaved++
	return nil
}

// check reports whether a message is the next event; it is not where it is the
// one handled last, which is read again to see that it is still the same.
func (s *subscriber) check(m Message) (next bool, err error) {
	switch {
	case m.Origin != s.mark.Origin:
		return false, fmt.Errorf("%w: position %d is of log %s, begun with %s", ErrOrigin, m.Position, m.Origin, s.mark.Origin)
	case s.begun && m.Position == s.mark.Position:
		if m.LeafHash != s.mark.LeafHash {
			return false, fmt.Errorf("%w: position %d is another event than the one handled", ErrOrigin, m.Position)
		}
		return false, nil
	case m.Position <= s.mark.Position:
		return false, fmt.Errorf("%w: position %d comes after %d", ErrLeaf, m.Position, s.mark.Position)
	case s.Type != "":
		return true, nil
	case s.Trail == "" && m.Position != s.mark.Position+1:
		return false, fmt.Errorf("%w: after position %d comes %d", ErrGap, s.mark.Position, m.Position)
	case s.Trail != "" && m.TrailPosition != s.mark.TrailPosition+1 && (s.begun || s.After == 0):
		return false, fmt.Errorf("%w: after %d of trail %s comes %d", ErrGap, s.mark.TrailPosition, s.Trail, m.TrailPosition)
	}
	return true, nil
}
