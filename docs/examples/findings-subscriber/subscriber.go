// Following the stream of findings, one after the other, from where it stopped.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// finding is a message of the stream, as far as this program reads it.
type finding struct {
	Organization string          `json:"organization"`
	Rule         string          `json:"rule"`
	Position     int64           `json:"position"`
	RaisedAt     time.Time       `json:"raised_at"`
	Token        string          `json:"token"`
	Tokens       []string        `json:"tokens"`
	Detail       json.RawMessage `json:"detail"`
}

// id is what makes a finding the same in two messages.
func (f finding) id() string { return fmt.Sprintf("%s/%s/%d", f.Organization, f.Rule, f.Position) }

// place is how far the subscriber has come. Recent are the findings that it did
// last: the stream may hold one twice.
type place struct {
	Stream   string   `json:"stream"`
	Sequence uint64   `json:"sequence"`
	Recent   []string `json:"recent"`
}

// remembered is how many findings are known again.
const remembered = 1000

type subscriber struct {
	conn         *nats.Conn
	organization string // or * for all
	file         string // of the place
	resources    resources
	logger       *slog.Logger
	pause        time.Duration // before something is tried again

	place place
}

const subjects = "tokenledger.findings."

func (s *subscriber) run(ctx context.Context) error {
	if err := s.load(); err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "connected", "subject", subjects+s.organization, "after", s.place.Sequence)
	for ctx.Err() == nil {
		err := s.follow(ctx)
		if ctx.Err() != nil {
			break
		}
		s.logger.WarnContext(ctx, "tries again", "error", err)
		s.wait(ctx)
	}
	return nil
}

func (s *subscriber) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(s.pause):
	}
}

// follow reads from the place on, until the broker fails.
func (s *subscriber) follow(ctx context.Context) error {
	api, err := jetstream.New(s.conn)
	if err != nil {
		return err
	}
	stream, err := api.StreamNameBySubject(ctx, subjects+"*")
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return errors.New("the ledger has had no finding yet")
	}
	if err != nil {
		return fmt.Errorf("look for the stream: %w", err)
	}
	if stream != s.place.Stream { // another ledger, or the first start
		s.place = place{Stream: stream}
	}
	consumer, err := api.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subjects + s.organization},
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy, OptStartSeq: s.place.Sequence + 1,
	})
	if err != nil {
		return fmt.Errorf("follow the stream: %w", err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("follow the stream: %w", err)
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		if err := s.take(ctx, m); err != nil {
			return err
		}
	}
}

// take does one finding, however long that takes, and moves on.
func (s *subscriber) take(ctx context.Context, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	var f finding
	if err := json.Unmarshal(m.Data(), &f); err != nil {
		return fmt.Errorf("message %d is no finding: %w", meta.Sequence.Stream, err)
	}
	for !slices.Contains(s.place.Recent, f.id()) {
		err := s.resources.answer(ctx, f)
		if err == nil {
			s.place.Recent = append(s.place.Recent, f.id())
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.logger.WarnContext(ctx, "the finding waits", "finding", f.id(), "error", err)
		s.wait(ctx)
	}
	s.place.Sequence = meta.Sequence.Stream
	s.place.Recent = s.place.Recent[max(0, len(s.place.Recent)-remembered):]
	return s.save()
}

func (s *subscriber) load() error {
	content, err := os.ReadFile(s.file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(content, &s.place)
	}
	if err != nil {
		return fmt.Errorf("the place: %w", err)
	}
	return nil
}

// save replaces the file as a whole, so that a crash leaves the old or the new place.
func (s *subscriber) save() error {
	content, err := json.Marshal(s.place)
	if err != nil {
		return err
	}
	aside, err := os.CreateTemp(filepath.Dir(s.file), ".place-")
	if err != nil {
		return fmt.Errorf("keep the place: %w", err)
	}
	defer os.Remove(aside.Name())
	_, err = aside.Write(content)
	if err = errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return fmt.Errorf("keep the place: %w", err)
	}
	return os.Rename(aside.Name(), s.file)
}
