// While a read model stands still: who reads nothing from it is not held up, and a leaver leaves.

package scim_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// hold keeps the checkpoint of a read model where it is, while the log goes on.
func (w *world) hold(model string) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.url)
	must(w.t, err)
	w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	_, err = conn.Exec(w.t.Context(), "BEGIN")
	must(w.t, err)
	_, err = conn.Exec(w.t.Context(), "SELECT FROM tokenledger_views.projections WHERE name = $1 FOR UPDATE", model)
	must(w.t, err)
	w.organizationToken("read")
}

func TestAnotherReadModelHoldsUpNoProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create("ada.l@example.com")
	w.hold("usage")
	w.send("GET", "Users/"+id, nil).is(http.StatusOK, "")
	w.send("PATCH", "Users/"+id, patch(object{"op": "replace", "path": "active", "value": false})).is(http.StatusOK, "")
}

func TestALeaverLeavesWhileTheDirectoryStandsStill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	removed, deactivated, named := w.create("removed@example.com"), w.create("deactivated@example.com"), w.create("named@example.com")
	w.hold("directory")
	after := w.head()
	letOut := patch(object{"op": "replace", "path": "active", "value": false})
	w.send("GET", "Users/"+named, nil).is(http.StatusServiceUnavailable, "")
	w.send("PATCH", "Users/"+named, patch(object{"op": "replace", "path": "userName", "value": "x@example.com"})).is(http.StatusServiceUnavailable, "")
	w.send("PATCH", "Users/"+named, letOut, `If-Match: W/"1-1"`).is(http.StatusServiceUnavailable, "")
	if types := w.decided(after); slices.Contains(types, "membership.ended") {
		t.Errorf("before anybody left: %v", types)
	}
	w.send("DELETE", "Users/"+removed, nil).is(http.StatusNoContent, "")
	w.send("PATCH", "Users/"+deactivated, letOut).is(http.StatusNoContent, "")
	w.send("DELETE", "Users/"+uuid.NewString(), nil).is(http.StatusNotFound, "")
	ended := 0
	for _, typ := range w.decided(after) {
		if typ == "membership.ended" {
			ended++
		}
	}
	if ended != 2 {
		t.Errorf("%d memberships ended: %v", ended, w.decided(after))
	}
}
