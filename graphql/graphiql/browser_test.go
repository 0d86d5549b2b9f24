// A test of the page in a real browser, under its real policy: it renders, signs requests with the pasted token, shows
// a subscription's results, and leaves nothing behind.
package graphiql_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/graphql/graphiql"
)

const chromium = "/usr/bin/chromium"

// flags keep Chromium, which may run as root here, from looking for any other host.
var flags = []string{
	"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1300,850",
}

func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(chromium); err != nil {
		t.Skipf("no browser to render the page in: %v (Debian: apt-get install chromium)", err)
	}
	reports, stopped := make(chan []byte, 1), make(chan struct{}, 1)
	server := httptest.NewServer(site(reports, stopped))
	defer server.Close()

	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), chromium, append(flags, "--user-data-dir="+t.TempDir(), server.URL+graphiql.Path)...)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt) // the orderly end, which also ends its children
		_ = cmd.Wait()
	}()

	var report struct{ Done, Problems []string }
	select {
	case body := <-reports:
		if err := json.Unmarshal(body, &report); err != nil {
			t.Fatalf("the driver's report: %v\n%s", err, body)
		}
	case <-time.After(90 * time.Second):
		t.Fatalf("no report from the page; the browser says\n%s", &stderr)
	}
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		t.Error("a subscription that its reader stopped goes on")
	}
	for _, problem := range report.Problems {
		t.Error(problem)
	}
	t.Logf("in the browser: %s", strings.Join(report.Done, "; "))
}

// site serves the page with a driver script added to it and an endpoint in miniature. It takes the driver's report, and
// tells when the subscription without an end was stopped.
func site(reports chan<- []byte, stopped chan<- struct{}) http.Handler {
	page := graphiql.Handler("/query")
	mux := http.NewServeMux()
	mux.Handle(graphiql.Path+"/", page)
	mux.HandleFunc(graphiql.Path, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		plain := httptest.NewRecorder()
		page.ServeHTTP(plain, r)
		w.Header().Set("Content-Type", plain.Header().Get("Content-Type"))
		w.Header().Set("Content-Security-Policy", plain.Header().Get("Content-Security-Policy"))
		_, _ = strings.NewReplacer("</head>", `<script type="module" src="/drive.js"></script></head>`).
			WriteString(w, plain.Body.String())
	})
	mux.HandleFunc("GET /drive.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "testdata/drive.js")
	})
	mux.HandleFunc("POST /query", func(w http.ResponseWriter, r *http.Request) { query(w, r, stopped) })
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reports <- body
	})
	return mux
}

// query answers the schema, the caller's Authorization header, or two ticks; an alias in the query asks for trouble.
func query(w http.ResponseWriter, r *http.Request, stopped chan<- struct{}) {
	var request struct{ Query, OperationName string }
	switch err := json.NewDecoder(r.Body).Decode(&request); {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case r.Header.Get("Accept") == "text/event-stream":
		w.Header().Set("Content-Type", "text/event-stream")
		for tick := range 2 {
			_, _ = fmt.Fprintf(w, ":\n\nevent: next\ndata: {\"data\":\ndata: {\"ticks\": %d}}\n\n", tick+1)
			_ = http.NewResponseController(w).Flush()
		}
		if strings.Contains(request.Query, "forever") {
			<-r.Context().Done()
			stopped <- struct{}{}
		} else if !strings.Contains(request.Query, "cut") {
			_, _ = fmt.Fprint(w, "event: complete\n\n")
		}
	case strings.Contains(request.Query, "broken"):
		http.Error(w, "<html>no gateway</html>", http.StatusBadGateway)
	case request.OperationName == "IntrospectionQuery":
		http.ServeFile(w, r, "testdata/introspection.json")
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"caller": r.Header.Get("Authorization")}})
	}
}
