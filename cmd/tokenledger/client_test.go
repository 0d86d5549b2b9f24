// Answers that the commands ask for again.

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestReadsThatAreStaleAreAskedAgain(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int32{`{ me { id } }`: 3, `mutation { createAPIToken { apiToken { id } } }`: 1} {
		var asked atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) < 3 {
				_, _ = io.WriteString(w, `{"errors":[{"message":"not yet","extensions":{"code":"STALE_READ"}}]}`)
				return
			}
			_, _ = io.WriteString(w, `{"data":{}}`)
		}))
		c := &client{server: server.URL, http: server.Client()}
		err := c.do(t.Context(), query, nil, &struct{}{})
		server.Close()
		if n := asked.Load(); n != want || (err == nil) != (want == 3) {
			t.Errorf("%s: asked %d times, %v", query, n, err)
		}
	}
}
