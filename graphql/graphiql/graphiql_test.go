// Tests of what the handler serves: every file, its type, caching and compression, and nothing from elsewhere.
package graphiql_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/graphql/graphiql"
)

func ExampleHandler() {
	mux := http.NewServeMux()
	mux.Handle(graphiql.Path, graphiql.Handler("/query"))
	mux.Handle(graphiql.Path+"/", graphiql.Handler("/query"))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/graphiql", nil))
	fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}

// get asks the handler as a client that takes what Accept-Encoding says.
func get(t *testing.T, h http.Handler, url string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var links = regexp.MustCompile(`(?:src|href)="([^"]*)"`)

// linked lists what the page loads or links to, besides data of its own.
func linked(t *testing.T, h http.Handler) []string {
	t.Helper()
	var urls []string
	for _, match := range links.FindAllStringSubmatch(get(t, h, graphiql.Path).Body.String(), -1) {
		if !strings.HasPrefix(match[1], "data:") {
			urls = append(urls, match[1])
		}
	}
	return urls
}

func TestPageLoadsOnlyItsOwnFiles(t *testing.T) {
	t.Parallel()
	h := graphiql.Handler("/query")
	urls := linked(t, h)
	if len(urls) != 9 {
		t.Errorf("the page links %d files, want 3 styles, 5 scripts and the licences: %q", len(urls), urls)
	}
	for _, url := range append(urls, path.Dir(urls[0])+"/fetcher.js") {
		if !strings.HasPrefix(url, graphiql.Path+"/assets/") {
			t.Errorf("the page loads %s", url)
			continue
		}
		w := get(t, h, url)
		wantType := map[string]string{".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}[path.Ext(url)]
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != wantType+"; charset=utf-8" {
			t.Errorf("%s answers %d, %s", url, w.Code, w.Header().Get("Content-Type"))
		}
		if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s may change in a cache: %s", url, got)
		}
		if path.Ext(url) == ".css" && regexp.MustCompile(`@import|url\(\s*["']?(?:https?:)?//`).Match(w.Body.Bytes()) {
			t.Errorf("%s loads something from elsewhere", url)
		}
	}
}

func TestPolicyAllowsNoInlineScriptAndNoOtherHost(t *testing.T) {
	t.Parallel()
	w := get(t, graphiql.Handler("/query"), graphiql.Path+"/")
	policy := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	if regexp.MustCompile(`unsafe|https?:|\*`).MatchString(policy) {
		t.Errorf("the policy is too wide: %s", policy)
	}
	if inline := regexp.MustCompile(`<script[^>]*>[^<]`).FindString(w.Body.String()); inline != "" {
		t.Errorf("the page has an inline script: %s", inline)
	}
}

func TestQueryPathIsEscaped(t *testing.T) {
	t.Parallel()
	body := get(t, graphiql.Handler(`/q"><script>alert(1)</script>`), graphiql.Path).Body.String()
	if strings.Contains(body, "<script>alert") || !strings.Contains(body, `data-query-path="/q&#34;&gt;&lt;script&gt;`) {
		t.Errorf("the path of the endpoint reached the page unescaped:\n%s", body)
	}
}

func TestCompressionAndCaching(t *testing.T) {
	t.Parallel()
	h := graphiql.Handler("/query")
	for _, url := range append(linked(t, h), graphiql.Path) {
		plain, packed := get(t, h, url), get(t, h, url, "Accept-Encoding", "br, gzip")
		if plain.Header().Get("Content-Encoding") != "" || packed.Header().Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: not compressed exactly when asked", url)
		}
		reader, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := io.ReadAll(reader)
		if err != nil || string(unpacked) != plain.Body.String() {
			t.Errorf("%s: compressed and plain answers differ (%v)", url, err)
		}
		for _, w := range []*httptest.ResponseRecorder{plain, packed} {
			again := get(t, h, url, "If-None-Match", w.Header().Get("ETag"), "Accept-Encoding", w.Header().Get("Content-Encoding"))
			if again.Code != http.StatusNotModified || w.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s with a known ETag answers %d", url, again.Code)
			}
		}
		if plain.Header().Get("ETag") == packed.Header().Get("ETag") {
			t.Errorf("%s: one ETag for two encodings", url)
		}
	}
}

func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	h := graphiql.Handler("/query")
	for accept, packed := range map[string]bool{
		"":                     false,
		"br":                   false,
		"GZIP":                 true,
		"gzip;q=0.5, identity": true,
		"gzip; q=0":            false,
		"gzip;q=0.000, *":      false,
		"*":                    true,
		"*;q=0":                false,
		"x-gzip":               false,
	} {
		got := get(t, h, graphiql.Path, "Accept-Encoding", accept).Header().Get("Content-Encoding") == "gzip"
		if got != packed {
			t.Errorf("Accept-Encoding %q: compressed is %v", accept, got)
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	h := graphiql.Handler("/query")
	for _, url := range []string{
		"/graphiql/assets/", "/graphiql/assets/0000/page.js", "/graphiql/page/page.html", "/graphiql/graphiql.go", "/",
	} {
		if w := get(t, h, url); w.Code != http.StatusNotFound {
			t.Errorf("%s answers %d", url, w.Code)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, graphiql.Path, nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %d", w.Code)
	}
}

// The vendored files are the published ones, and none stands there without a checksum.
func TestVendoredFilesAreAsPublished(t *testing.T) {
	t.Parallel()
	sums, err := os.ReadFile(filepath.Join("vendored", "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	listed := []string{"SHA256SUMS"}
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		content, err := os.ReadFile(filepath.Join("vendored", name))
		if err != nil {
			t.Error(err)
		}
		if got := sha256.Sum256(content); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s is not the file that vendor.mjs fetched", name)
		}
		listed = append(listed, name)
	}
	entries, err := os.ReadDir("vendored")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !slices.Contains(listed, entry.Name()) {
			t.Errorf("vendored/%s has no checksum", entry.Name())
		}
	}
}

func TestLicencesAreServed(t *testing.T) {
	t.Parallel()
	h := graphiql.Handler("/query")
	urls := linked(t, h)
	text := get(t, h, urls[len(urls)-1]).Body.String()
	for _, want := range []string{
		"\ngraphiql (MIT)\n", "\nreact (MIT)\n", "\nreact-dom (MIT)\n", "\n@graphiql/plugin-explorer (MIT)\n",
		"\ncodemirror (MIT)\n", "Permission is hereby granted", "Apache License", "SIL OPEN FONT LICENSE",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the licences lack %q", want)
		}
	}
}
