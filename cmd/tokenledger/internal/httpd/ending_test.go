// A service that is to end says so before it stops answering.

package httpd_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
)

func TestAServiceThatIsToEndSaysSoAndStillAnswers(t *testing.T) {
	t.Parallel()
	ending := make(chan struct{})
	server := httptest.NewServer(httpd.Public{
		Auth: &httpd.Authenticator{}, Sealed: http.NotFoundHandler(), Ending: ending,
		Ready: func(context.Context) []httpd.Check { return []httpd.Check{{Name: "postgres", OK: true}} },
	}.Handler())
	defer server.Close()
	get := func(path string) (*http.Response, string) {
		t.Helper()
		response, err := server.Client().Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(body)
	}
	if r, body := get("/readyz"); r.StatusCode != http.StatusOK || r.Close || !strings.Contains(body, `"serving"`) {
		t.Errorf("before: %d, close %v, %s", r.StatusCode, r.Close, body)
	}
	close(ending)
	if r, body := get("/readyz"); r.StatusCode != http.StatusServiceUnavailable || !r.Close || !strings.Contains(body, "about to end") {
		t.Errorf("after: %d, close %v, %s", r.StatusCode, r.Close, body)
	}
	if r, body := get("/livez"); r.StatusCode != http.StatusOK || !r.Close || body != "ok\n" {
		t.Errorf("after: %d, close %v, %s", r.StatusCode, r.Close, body)
	}
}
