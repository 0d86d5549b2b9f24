// The room that tokens take.

package verifier

import (
	"math"
	"testing"
	"unsafe"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// TestATokenTakesLittleRoom: a million of them are to fit into one process. One
// token takes eight bytes more in the index, and what a piece has free.
func TestATokenTakesLittleRoom(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(token{}); size > 112 { // a piece is whole pages
		t.Errorf("a token takes %d bytes", size)
	}
	if size := unsafe.Sizeof(more{}); size > 112 {
		t.Errorf("what few tokens have takes %d bytes", size)
	}
	if size := unsafe.Sizeof(granted{}); size > 80 {
		t.Errorf("a grant takes %d bytes", size)
	}
	h := newHistory(Config{})
	org := newUUID()
	for range 2 {
		h.record(events.TokenStream(newUUID()), events.TokenCreated{Kind: events.OrganizationKind, Organization: org, Scopes: []string{"read", "task:write"}})
	}
	var lists []uint32
	for _, tok := range h.v.state.tokens.all() {
		if tok.more != nil || tok.home == uuid.Nil {
			t.Errorf("a plain token has more than most: %+v", tok)
		}
		lists = append(lists, tok.scopes)
	}
	if lists[0] != lists[1] {
		t.Error("equal scopes are kept twice")
	}
}

// TestWhatIsRememberedOfUsesFollowsTheMemoryLimit: both generations take an eighth of it.
func TestWhatIsRememberedOfUsesFollowsTheMemoryLimit(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int64]int{
		math.MaxInt64: mostKept, // none is set
		2 << 30:       mostKept,
		300 << 20:     19_200,
		1 << 20:       leastKept,
	} {
		if got := usesKept(limit); got != want {
			t.Errorf("with a limit of %d MiB %d are remembered, want %d", limit>>20, got, want)
		}
	}
}
