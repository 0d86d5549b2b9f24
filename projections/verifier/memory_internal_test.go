// The room that tokens take.

package verifier

import (
	"testing"
	"unsafe"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// TestATokenTakesLittleRoom: a million of them are to fit into one process. One
// entry in the map is its key, a pointer and what the map needs beside them.
func TestATokenTakesLittleRoom(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(token{}); size > 112 { // a size class of the allocator
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
	var lists []*[]string
	for _, tok := range h.v.state.tokens {
		if tok.more != nil || tok.home == uuid.Nil {
			t.Errorf("a plain token has more than most: %+v", tok)
		}
		lists = append(lists, tok.scopes)
	}
	if lists[0] != lists[1] {
		t.Error("equal scopes are kept twice")
	}
}
