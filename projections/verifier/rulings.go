// Rulings of the policies, remembered as long as what they were made on is the same.

package verifier

import (
	"sync"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// basis is the versions of all that a ruling depends on besides its question:
// the token with its scopes, the owner's role, the grant, and the organization
// with its policy and registry. Deadlines and sources are no part of a ruling;
// they are looked at each time.
type basis struct {
	token, grant, member, organization events.Version
}

// asked is the question of a ruling. Resource is the class of what is used: an
// organization's systems, or the ledger itself where it is said so.
type asked struct {
	token, organization uuid.UUID
	action, scope       string
	ledger              bool
}

// ruling is the answer, with the scopes that the use needs.
type ruling struct {
	basis  basis
	code   Code
	policy string
	needed string
}

const (
	rulingShards = 64
	// rulingsKept bounds each of the two generations of each shard, as groundsKept
	// does: together some 260,000 rulings are remembered, about 60 MB.
	rulingsKept = 2048
)

// rulingBook remembers rulings. A question that is asked again after anything in
// its basis has changed is asked of the policies again, so nothing needs to be
// dropped when the log moves. Of each shard the newest generation is kept and the
// one before it, so that what is in use stays and memory is bounded. The nil book
// remembers nothing.
type rulingBook struct {
	shards [rulingShards]struct {
		mu       sync.Mutex // guards both generations
		new, old map[asked]ruling
	}
}

func (b *rulingBook) lookup(q asked, on basis) (ruling, bool) {
	if b == nil {
		return ruling{}, false
	}
	s := &b.shards[q.token[15]%rulingShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.new[q]
	if !ok {
		if r, ok = s.old[q]; ok && r.basis == on {
			b.keep(q, r)
		}
	}
	return r, ok && r.basis == on
}

func (b *rulingBook) remember(q asked, r ruling) {
	if b == nil {
		return
	}
	s := &b.shards[q.token[15]%rulingShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	b.keep(q, r)
}

// keep is remember for who holds the shard's mutex.
func (b *rulingBook) keep(q asked, r ruling) {
	s := &b.shards[q.token[15]%rulingShards]
	if s.new == nil || len(s.new) >= rulingsKept {
		s.old, s.new = s.new, make(map[asked]ruling, min(len(s.new), rulingsKept))
	}
	s.new[q] = r
}
