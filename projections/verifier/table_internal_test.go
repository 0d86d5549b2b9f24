// The table of tokens against a map.

package verifier

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// TestTheTableIsAMap that keeps its order, and its records where they are.
func TestTheTableIsAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table, want := newTokenTable(), map[uuid.UUID]*token{}
		var order []uuid.UUID
		one := rapid.Custom(func(t *rapid.T) uuid.UUID { // some of them again
			return uuid.UUID{14: byte(rapid.IntRange(0, 11).Draw(t, "high")), 15: rapid.Byte().Draw(t, "low")}
		})
		for _, id := range rapid.SliceOfN(one, 0, 2500).Draw(t, "ids") {
			if got := table.get(id); got != want[id] {
				t.Fatalf("%v before it is made: %p, want %p", id, got, want[id])
			}
			got := table.entry(id)
			if before := want[id]; before != nil && got != before || got.id != id {
				t.Fatalf("%v: %p, which was at %p", id, got, before)
			}
			if want[id] == nil {
				want[id], order = got, append(order, id)
			}
		}
		if table.len() != len(want) || table.len() != len(order) {
			t.Fatalf("%d tokens, want %d", table.len(), len(want))
		}
		for id, tok := range table.all() {
			if id != order[0] || tok != want[id] || table.get(id) != tok {
				t.Fatalf("%v, want %v", id, order[0])
			}
			order = order[1:]
		}
		if len(order) > 0 {
			t.Errorf("%d are not walked over", len(order))
		}
	})
}
