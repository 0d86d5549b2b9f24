// One attempt to bring the stream up to the log and keep it there.

package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// Why an attempt ends and another one may do better.
var (
	errOvertaken    = errors.New("another relay has published these events")
	errRefused      = errors.New("the server does not take the events")
	errDisconnected = errors.New("the connection to NATS is lost")
)

// answerTimeout is how long the server may be silent while it owes an answer.
const answerTimeout = 5 * time.Second

// attempt publishes from where the stream ends, until something breaks or, without
// follow, until the log's head stands in the stream. why is what ended the attempt
// before.
func (r *Relay) attempt(ctx context.Context, l *link, follow bool, why error) error {
	if err := l.await(ctx); err != nil {
		return err
	}
	last, err := r.resume(ctx, why)
	if err != nil {
		return err
	}
	p := publisher{
		relay: r, link: l, flight: flight{sent: last, landed: last}, answers: make(chan *nats.Msg, flightMessages),
		headers: events.NewHeaderSet(r.config.Log.Origin()), after: make([]string, 1),
	}
	defer p.traces.end("unanswered")
	p.inbox = r.config.Conn.NewInbox()
	sub, err := r.config.Conn.ChanSubscribe(p.inbox, p.answers)
	if err != nil {
		return fmt.Errorf("listen for answers: %w", err)
	}
	defer sub.Unsubscribe() // its only error is a connection that is closed anyway

	g, ctx := errgroup.WithContext(ctx)
	blocks := make(chan *eventstore.Block)
	g.Go(func() error {
		defer close(blocks)
		return readBlocks(ctx, r.config.Log, last, follow, blocks)
	})
	g.Go(func() error { return p.run(ctx, blocks) })
	return g.Wait()
}

// resume finds the stream and makes sure that it is the log's as far as it goes.
func (r *Relay) resume(ctx context.Context, why error) (last events.Position, err error) {
	stream, err := r.config.openStream(ctx, r.api)
	if err != nil {
		return 0, err
	}
	state := stream.CachedInfo().State
	last = events.Position(state.LastSeq)
	at := samples(events.Position(state.FirstSeq), last)
	if known := r.Status().Position; errors.Is(why, errOvertaken) && known < last {
		at = []events.Position{last, known + 1} // the rest has been looked at a moment ago
	}
	if last > 0 {
		if err := r.config.compare(ctx, stream, at); err != nil {
			return 0, err
		}
	}
	// A stream that took no events is well again only when it has taken some.
	if last > r.Status().Position || !errors.Is(why, errRefused) {
		r.reached(ctx, last)
	}
	return last, nil
}

func readBlocks(ctx context.Context, log Source, after events.Position, follow bool, to chan<- *eventstore.Block) error {
	for b, err := range log.Blocks(ctx, after, follow) {
		if err != nil {
			return fmt.Errorf("read the log after %d: %w", after, err)
		}
		select {
		case to <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if follow {
		return errLogEnded
	}
	return nil
}

// publisher sends events in order. Only its run touches it.
type publisher struct {
	relay   *Relay
	link    *link
	flight  flight
	term    int64 // of waiting
	waiting []events.Recorded
	inbox   string
	answers chan *nats.Msg
	traces  published
	headers *events.HeaderSet
	after   []string // the header that says which message comes before
}

func (p *publisher) run(ctx context.Context, blocks <-chan *eventstore.Block) error {
	silence := time.NewTimer(answerTimeout)
	defer silence.Stop()
	for ended := false; !ended || !p.flight.empty() || len(p.waiting) > 0; {
		if err := p.send(); err != nil {
			return err
		}
		next := blocks
		if ended || len(p.waiting) > 0 {
			next = nil
		}
		if p.flight.empty() {
			silence.Stop()
		}
		select {
		case b, open := <-next:
			if ended = !open; open {
				if err := p.take(b); err != nil {
					return err
				}
			}
			if p.flight.empty() {
				silence.Reset(answerTimeout)
			}
		case m := <-p.answers:
			if err := p.answered(ctx, m); err != nil {
				return err
			}
			silence.Reset(answerTimeout)
		case s, open := <-p.link.changed:
			if lost(s, open) {
				return errDisconnected
			}
		case <-silence.C:
			return fmt.Errorf("%w: no answer after position %d for %s", errRefused, p.flight.landed, answerTimeout)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// take makes a block's events wait to be sent. The first block may begin before
// what the stream lacks.
func (p *publisher) take(b *eventstore.Block) error {
	recorded, err := b.Events()
	if err != nil {
		return err
	}
	p.term, p.waiting = b.Term, recorded[p.flight.sent+1-b.First:]
	p.relay.saw(b.Last)
	return nil
}

// send sends what waits, as far as there is room in flight.
func (p *publisher) send() error {
	for len(p.waiting) > 0 && !p.flight.full() {
		r := p.waiting[0]
		m := nats.Msg{Subject: events.Subject(r.Trail, r.Event.Type()), Header: p.headers.Of(r, p.term), Data: r.Leaf}
		p.traces.begin(p.relay.config.Tracer, r, m.Header)
		p.after[0] = strconv.FormatInt(int64(r.Position-1), 10)
		m.Header[js.ExpectedLastSeqHeader] = p.after
		p.waiting = p.waiting[1:]
		if p.flight.send(len(r.Leaf), len(p.waiting) == 0) {
			m.Reply = p.inbox
		}
		if err := p.relay.config.Conn.PublishMsg(&m); err != nil {
			return fmt.Errorf("publish position %d: %w", r.Position, err)
		}
	}
	return nil
}

// answer is what the server says about a message that asked.
type answer struct {
	Stream string       `json:"stream"`
	Seq    uint64       `json:"seq"`
	Error  *js.APIError `json:"error"`
}

func (p *publisher) answered(ctx context.Context, m *nats.Msg) error {
	if len(m.Data) == 0 {
		return fmt.Errorf("%w: no stream listens (status %s)", errRefused, m.Header.Get("Status"))
	}
	var a answer
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return fmt.Errorf("%w: its answer is not JSON: %w", errRefused, err)
	}
	if a.Error != nil {
		switch a.Error.ErrorCode {
		case js.JSErrCodeStreamWrongLastSequence, js.JSErrCodeStreamWrongLastSequenceConstant:
			return errOvertaken
		}
		return fmt.Errorf("%w: %w", errRefused, a.Error)
	}
	if want := StreamName(p.relay.config.Log.Origin()); a.Stream != want {
		return fmt.Errorf("%w: the stream %s took an event of %s", ErrDiverged, a.Stream, want)
	}
	at := events.Position(a.Seq)
	if !p.flight.land(at) {
		return fmt.Errorf("%w: it answers for position %d, which was not asked", errRefused, at)
	}
	p.traces.landed(at)
	p.relay.reached(ctx, at)
	return nil
}
