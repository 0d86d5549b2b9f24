// Sources: the addresses and agents that tokens are used from, each introduced once and cited afterwards.

package verifier

import (
	"context"
	"net/netip"
	"sync"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func seen(k sourceKey, subject events.SubjectID) events.TokenSourceSeen {
	var e events.TokenSourceSeen
	if k.address.IsValid() {
		e.Address = events.Personal{Subject: subject, Value: k.address.String()}
	}
	if k.agent != "" {
		e.Agent = events.Personal{Subject: subject, Value: k.agent}
	}
	return e
}

// sourceKey is what makes a source: it is introduced once in each trail.
type sourceKey struct {
	token   uuid.UUID
	trail   events.TrailID
	address netip.Addr
	agent   string
}

func (k sourceKey) known() bool { return k.address.IsValid() || k.agent != "" }

// sourceBook remembers where sources were introduced.
type sourceBook struct {
	find Sources

	mu sync.Mutex // guards all below
	generations[sourceKey, events.Position]
	// underway has those that a use introduces right now, closed when it has or
	// could not: of many uses at once from a new source one introduces it.
	underway map[sourceKey]chan struct{}
}

func newSourceBook(find Sources, kept int) sourceBook {
	return sourceBook{
		find: find, generations: generations[sourceKey, events.Position]{kept: kept}, underway: map[sourceKey]chan struct{}{},
	}
}

// lookup gives the source's position, or 0 where none is known. introduces says
// that this use is to introduce it, and to call introduced when it has, or could
// not. Of a token that was watched since it was made, what is not remembered was
// never seen, as long as nothing was forgotten; of others the read model is
// asked. A source that another process introduced, and that is not yet followed or
// projected, is introduced again, which is harmless: the log then holds two
// introductions of one source.
func (b *sourceBook) lookup(ctx context.Context, k sourceKey, watched bool) (at events.Position, introduces bool, err error) {
	if !k.known() {
		return 0, false, nil
	}
	for {
		at, found, another := b.claim(k)
		switch {
		case found:
			return at, false, nil
		case another == nil:
			at, err := b.unclaimed(ctx, k, watched)
			return at, at == 0 && err == nil, err
		}
		select {
		case <-another:
		case <-ctx.Done():
			return 0, false, ctx.Err()
		}
	}
}

// claim gives a remembered source, or what to wait for while another use
// introduces it; where there is neither it is the caller's to introduce.
func (b *sourceBook) claim(k sourceKey) (at events.Position, found bool, another <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at, found = b.get(k); found {
		return at, true, nil
	}
	if another, found := b.underway[k]; found {
		return 0, false, another
	}
	b.underway[k] = make(chan struct{})
	return 0, false, nil
}

// unclaimed looks where a claimed source may be known, and gives the claim up if
// it is, or cannot be said.
func (b *sourceBook) unclaimed(ctx context.Context, k sourceKey, watched bool) (at events.Position, err error) {
	defer func() {
		if at != 0 || err != nil {
			b.introduced(k)
		}
	}()
	b.mu.Lock()
	watched = watched && !b.forgot
	b.mu.Unlock()
	if watched {
		return 0, nil
	}
	address := ""
	if k.address.IsValid() {
		address = k.address.String()
	}
	at, found, err := b.find.Source(ctx, k.token, k.trail, address, k.agent)
	if err != nil || !found {
		return 0, err
	}
	b.remember(k, at)
	return at, nil
}

// introduced lets those go on who waited for this source to be introduced.
func (b *sourceBook) introduced(k sourceKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.underway[k])
	delete(b.underway, k)
}

// remember notes a source; of several introductions the first that was met counts.
func (b *sourceBook) remember(k sourceKey, at events.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, found := b.get(k); !found {
		b.put(k, at)
	}
}

// learn remembers the sources that a block introduced, here or by another process.
func (b *sourceBook) learn(recorded []events.Recorded) {
	for _, r := range recorded {
		e, ok := r.Event.(events.TokenSourceSeen)
		if !ok {
			continue
		}
		id, _, err := r.Stream.IDs()
		if err != nil {
			continue
		}
		address, err := netip.ParseAddr(e.Address.Value)
		k := sourceKey{id, r.Trail, address, e.Agent.Value}
		// What was erased cannot be read, and is nobody's source any more.
		if k.known() && (err == nil || e.Address.Value == "") {
			b.remember(k, r.Position)
		}
	}
}
