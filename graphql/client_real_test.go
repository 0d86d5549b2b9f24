// The Go client against the real schema, verifier and log.

package graphql_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/client"
)

func TestGoClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var calls atomic.Int64
	counted := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.server.Config.Handler.ServeHTTP(out, r)
	}))
	defer counted.Close()
	gateway := w.tokenOf("gateway", "token:introspect")
	c, err := client.New(client.Config{URL: counted.URL, Token: gateway})
	must(t, err)
	good, narrow := w.apiToken("good", "evidence:write"), w.apiToken("narrow", "control:read")
	const uses = 300
	decisions := make([]client.Decision, uses)
	var wg sync.WaitGroup
	for i := range uses {
		u := client.Use{Token: good.value, Action: "createEvidence", Resource: fmt.Sprint("evidence/", i), SourceIP: "198.51.100.7", UserAgent: "app/1", RequestID: fmt.Sprint("request-", i)}
		switch i % 3 {
		case 1:
			u.Token = narrow.value
		case 2:
			u.Token = "tola_nonsense"
		}
		wg.Go(func() {
			d, err := c.Verify(t.Context(), u)
			if err != nil {
				t.Error(err)
			}
			decisions[i] = d
		})
	}
	wg.Wait()
	positions := map[int64]bool{}
	for i, d := range decisions {
		switch {
		case i%3 == 0 && (!d.Allowed || d.TokenID != good.id || d.DecisionID != fmt.Sprint("request-", i) || positions[d.Position]),
			i%3 == 1 && (d.Allowed || !d.Forbidden()),
			i%3 == 2 && (d.Allowed || d.Forbidden()):
			t.Errorf("use %d: %+v", i, d)
		}
		if d.Allowed {
			positions[d.Position] = true
		}
	}
	if n := calls.Load(); n < uses/100 || n > uses/2 {
		t.Errorf("%d verifications took %d calls", uses, n)
	}
	w.settle()
	var used int
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		must(t, err)
		if e, ok := r.Event.(events.TokenUsed); ok && e.Action == "createEvidence" && r.Stream == events.StreamID("token-"+good.id) {
			used++
		}
	}
	if used != uses/3 {
		t.Errorf("%d uses of the good token stand in the log", used)
	}
}
