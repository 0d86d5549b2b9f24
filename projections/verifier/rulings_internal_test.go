// The book of rulings by itself: what it finds, and that it stays small.

package verifier

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

func TestARulingHoldsForItsBasisOnly(t *testing.T) {
	t.Parallel()
	var b rulingBook
	q := asked{token: uuid.New(), organization: uuid.New(), action: "createEvidence"}
	on := basis{token: 3, grant: 4, member: 5, organization: 6}
	b.remember(q, ruling{basis: on, policy: "p"})
	if r, ok := b.lookup(q, on); !ok || r.policy != "p" {
		t.Fatalf("%+v, %v", r, ok)
	}
	for _, moved := range []basis{
		{4, 4, 5, 6}, {3, 5, 5, 6}, {3, 4, 6, 6}, {3, 4, 5, 7}, {2, 4, 5, 6}, {},
	} {
		if _, ok := b.lookup(q, moved); ok {
			t.Errorf("a ruling on %+v is taken for one on %+v", on, moved)
		}
	}
	for _, other := range []asked{
		{token: uuid.New(), organization: q.organization, action: q.action},
		{token: q.token, organization: uuid.New(), action: q.action},
		{token: q.token, organization: q.organization, action: "createTask"},
		{token: q.token, organization: q.organization, scope: "evidence:write"},
		{token: q.token, organization: q.organization, action: q.action, ledger: true},
	} {
		if _, ok := b.lookup(other, on); ok {
			t.Errorf("%+v is answered with the ruling for %+v", other, q)
		}
	}
}

// The second decision is the remembered one: what the book says is what is answered.
func TestADecisionIsRememberedNotMadeAgain(t *testing.T) {
	t.Parallel()
	s := newState()
	id, home := uuid.New(), uuid.New()
	o := entry(s.orgs, home)
	o.version = 1
	d := decided{
		token: id, rulings: s.rulings, basis: basis{token: 1, organization: 1},
		subject: Subject{
			Token: id, Kind: events.OrganizationKind, Organization: home, OwnScopes: aggregate.Scopes{"evidence:write"},
		},
	}
	q := Query{Action: "createEvidence"}
	if code := allowed(&d, o, q); code != "" {
		t.Fatal(code)
	}
	key := asked{token: id, organization: home, action: "createEvidence"}
	r, ok := s.rulings.lookup(key, d.basis)
	if !ok {
		t.Fatal("it was not remembered")
	}
	r.policy = "remembered"
	s.rulings.remember(key, r)
	if allowed(&d, o, q); d.policy != "remembered" {
		t.Errorf("decided again, by %s", d.policy)
	}
	if d.basis.organization++; allowed(&d, o, q) != "" || d.policy == "remembered" {
		t.Error("the ruling outlived what it was made on")
	}
}

func TestTheBookIsBoundedAndKeepsWhatIsInUse(t *testing.T) {
	t.Parallel()
	var (
		b  rulingBook
		wg sync.WaitGroup
	)
	used := asked{token: uuid.New(), action: "used"}
	b.remember(used, ruling{policy: "p"})
	shard := used.token
	for worker := range 4 {
		wg.Go(func() {
			for i := range 4 * rulingsKept {
				b.remember(asked{token: shard, action: fmt.Sprintf("%d-%d", worker, i)}, ruling{})
				if i%100 == 0 {
					b.lookup(used, basis{})
				}
			}
		})
	}
	wg.Wait()
	if _, ok := b.lookup(used, basis{}); !ok {
		t.Error("what was asked all the time is forgotten")
	}
	for i := range b.shards {
		if s := &b.shards[i]; len(s.new) > rulingsKept || len(s.old) > rulingsKept {
			t.Errorf("shard %d holds %d and %d rulings", i, len(s.new), len(s.old))
		}
	}
}
