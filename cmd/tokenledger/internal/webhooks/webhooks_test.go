// Deliveries on the real log to real receivers: in order, at least once, whatever happens in between.

package webhooks_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outbound"
	"github.com/tokenledger/tokenledger/events"
)

var discard = slog.New(slog.DiscardHandler)

func TestEverythingOfItsTypesIsSentInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all, some := w.receiver(nil), w.receiver(nil)
	before := w.rename(1)
	all.hook = w.hook(all.URL)
	some.hook = w.hook(some.URL, "token.revoked", "organization")
	at := w.rename(5)
	last := w.tell(events.TokenStream(w.token), events.TokenRevoked{})
	w.start(w.config())
	w.await("all", func() bool { return len(all.got()) == 7 })
	w.await("some", func() bool { return len(some.got()) == 1 })
	want := append([]events.Position{at[0] - 1}, append(at, last)...) // the other webhook's beginning, too
	if got := all.positions(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v; nothing from before it, such as %d", got, want, before[0])
	}
	if got := some.positions(); !slices.Equal(got, []events.Position{last}) {
		t.Errorf("of its types: %v", got)
	}
	for rec, err := range w.log.ReadAll(t.Context(), last-1) {
		must(t, err)
		if got := all.got()[6]; got.body != string(rec.Leaf) || got.id != w.log.Origin()+"/"+strings.Split(got.id, "/")[1] {
			t.Errorf("%s: %s, want the leaf %s", got.id, got.body, rec.Leaf)
		}
	}
	w.await("the state", func() bool { return w.state(all.hook).Delivered == 7 })
	if s := w.state(all.hook); s.Failures != 0 || s.LastSuccessAt == nil || s.LastError != nil {
		t.Errorf("state %+v", s)
	}
}

// A receiver that fails now and then, and is down for a while, gets everything, in order.
func TestFailuresAreRetriedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var down atomic.Bool
	r := w.receiver(func(_ received, tries int) int {
		switch {
		case down.Load() || tries == 1:
			return http.StatusServiceUnavailable
		case tries == 2:
			return http.StatusTooManyRequests
		}
		return http.StatusOK
	})
	r.hook = w.hook(r.URL)
	c := w.config()
	c.Tries = 1000
	down.Store(true)
	w.start(c)
	at := w.rename(10)
	w.await("failures", func() bool { return w.state(r.hook).Failures > 3 })
	if s := w.state(r.hook); s.LastError == nil || *s.LastError != "the receiver answered 503" || s.LastFailureAt == nil || s.Attempts < 1 {
		t.Errorf("while it is down: %+v", s)
	}
	down.Store(false)
	w.await("all", func() bool { return len(r.positions()) == 10 })
	if got := r.positions(); !slices.Equal(got, at) {
		t.Errorf("got %v, want %v", got, at)
	}
}

// What a receiver does not want is given up, listed, and sent again on demand;
// what is behind it goes on.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var picky atomic.Bool
	picky.Store(true)
	r := w.receiver(func(got received, _ int) int {
		if picky.Load() && strings.Contains(got.body, `"name":"n1"`) {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	r.hook = w.hook(r.URL)
	at := w.rename(4)
	w.start(w.config())
	w.await("the rest", func() bool { return len(r.got()) == 3 })
	if got := r.positions(); !slices.Equal(got, []events.Position{at[0], at[2], at[3]}) {
		t.Errorf("got %v of %v", got, at)
	}
	letters, err := w.views.DeadLettersOf(t.Context(), r.hook)
	must(t, err)
	if len(letters) != 1 || letters[0].Attempts != 3 || letters[0].LastError != "the receiver answered 422" || w.state(r.hook).Dead != 1 {
		t.Fatalf("dead letters %+v", letters)
	}
	replay := func(message string, want int64) {
		t.Helper()
		if n, found, err := w.views.ReplayWebhook(t.Context(), w.org, r.hook, message); err != nil || !found || n != want {
			t.Errorf("replay %q: %d, %v, %v", message, n, found, err)
		}
	}
	replay("", 1)
	w.await("another try", func() bool {
		letters, err = w.views.DeadLettersOf(t.Context(), r.hook)
		must(t, err)
		return letters[0].Attempts == 4 && !letters[0].Again
	})
	picky.Store(false)
	replay("no such message", 0)
	replay(letters[0].MessageID, 1)
	w.await("the letter", func() bool { return len(r.got()) == 4 && w.state(r.hook).Dead == 0 })
	if got := r.positions(); got[3] != at[1] {
		t.Errorf("at last: %v", got)
	}
	if _, found, err := w.views.ReplayWebhook(t.Context(), uuid.New(), r.hook, ""); err != nil || found {
		t.Errorf("another organization's: %v, %v", found, err)
	}
}

// A receiver that stays away costs one dead letter for each longest pause.
func TestAReceiverThatStaysAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	id := w.hook(gone.URL)
	gone.Close()
	w.rename(2)
	c := w.config()
	c.Tries, c.MaxPause = 3, 50*time.Millisecond
	w.start(c)
	w.await("dead letters", func() bool { return w.state(id).Dead == 2 })
	waiting, err := w.views.Outstanding(t.Context())
	if must(t, err); waiting.DeadLetters < 2 || waiting.Failing != 1 {
		t.Errorf("what waits for a person: %+v", waiting)
	}
	letters, err := w.views.DeadLettersOf(t.Context(), id)
	must(t, err)
	for _, l := range letters {
		if l.Attempts != 3 || l.LastError != "the receiver cannot be reached" {
			t.Errorf("%+v", l)
		}
	}
}

// Stopped in the middle and begun again, by two processes, nothing is left out.
func TestRestartsAndTwoProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.receiver(nil)
	r.hook = w.hook(r.URL)
	var want []events.Position
	for round := range 4 {
		stop, also := w.start(w.config()), w.start(w.config())
		want = append(want, w.rename(15)...)
		w.await("a part", func() bool { return len(r.positions()) > 10*round })
		stop()
		also()
	}
	w.start(w.config())
	w.await("all", func() bool { return len(r.positions()) == len(want) })
	if got := r.positions(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// One that never answers holds up no other.
func TestASlowReceiverHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	slow := w.receiver(func(received, int) int { <-release; return http.StatusOK })
	quick := w.receiver(nil)
	slow.hook = w.hook(slow.URL)
	quick.hook = w.hook(quick.URL)
	w.start(w.config())
	w.rename(5)
	w.await("the quick one", func() bool { return len(quick.got()) == 5 })
	if len(slow.got()) != 0 {
		t.Error("the slow one has answered")
	}
	close(release)
	w.await("the slow one", func() bool { return len(slow.got()) == 6 })
}

func TestRedirectsAndPrivateAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.receiver(func(received, int) int { return http.StatusFound })
	r.hook = w.hook(r.URL)
	inside := w.receiver(nil)
	inside.hook = w.hook(inside.URL)
	c := w.config()
	c.Rejections, c.Tries = 1, 1
	stop := w.start(c)
	w.rename(1)
	w.await("the redirect is refused", func() bool { return w.state(r.hook).Dead == 2 })
	stop()
	if n := len(r.got()); n > 0 {
		t.Errorf("%d were taken elsewhere", n)
	}
	taken := len(inside.got())
	c.Client = outbound.Guard{}.Client(time.Second)
	w.start(c)
	w.rename(1)
	w.await("the private address is refused", func() bool {
		s := w.state(inside.hook)
		return s.LastError != nil && *s.LastError == outbound.ErrRefused.Error()
	})
	if n := len(inside.got()); n > taken+1 { // one may have been under way
		t.Errorf("%d were sent", n-taken)
	}
}

func TestARemovedWebhookIsSentNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.receiver(nil)
	r.hook = w.hook(r.URL)
	w.start(w.config())
	w.rename(1)
	w.await("one", func() bool { return len(r.got()) == 1 })
	at := w.tell(events.OrganizationStream(w.org), events.OrganizationWebhookRemoved{Webhook: r.hook})
	w.rename(3)
	w.await("the read model", func() bool { return w.views.Wait(t.Context(), at) == nil })
	n := len(r.got())
	other := w.receiver(nil)
	other.hook = w.hook(other.URL)
	w.rename(1)
	w.await("the other", func() bool { return len(other.got()) == 1 })
	if got := len(r.got()); got > n+1 {
		t.Errorf("%d after its removal", got-n)
	}
}
