// Erasure: the values are gone everywhere, the leaves and what comes later are not.

package eventstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

// eraseNetwork is the erasure of the network data of the token's organization.
func (p personal) eraseNetwork() events.Request {
	org := events.OrganizationStream(p.token.Organization)
	return events.Request{
		Batches: []events.Batch{{
			Stream: org, Trail: p.token.Trail(), Meta: events.Meta{Actor: events.System("test")},
			Events: []events.Event{events.OrganizationNetworkDataErased{}},
		}},
	}
}

func (p personal) seen(address string) events.Request {
	return events.Request{Batches: []events.Batch{p.token.Batch(events.TokenSourceSeen{
		Address: events.Personal{Subject: events.OrganizationStream(p.token.Organization), Value: address},
	})}}
}

func TestAnErasedSubjectIsReadByNobody(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	// Two processes that have both used the subject's key.
	first, second := eventstoretest.Start(t, p.config), eventstoretest.Start(t, p.config)
	for _, log := range []*eventstore.Log{first, second} {
		mustAppend(t, log, p.seen("198.51.100.7"))
	}
	before := readAll(t, second, 0)
	mustAppend(t, first, p.eraseNetwork())
	mustAppend(t, second, p.seen("203.0.113.1")) // by a process that had the old key in its hands
	mustAppend(t, first, p.seen("203.0.113.2"))
	if n := query[int](t, connect(t, p.config.URL), `SELECT count(*) FROM subject_keys WHERE since > 7`); n != 1 {
		t.Fatalf("%d new keys", n)
	}
	young := opened(t, p.config)
	for name, log := range map[string]*eventstore.Log{"the eraser": first, "another process": second, "a later one": young} {
		await(t, name+" forgets", func() bool { return address(readAll(t, log, 5)) == "" })
		all := readAll(t, log, 0)
		for i, r := range before {
			if string(r.Leaf) != string(all[i].Leaf) || r.LeafHash != all[i].LeafHash {
				t.Fatalf("%s: the leaf at %d changed", name, r.Position)
			}
		}
		seen := all[2].Event.(events.TokenSourceSeen)
		if seen.Address.Value != "" || seen.Agent.Value != "curl/8" || seen.Address.Commitment == (events.Commitment{}) {
			t.Fatalf("%s: %+v", name, seen)
		}
		for at, want := range map[int]string{5: "", 6: "", 8: "203.0.113.1", 9: "203.0.113.2"} {
			if got := address(all[at:]); got != want {
				t.Errorf("%s: position %d has the address %q, want %q", name, at+1, got, want)
			}
		}
	}
	erased, err := young.Erasures(t.Context())
	if err != nil || len(erased) != 1 || erased[0].Subject != events.OrganizationStream(p.token.Organization) || time.Since(erased[0].At) > time.Hour {
		t.Fatalf("%+v, %v", erased, err)
	}
}

func TestWhatWasErasedIsNotDisclosed(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	log := eventstoretest.Start(t, p.config)
	mustAppend(t, log, p.eraseNetwork())
	mustAppend(t, log, p.seen("203.0.113.1"))
	for name, log := range map[string]*eventstore.Log{"the eraser": log, "a later process": opened(t, p.config)} {
		all := readAll(t, log, 0)
		var open []string
		for _, d := range disclosures(t, log) {
			if d.Field == "address" {
				open = append(open, d.Value)
			}
			want := events.Commit(d.Nonce, d.Field, d.Value)
			if got := commitment(all[d.Position-1], d.Field); got != want {
				t.Errorf("%s: the nonce of %s at %d does not open its commitment", name, d.Field, d.Position)
			}
		}
		if len(open) != 1 || open[0] != "203.0.113.1" {
			t.Errorf("%s discloses the addresses %q", name, open)
		}
	}
}

func disclosures(t *testing.T, log *eventstore.Log) []eventstore.Disclosure {
	t.Helper()
	var all []eventstore.Disclosure
	for b, err := range log.Blocks(t.Context(), 0, false) {
		if err != nil {
			t.Fatal(err)
		}
		some, err := b.Disclosures()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	return all
}

// commitment is that of a field of the events which writePersonal and seen write.
func commitment(r events.Recorded, field string) events.Commitment {
	fields := map[string]events.Personal{}
	switch e := r.Event.(type) {
	case events.UserCreated:
		fields["email"], fields["display_name"] = e.Email, e.DisplayName
	case events.UserUpdated:
		fields["email"] = e.Email
	case events.TokenSourceSeen:
		fields["address"], fields["agent"] = e.Address, e.Agent
	}
	return fields[field].Commitment
}

// What a process has read before it begins to follow is not what it seals with.
func TestALogThatBeginsToRunForgetsWhatWasErasedBefore(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	first, later := eventstoretest.Start(t, p.config), opened(t, p.config)
	mustAppend(t, first, p.seen("198.51.100.7"))
	if got := addresses(t, later); got[1] != "198.51.100.7" {
		t.Fatalf("before the erasure: %q", got)
	}
	mustAppend(t, first, p.eraseNetwork())
	start(t, later)
	mustAppend(t, later, p.seen("203.0.113.1"))
	if got := addresses(t, opened(t, p.config)); got[1] != "" || got[2] != "203.0.113.1" {
		t.Fatalf("%q", got)
	}
}

func address(all []events.Recorded) string {
	return all[0].Event.(events.TokenSourceSeen).Address.Value
}

// The erasure and the next value under a new key come to a process in one reading.
func TestAValueRightAfterAnErasureIsReadWithItsOwnKey(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	first, second, reader := eventstoretest.Start(t, p.config), eventstoretest.Start(t, p.config), opened(t, p.config)
	for range 5 {
		for _, log := range []*eventstore.Log{first, second, reader} {
			mustAppend(t, first, p.seen("198.51.100.7"))
			if got := addresses(t, log); got[len(got)-1] != "198.51.100.7" {
				t.Fatalf("before the erasure: %q", got)
			}
		}
		mustAppend(t, first, p.eraseNetwork())
		mustAppend(t, first, p.seen("203.0.113.1"))
		mustAppend(t, second, p.seen("203.0.113.2")) // it learns of the other two under the lock
		for name, log := range map[string]*eventstore.Log{"the eraser": first, "another process": second, "a reader": reader} {
			got := addresses(t, log)
			if last := got[len(got)-2:]; last[0] != "203.0.113.1" || last[1] != "203.0.113.2" {
				t.Fatalf("%s reads %q", name, last)
			}
			for _, old := range got[:len(got)-2] {
				if old != "" {
					t.Fatalf("%s still reads %q", name, old)
				}
			}
		}
	}
}

// addresses are those of all sources that were seen, in order.
func addresses(t *testing.T, log *eventstore.Log) []string {
	t.Helper()
	var all []string
	for _, r := range readAll(t, log, 0) {
		if seen, ok := r.Event.(events.TokenSourceSeen); ok {
			all = append(all, seen.Address.Value)
		}
	}
	return all
}

func TestAnErasureStandsAlone(t *testing.T) {
	t.Parallel()
	p := writePersonal(t)
	log := eventstoretest.Start(t, p.config)
	r := p.eraseNetwork()
	r.Batches = append(r.Batches, p.seen("192.0.2.9").Batches...)
	if _, err := log.Append(t.Context(), r); !errors.Is(err, events.ErrInvalid) {
		t.Fatal(err)
	}
	// Beside many others, none of which is lost.
	receipts := make(chan events.Receipt)
	const each = 50
	for i := range 4 {
		go func() {
			for range each {
				r := p.seen("192.0.2.5")
				if i == 0 {
					r = p.eraseNetwork()
				}
				receipt, err := log.Append(t.Context(), r)
				if err != nil {
					t.Error(err)
				}
				receipts <- receipt
			}
		}()
	}
	for range 4 * each {
		<-receipts
	}
	if all := readAll(t, opened(t, p.config), 0); len(all) != 5+4*each {
		t.Fatalf("%d events", len(all))
	}
}
