// After an erasure no read model shows what was erased, whether it was built before or after.

package projections_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// erase records the fact that destroys a subject's key.
func (w *world) erase(subject events.SubjectID, trail events.TrailID, fact events.Event) {
	w.t.Helper()
	_, err := w.log.Append(w.t.Context(), events.Request{
		Batches: []events.Batch{{
			Stream: subject, Trail: trail, Meta: events.Meta{Actor: events.System("test")}, Events: []events.Event{fact},
		}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestErasureScrubsTheReadModels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.reader()
	w.history(3, 60)
	w.caughtUp(before)
	sources := func(r reader) (shown, rows int) {
		for _, id := range w.tokens {
			all, err := r.views.UsageSources(t.Context(), id, w.trail(), 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				rows++
				if s.Address != nil {
					shown++
				}
			}
		}
		return shown, rows
	}
	if shown, rows := sources(before); shown == 0 || shown != rows {
		t.Fatalf("%d of %d sources have an address before", shown, rows)
	}
	w.erase(events.OrganizationStream(w.orgs[0]), w.trail(), events.OrganizationNetworkDataErased{})
	w.erase(events.UserStream(w.user), events.UserTrail(w.user), events.UserErased{})
	later := events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(w.orgs[0]), Value: "203.0.113.9"}}
	w.append(events.TokenStream(w.tokens[0]), w.trail(), later)
	w.caughtUp(before)
	after := w.reader()
	w.caughtUp(after)
	for name, r := range map[string]reader{"built before": before, "built after": after} {
		if shown, rows := sources(r); shown != 1 || rows < 2 {
			t.Errorf("%s: %d of %d sources have an address; want the one that came later", name, shown, rows)
		}
		users, err := r.views.UsersByID(t.Context(), []uuid.UUID{w.user})
		if err != nil || users[w.user].Email != nil || users[w.user].DisplayName != nil {
			t.Errorf("%s: %+v, %v", name, users[w.user], err)
		}
		if _, found, err := r.views.UserByEmail(t.Context(), "ada@example.com"); found || err != nil {
			t.Errorf("%s: found by the address that was erased, %v", name, err)
		}
		for table, rows := range w.dump(r) {
			for _, row := range rows {
				if strings.Contains(row, "192.0.2.") || strings.Contains(strings.ToLower(row), "ada@example.com") {
					t.Errorf("%s: %s still has %s", name, table, row)
				}
			}
		}
	}
}
