// From the values of events to those of columns, and errors that name an event.

package projections

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

var (
	errNoBeginning = errors.New("the stream's first event is missing")
	errForeign     = errors.New("the event does not belong to this stream")
)

// at names the event that an error is about.
func at(rec events.Recorded, err error) error {
	return fmt.Errorf("event %d (%s) of %s: %w", rec.Position, rec.Event.Type(), rec.Stream, err)
}

// text is a text as Postgres can keep it: U+0000, which no column takes, stands
// as U+FFFD, so that no event can stop a projection by what somebody wrote.
func text(s string) string {
	if strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

// texts is never nil: lists are not NULL in any table.
func texts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = text(s)
	}
	return out
}

func optionalText(s string) *string {
	if s == "" {
		return nil
	}
	s = text(s)
	return &s
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func optionalID(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
