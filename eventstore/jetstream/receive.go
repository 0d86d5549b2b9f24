// One consumer of a subscription, from its start until something breaks.

package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
)

// errMissed: the server has sent a message that did not arrive. A new consumer
// gets it.
var errMissed = errors.New("a message was lost on the way")

const (
	// heartbeat is how often the server says that there is nothing to say.
	heartbeat = 5 * time.Second
	// forgottenAfter is when the server drops a consumer whose program is gone.
	forgottenAfter = time.Minute
)

// receive hands over what one consumer brings.
func (s *subscriber) receive(ctx context.Context, l *link) error {
	if err := l.await(ctx); err != nil {
		return err
	}
	consumer, err := s.consumer(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	arrived, failed := make(chan js.Msg, 64), make(chan error, 1)
	running, err := consumer.Consume(func(m js.Msg) {
		select {
		case arrived <- m:
		case <-ctx.Done():
		}
	}, js.PullHeartbeat(heartbeat), js.ConsumeErrHandler(func(_ js.ConsumeContext, err error) {
		select {
		case failed <- err:
		default:
		}
	}))
	if err != nil {
		cancel()
		return fmt.Errorf("consume: %w", err)
	}
	defer func() {
		cancel()
		running.Stop()
		<-running.Closed()
	}()
	return s.handle(ctx, l, arrived, failed)
}

func (s *subscriber) handle(ctx context.Context, l *link, arrived <-chan js.Msg, failed <-chan error) error {
	for delivered := uint64(1); ctx.Err() == nil; { // nothing comes after ctx, whatever has arrived
		if len(arrived) == 0 || s.unsaved >= saveEvery {
			if err := s.save(ctx); err != nil {
				return err
			}
		}
		select {
		case m := <-arrived:
			if err := s.take(m, delivered); err != nil {
				return err
			}
			delivered++
		case err := <-failed:
			return err
		case status, open := <-l.changed:
			if lost(status, open) {
				return errDisconnected
			}
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// take checks a message, which should be the consumer's n-th, and hands it over.
func (s *subscriber) take(m js.Msg, n uint64) error {
	meta, err := m.Metadata()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLeaf, err)
	}
	if meta.Sequence.Consumer != n {
		return errMissed
	}
	message, err := readMessage(m, meta.Sequence.Stream)
	if err != nil {
		return err
	}
	next, err := s.check(message)
	if err != nil || !next {
		return err
	}
	return s.hand(message)
}

// consumer makes one that begins with the event handled last, so that the stream
// shows whether it is still the one that was read.
func (s *subscriber) consumer(ctx context.Context) (js.Consumer, error) {
	name, err := s.api.StreamNameBySubject(ctx, allEvents)
	if err != nil {
		return nil, fmt.Errorf("look for the stream: %w", err)
	}
	origin, ok := originOf(name)
	if !ok {
		return nil, fmt.Errorf("%w: the subjects %s belong to the stream %s", ErrOrigin, allEvents, name)
	}
	if s.mark.Origin == "" {
		s.mark.Origin = origin
	}
	if origin != s.mark.Origin {
		return nil, fmt.Errorf("%w: the server carries log %s, begun with %s", ErrOrigin, origin, s.mark.Origin)
	}
	start := s.mark.Position
	if !s.begun {
		start++
	}
	if s.Consumer != "" { // the one of before began elsewhere, and that cannot be changed
		if err := s.api.DeleteConsumer(ctx, name, s.Consumer); err != nil && !errors.Is(err, js.ErrConsumerNotFound) {
			return nil, fmt.Errorf("end the consumer of before: %w", err)
		}
	}
	consumer, err := s.api.CreateConsumer(ctx, name, js.ConsumerConfig{
		Name:              s.Consumer,
		Description:       "tokenledger subscription",
		DeliverPolicy:     js.DeliverByStartSequencePolicy,
		OptStartSeq:       uint64(start),
		FilterSubject:     events.SubjectFilter(s.Trail, s.Type),
		AckPolicy:         js.AckNonePolicy,
		InactiveThreshold: forgottenAfter,
		MemoryStorage:     true,
	})
	if err != nil {
		return nil, fmt.Errorf("make a consumer: %w", err)
	}
	if s.begun && consumer.CachedInfo().NumPending == 0 {
		// As while a stream is made anew from the log; for good after a restore of NATS
		// alone, until somebody rebuilds it.
		s.Logger.WarnContext(ctx, "the stream does not hold the event that was handled last; waiting for it",
			"stream", name, "position", int64(s.mark.Position))
	}
	return consumer, nil
}
