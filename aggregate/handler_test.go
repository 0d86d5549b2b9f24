// The handler: decided on what holds at the append, once for each key, and bounded.

package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// ofUser is an order to rename-like: it creates the user or, if there is one, updates.
func ofUser(id uuid.UUID, once events.Key, ran *int) Order {
	return Order{
		Once: once,
		Meta: events.Meta{Actor: events.System("test")},
		Decide: func(ctx context.Context, d *Decision) error {
			*ran++
			u, err := Load(ctx, d, UserDecider, events.UserStream(id))
			if err != nil {
				return err
			}
			p := Profile{Email: "ada@example.com"}
			if u.Exists {
				return onUser(ctx, d, id, UpdateUser{id, p})
			}
			return onUser(ctx, d, id, CreateUser{id, p})
		},
	}
}

func TestAConflictIsDecidedAgain(t *testing.T) {
	t.Parallel()
	log, id, ran := &memory{}, uuid.New(), 0
	h := &Handler{Log: log}
	log.beforeAppend = func(events.Request) error {
		log.beforeAppend = nil // somebody else is faster, once
		_, err := h.Handle(t.Context(), ofUser(id, events.Key{}, new(int)))
		return err
	}
	out, err := h.Handle(t.Context(), ofUser(id, events.Key{}, &ran))
	if err != nil {
		t.Fatal(err)
	}
	history := out.History[events.UserStream(id)]
	if ran != 2 || len(history) != 2 || history[1].Version != 2 {
		t.Fatalf("decided %d times, and the history is %+v", ran, history)
	}
	if _, updated := history[1].Event.(events.UserUpdated); !updated {
		t.Fatalf("decided on the old state: %s", history[1].Event.Type())
	}
}

func TestConflictsAreBounded(t *testing.T) {
	t.Parallel()
	for _, answer := range []error{events.ErrConflict, events.ErrTooLate} {
		ran := 0
		h := &Handler{Log: &memory{beforeAppend: func(events.Request) error { return answer }}}
		_, err := h.Handle(t.Context(), ofUser(uuid.New(), events.Key{}, &ran))
		mustBe(t, err, CodeConflict, "")
		if ran != attempts || !errors.Is(err, answer) {
			t.Fatalf("decided %d times, %v", ran, err)
		}
	}
}

func TestWhatTheLogAnswers(t *testing.T) {
	t.Parallel()
	unexpected := errors.New("something else")
	for answer, want := range map[error]Code{
		events.ErrKeyReused: CodeConflict, events.ErrTooLarge: CodeBadUserInput, events.ErrInvalid: CodeBadUserInput,
		events.ErrBusy: CodeUnavailable, events.ErrUnavailable: CodeUnavailable,
	} {
		ran := 0
		h := &Handler{Log: &memory{beforeAppend: func(events.Request) error { return fmt.Errorf("the log: %w", answer) }}}
		_, err := h.Handle(t.Context(), ofUser(uuid.New(), events.Key{}, &ran))
		mustBe(t, err, want, "")
		if ran != 1 || !errors.Is(err, answer) {
			t.Errorf("decided %d times, %v", ran, err)
		}
	}
	h := &Handler{Log: &memory{beforeAppend: func(events.Request) error { return unexpected }}}
	_, err := h.Handle(t.Context(), ofUser(uuid.New(), events.Key{}, new(int)))
	if r := (*Refusal)(nil); errors.As(err, &r) || !errors.Is(err, unexpected) {
		t.Errorf("%v", err)
	}
}

func TestAKeyMakesAnOrderHappenOnce(t *testing.T) {
	t.Parallel()
	log, id, ran := &memory{}, uuid.New(), 0
	h, once := &Handler{Log: log}, events.Key{Caller: "a", Key: "1"}
	first, err := h.Handle(t.Context(), ofUser(id, once, &ran))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Handle(t.Context(), ofUser(id, events.Key{}, new(int))); err != nil { // the world goes on
		t.Fatal(err)
	}
	again, err := h.Handle(t.Context(), ofUser(id, once, &ran))
	if err != nil {
		t.Fatal(err)
	}
	if ran != 1 || !again.Receipt.Replayed || again.Receipt.Last() != first.Receipt.Last() {
		t.Fatalf("decided %d times: %+v", ran, again.Receipt)
	}
	if n := len(again.History[events.UserStream(id)]); n != 1 {
		t.Fatalf("the answer shows %d events, but there was one at the time", n)
	}
}

func TestWhatIsLoadedIsGuarded(t *testing.T) {
	t.Parallel()
	var got events.Request
	log := &memory{beforeAppend: func(r events.Request) error { got = r; return nil }}
	h := &Handler{Log: log, Now: func() time.Time { return noon.Add(999) }}
	a, b := uuid.New(), uuid.New()
	_, err := h.Handle(t.Context(), Order{
		Meta: events.Meta{Actor: events.System("test")},
		Decide: func(ctx context.Context, d *Decision) error {
			if !d.Now().Equal(noon) {
				t.Errorf("now is %s, not in microseconds", d.Now())
			}
			d.Until(hours(2))
			d.Until(hours(1))
			d.Until(time.Time{})
			_, err := Load(ctx, d, MembershipDecider, events.MembershipStream(a, b))
			return errors.Join(err, onUser(ctx, d, a, CreateUser{a, Profile{Email: "a@example.com"}}),
				onUser(ctx, d, a, DeactivateUser{}), onUser(ctx, d, a, DeactivateUser{}))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []events.Guard{events.NoStream(events.MembershipStream(a, b)), events.NoStream(events.UserStream(a))}
	if !slices.Equal(got.Guards, want) || len(got.Batches) != 2 {
		t.Errorf("guards %+v, %d batches", got.Guards, len(got.Batches))
	}
	if last := hours(1).Add(-time.Microsecond); !got.NotAfter.Equal(last) {
		t.Errorf("not after %s, want %s: what ends then has ended", got.NotAfter, last)
	}
}

func TestHalfAHistoryIsNotDecidedOn(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	stream := events.UserStream(id)
	log := &memory{recorded: []events.Recorded{
		{Position: 1, Stream: stream, Version: 1, Event: events.UserCreated{}},
		{Position: 2, Stream: stream, Version: 2, Event: events.Unknown{Name: "user.frozen", Version: 1}},
	}}
	_, err := (&Handler{Log: log}).Handle(t.Context(), ofUser(id, events.Key{}, new(int)))
	if !errors.Is(err, ErrNewer) || len(log.recorded) != 2 {
		t.Fatalf("%v, %d events", err, len(log.recorded))
	}
	_, err = Load(t.Context(), &Decision{log: log}, TokenDecider, stream)
	if !errors.Is(err, events.ErrIdentity) {
		t.Fatalf("a user was loaded as a token: %v", err)
	}
}
