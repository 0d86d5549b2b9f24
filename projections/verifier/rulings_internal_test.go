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

// What the book says is what is answered, to the same question on the same basis alone.
func TestADecisionIsRememberedNotMadeAgain(t *testing.T) {
	t.Parallel()
	rulings := newBook[asked, ruling]()
	id, home := uuid.New(), uuid.New()
	o := &organization{version: 6}
	on := basis{token: 3, grant: 4, member: 5, organization: 6}
	d := decided{
		token: id, rulings: rulings, basis: on,
		subject: Subject{
			Token: id, Kind: events.OrganizationKind, Organization: home, OwnScopes: aggregate.Scopes{"evidence:write"},
		},
	}
	q := Query{Action: "createEvidence"}
	if code := allowed(&d, o, q); code != "" {
		t.Fatal(code)
	}
	key := asked{token: id, organization: home, action: "createEvidence"}
	r, ok := rulings.lookup(id, key)
	if !ok || r.basis != on {
		t.Fatalf("what was remembered: %+v, %v", r, ok)
	}
	r.policy = "remembered"
	rulings.remember(id, key, r)
	if allowed(&d, o, q); d.policy != "remembered" {
		t.Errorf("decided again, by %s", d.policy)
	}
	for _, moved := range []basis{
		{4, 4, 5, 6}, {3, 5, 5, 6}, {3, 4, 6, 6}, {3, 4, 5, 7}, {2, 4, 5, 6}, {},
	} {
		rulings.remember(id, key, r)
		if d.basis = moved; allowed(&d, o, q) != "" || d.policy == "remembered" {
			t.Errorf("a ruling on %+v is taken for one on %+v", on, moved)
		}
	}
	d.basis = on
	rulings.remember(id, key, r)
	for _, other := range []Query{
		{Action: "createTask"}, {Scope: "evidence:write"}, {Action: "createEvidence", Ledger: true}, {Action: "createEvidence", Told: true},
	} {
		if allowed(&d, o, other); d.policy == "remembered" {
			t.Errorf("%+v is answered with the ruling for %+v", other, q)
		}
	}
	elsewhere, another := d, d
	elsewhere.subject.Organization, another.token = uuid.New(), uuid.New()
	for _, d := range []decided{elsewhere, another} {
		if allowed(&d, o, q); d.policy == "remembered" {
			t.Errorf("%s in %s is answered with another's ruling", d.token, d.subject.Organization)
		}
	}
}

func TestTheBookIsBoundedAndKeepsWhatIsInUse(t *testing.T) {
	t.Parallel()
	b := newBook[asked, ruling]()
	kept := b.shards[0].kept
	var wg sync.WaitGroup
	used := asked{token: uuid.New(), action: "used"}
	b.remember(used.token, used, ruling{policy: "p"})
	shard := used.token
	for worker := range 4 {
		wg.Go(func() {
			for i := range 4 * kept {
				b.remember(shard, asked{token: shard, action: fmt.Sprintf("%d-%d", worker, i)}, ruling{})
				if i%100 == 0 {
					b.lookup(used.token, used)
				}
			}
		})
	}
	wg.Wait()
	if _, ok := b.lookup(used.token, used); !ok {
		t.Error("what was asked all the time is forgotten")
	}
	for i := range b.shards {
		if s := &b.shards[i]; len(s.new) > kept || len(s.old) > kept {
			t.Errorf("shard %d holds %d and %d rulings", i, len(s.new), len(s.old))
		}
	}
}
