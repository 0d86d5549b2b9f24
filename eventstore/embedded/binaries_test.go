// Which Postgres is chosen, and what a person is told when there is none.

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// install makes a directory of programs that claim to be a version.
func install(t *testing.T, dir, version string) string {
	t.Helper()
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	if err := makeAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "initdb"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(script), 0o755), os.Chmod(path, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheChoiceOfPrograms(t *testing.T) {
	t.Parallel()
	base := dataDir(t)
	at := func(parts ...string) string { return filepath.Join(append([]string{base}, parts...)...) }
	old := install(t, at("old"), "13.9 (Debian 13.9-1)")
	path := install(t, at("path"), "16.2")
	install(t, at("lib", "9", "bin"), "9.6.24")
	lib14 := install(t, at("lib", "14", "bin"), "14.1")
	lib17 := install(t, at("lib", "17", "bin"), "17devel")
	cached := install(t, at("cache", packageVersion, "bin"), "18.4")
	liar := install(t, at("liar"), "")
	half := install(t, at("half"), "17.0")
	if err := os.Remove(filepath.Join(half, "initdb")); err != nil {
		t.Fatal(err)
	}
	lib, cache := at("lib", "*", "bin"), at("cache")

	cases := map[string]struct {
		explicit, path, places, cache string
		major                         int
		want                          string
		fails                         error
	}{
		"PATH comes first":                   {path: path, places: lib, cache: cache, want: path},
		"then packages, the newest first":    {places: lib, cache: cache, want: lib17},
		"then the cache":                     {cache: cache, want: cached},
		"a cluster gets its own version":     {path: path, places: lib, cache: cache, major: 14, want: lib14},
		"which nobody has":                   {path: path, places: lib, cache: cache, major: 15, fails: ErrVersion},
		"too old is passed over":             {path: old, places: lib, want: lib17},
		"a half installation is passed over": {path: half, places: lib, want: lib17},
		"a relative PATH is passed over":     {path: ".", places: lib, want: lib17},
		"a named directory is the only one":  {explicit: lib14, path: path, places: lib, want: lib14},
		"even if too old":                    {explicit: old, path: path, fails: ErrNoBinaries},
		"even if of another version":         {explicit: lib14, path: path, major: 16, fails: ErrVersion},
		"even if incomplete":                 {explicit: half, path: path, fails: ErrNoBinaries},
		"even if something else":             {explicit: liar, path: path, fails: ErrNoBinaries},
		"even if not there":                  {explicit: at("nowhere"), path: path, fails: ErrNoBinaries},
		"nothing at all":                     {fails: ErrNoBinaries},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := finder{who: mustAccount(t), log: slog.New(slog.DiscardHandler), path: c.path, places: []string{c.places}, cache: c.cache}
			got, err := f.find(t.Context(), c.explicit, c.major)
			if !errors.Is(err, c.fails) || got.dir != c.want {
				t.Errorf("chose %q (%v), want %q (%v)", got.dir, err, c.want, c.fails)
			}
		})
	}
}

func TestRunningOutOfTimeIsNotMistakenForNoPrograms(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	bin, cache := install(t, filepath.Join(dir, "bin"), "17.1"), filepath.Join(dir, "cache")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := finder{who: mustAccount(t), log: slog.New(slog.DiscardHandler), path: bin, cache: cache, npm: "npm"}.find(ended, "", 0)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrNoBinaries) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(cache); err == nil {
		t.Error("a fetch was begun")
	}
}

func TestProgramsTheAccountCannotRunAreExplained(t *testing.T) {
	t.Parallel()
	asRoot(t)
	closed := filepath.Join(dataDir(t), "closed")
	bin := install(t, filepath.Join(closed, "bin"), "17.1")
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	who := mustAccount(t)
	_, err := finder{who: who}.find(t.Context(), bin, 0)
	if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), "as the user "+who.name) {
		t.Errorf("got %v", err)
	}
}

func TestTheRemediesAreNamed(t *testing.T) {
	t.Parallel()
	_, err := finder{}.find(t.Context(), "", 0)
	for _, remedy := range []string{"apt-get install postgresql", "brew install", "npm", binEnv, "TOKENLEDGER_DATABASE_URL"} {
		if err == nil || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%q is missing in: %v", remedy, err)
		}
	}
}
