// Sources are introduced once, also where several processes see them, and looked up only where memory cannot know.

package verifier_test

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// countedSources know none, and count how often they are asked.
type countedSources struct {
	noSources
	asked *atomic.Int64
}

func (c countedSources) Source(context.Context, uuid.UUID, events.TrailID, string, string) (events.Position, bool, error) {
	c.asked.Add(1)
	return 0, false, nil
}

func TestSourcesOfOthersAreLearned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	oldID, old := w.organizationToken("read") // before any verifier
	var asked atomic.Int64
	here, there := w.verifierWith(countedSources{asked: &asked}), w.verifierWith(countedSources{asked: &asked})
	youngID, young := w.organizationToken("read")
	_, mine := w.personalToken("read")
	w.caughtUp(here)
	w.caughtUp(there)
	use := func(v *verifier.Verifier, value, address, agent string) {
		t.Helper()
		q := verifier.Query{Value: value, Scope: "read", Agent: agent}
		if address != "" {
			q.Address = netip.MustParseAddr(address)
		}
		if d := w.verify(v, q); !d.Allowed {
			t.Fatal(d.Code)
		}
		w.caughtUp(here)
		w.caughtUp(there)
	}
	for range 2 {
		for _, v := range []*verifier.Verifier{here, there} {
			use(v, young, "192.0.2.1", "ci/1")
			use(v, young, "", "ci/1")
			use(v, young, "2001:db8::1", "")
			use(v, mine, "192.0.2.1", "ci/1")
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the read model was asked %d times about tokens that were watched from their first event", n)
	}
	use(here, old, "192.0.2.1", "ci/1")
	if n := asked.Load(); n != 1 {
		t.Errorf("the read model was asked %d times about a token from before", n)
	}
	use(there, old, "192.0.2.1", "ci/1")
	seen, cited := map[events.StreamID][]events.Position{}, map[events.StreamID]map[events.Position]int{}
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch e := r.Event.(type) {
		case events.TokenSourceSeen:
			seen[r.Stream] = append(seen[r.Stream], r.Position)
		case events.TokenUsed:
			if cited[r.Stream] == nil {
				cited[r.Stream] = map[events.Position]int{}
			}
			cited[r.Stream][e.Source]++
		}
	}
	for id, want := range map[uuid.UUID]int{youngID: 3, oldID: 1} {
		stream := events.TokenStream(id)
		if len(seen[stream]) != want {
			t.Errorf("%s: sources at %v, want %d", stream, seen[stream], want)
		}
		for _, at := range seen[stream] {
			if n := cited[stream][at]; n != map[uuid.UUID]int{youngID: 4, oldID: 2}[id] {
				t.Errorf("%s: %d uses cite the source at %d", stream, n, at)
			}
		}
	}
}

// TestOneOfManyIntroducesASource: a service whose requests all come from one new
// place at once has one new source, and no finding for each request.
func TestOneOfManyIntroducesASource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	id, value := w.organizationToken("read")
	w.caughtUp(v)
	const uses = 32
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(uses)
	for range uses {
		done.Go(func() {
			ready.Done()
			<-start
			q := verifier.Query{Value: value, Scope: "read", Address: netip.MustParseAddr("192.0.2.1"), Agent: "ci/1"}
			if d, err := v.Verify(t.Context(), q); err != nil || !d.Allowed {
				t.Errorf("%s, %v", d.Code, err)
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	var at events.Position
	cited := map[events.Position]int{}
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Stream != events.TokenStream(id) {
			continue
		}
		switch e := r.Event.(type) {
		case events.TokenSourceSeen:
			if at != 0 {
				t.Errorf("the source is introduced at %d and again at %d", at, r.Position)
			}
			at = r.Position
		case events.TokenUsed:
			cited[e.Source]++
		}
	}
	if at == 0 || cited[at] != uses {
		t.Errorf("introduced at %d, cited: %v", at, cited)
	}
}
