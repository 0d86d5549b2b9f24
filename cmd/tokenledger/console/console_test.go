// What the binary serves of the console: the page at each view's path, under its policy; small files that never change.
package console_test

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/console"
)

func get(t *testing.T, target string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.Header = header
	w := httptest.NewRecorder()
	console.Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	var all bytes.Buffer
	if _, err := all.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestPageIsServedAtEachView(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/tokens", "/tokens/01a2", "/tokens?q=ci", "/live", "/proof?event=3", "/reports/usage"} {
		resp := get(t, target, nil)
		if resp.StatusCode != http.StatusOK || !strings.Contains(body(t, resp), `<div id="root">`) {
			t.Errorf("%s: %d, want the page", target, resp.StatusCode)
		}
		policy := resp.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q has no %s", target, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("%s: the policy %q lets in what is not ours", target, policy)
		}
		if got := resp.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control is %q", target, got)
		}
	}
	for _, target := range []string{"/nothing", "/console/", "/console/nothing.js", "/tokensx", "/index.html", "/v1/nothing"} {
		if resp := get(t, target, nil); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", target, resp.StatusCode)
		}
	}
}

// The program knows its views, and so does the handler; a view that only one of them knows cannot be linked to.
func TestHandlerKnowsTheProgramsViews(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("src/app.tsx")
	if err != nil {
		t.Fatal(err)
	}
	views := regexp.MustCompile(`path: '([a-z]+)'`).FindAllSubmatch(source, -1)
	if len(views) == 0 {
		t.Fatal("src/app.tsx names no views")
	}
	for _, view := range views {
		if resp := get(t, "/"+string(view[1]), nil); resp.StatusCode != http.StatusOK {
			t.Errorf("/%s: %d, want the page", view[1], resp.StatusCode)
		}
	}
}

func TestPageHasNoInlineCodeAndNamesOnlyItsFiles(t *testing.T) {
	t.Parallel()
	page := body(t, get(t, "/", nil))
	if regexp.MustCompile(`<style|style=|\son[a-z]+=|javascript:`).MatchString(page) {
		t.Error("the page has inline code or style")
	}
	for _, script := range regexp.MustCompile(`(?s)<script(.*?)>(.*?)</script>`).FindAllStringSubmatch(page, -1) {
		if strings.TrimSpace(script[2]) != "" || !strings.Contains(script[1], "src=") {
			t.Errorf("an inline script: %s", script[0])
		}
	}
	named := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(named) < 3 {
		t.Errorf("the page names %d files", len(named))
	}
	for _, n := range named {
		resp := get(t, n[1], nil)
		if !strings.HasPrefix(n[1], "/console/") || resp.StatusCode != http.StatusOK {
			t.Errorf("the page names %s: %d", n[1], resp.StatusCode)
		}
		if got := resp.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control is %q", n[1], got)
		}
	}
}

func TestFilesAreCompressedWhereTheBrowserTakesIt(t *testing.T) {
	t.Parallel()
	for _, name := range files(t, ".js") {
		plain := get(t, "/console/"+name, nil)
		packed := get(t, "/console/"+name, http.Header{"Accept-Encoding": {"br, gzip"}})
		if packed.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" {
			t.Fatalf("%s: encodings %q and %q", name, packed.Header.Get("Content-Encoding"), plain.Header.Get("Content-Encoding"))
		}
		if packed.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Errorf("%s: one tag for two forms", name)
		}
		unpacked, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := got.ReadFrom(unpacked); err != nil {
			t.Fatal(err)
		}
		if got.String() != body(t, plain) {
			t.Errorf("%s: the two forms differ", name)
		}
	}
}

// All of the program together stays small; a reader loads the parts that his view needs.
func TestProgramStaysSmall(t *testing.T) {
	t.Parallel()
	const most, atFirst = 350 << 10, 160 << 10
	page := body(t, get(t, "/", nil))
	all, first := 0, 0
	for _, name := range files(t, ".js") {
		size := len(body(t, get(t, "/console/"+name, http.Header{"Accept-Encoding": {"gzip"}})))
		all += size
		if strings.Contains(page, name) {
			first += size
		}
	}
	if all > most || first > atFirst || first == 0 {
		t.Errorf("compressed JavaScript: %d bytes in all, %d of them at first; at most %d and %d", all, first, most, atFirst)
	}
	t.Logf("compressed JavaScript: %d KiB in all, %d KiB of them at first", all>>10, first>>10)
}

// The lock file pins packages by their hashes alone; where a machine has them from is its own affair.
func TestLockFileNamesNoRegistry(t *testing.T) {
	t.Parallel()
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lock, []byte(`"resolved"`)) || !bytes.Contains(lock, []byte(`"integrity"`)) {
		t.Error("package-lock.json names registries, or pins nothing")
	}
}

func files(t *testing.T, extension string) []string {
	t.Helper()
	entries, err := fs.ReadDir(os.DirFS("dist"), "console")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if path.Ext(e.Name()) == extension {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatalf("dist has no %s", extension)
	}
	slices.Sort(names)
	return names
}
