// What a provider that is away costs those who want to come in.

package signin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestAProviderThatIsAway: what is known of it goes on to hold, and one caller
// alone waits for a provider that takes the question and says nothing.
func TestAProviderThatIsAway(t *testing.T) {
	t.Parallel()
	asked, end := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	p := newProvider(server.URL, server.Client())
	old := &discovered{at: time.Now().Add(-discoverAgain)}
	p.known.Store(old)
	first := make(chan error, 1)
	go func() {
		d, err := p.discover(t.Context())
		if d != old {
			err = errors.Join(err, errors.New("not what was known"))
		}
		first <- err
	}()
	<-asked
	if d, err := p.discover(t.Context()); d != old || err != nil {
		t.Errorf("while another caller asks: %v, %v", d, err)
	}
	released := time.Now()
	close(end)
	if err := <-first; err != nil {
		t.Errorf("the caller who asked: %v", err)
	}
	if p.failedAt.Before(released) {
		t.Error("the pause before it is asked again began before it failed")
	}
}

// TestANewProviderThatIsAway: where nothing is known everybody waits, but not
// longer than he wants to.
func TestANewProviderThatIsAway(t *testing.T) {
	t.Parallel()
	p := newProvider("https://id.example.com", http.DefaultClient)
	p.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.discover(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
