// The story: told twice it is the same, and a foreign directory is left alone.

package demo_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/demo"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/eventstore"
)

// A Wednesday, long past: what the clock of the machine says plays no part.
var ends = time.Date(2026, 3, 11, 12, 0, 0, 0, time.UTC)

func settingsIn(t *testing.T, name string) config.Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "tokenledger-demo-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres runs as another user
		t.Fatal(err)
	}
	settings, err := config.Load(map[string]string{"TOKENLEDGER_DATA": filepath.Join(dir, name)}, []string{"PATH=" + os.Getenv("PATH")})
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// random is what no seed draws: ids, fingerprints of values, commitments to personal
// values, and digests of invitations.
var random = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"[A-Za-z0-9+/_-]{43}=?"`)

// leaves are the lines of a told story, with the n-th random thing called so.
func leaves(t *testing.T, settings config.Config) []string {
	t.Helper()
	store, err := service.OpenStore(t.Context(), settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	if !eventstore.IsDemo(store.Log.Origin()) {
		t.Errorf("the origin %s is not that of a demo", store.Log.Origin())
	}
	names := map[string]string{store.Log.Origin(): "the log"}
	var out []string
	for rec, err := range store.Log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, random.ReplaceAllStringFunc(string(rec.Leaf), func(what string) string {
			if names[what] == "" {
				names[what] = fmt.Sprintf("random-%d", len(names))
			}
			return names[what]
		}))
	}
	return out
}

func TestTheSameSeedTellsTheSameStory(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the story is told twice")
	}
	told := []config.Config{settingsIn(t, "data"), settingsIn(t, "data")}
	var group errgroup.Group
	for _, settings := range told {
		group.Go(func() error {
			return demo.Make(t.Context(), demo.Config{Settings: settings, Seed: 7, End: ends})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	first, again := leaves(t, told[0]), leaves(t, told[1])
	if len(first) < 2000 {
		t.Errorf("the story has %d events", len(first))
	}
	for i := range min(len(first), len(again)) {
		if first[i] != again[i] {
			t.Fatalf("position %d is told in two ways:\n%s\n%s", i+1, first[i], again[i])
		}
	}
	if len(first) != len(again) {
		t.Errorf("told twice it has %d and %d events", len(first), len(again))
	}
}

func TestAnotherSeedTellsAnotherStory(t *testing.T) {
	t.Parallel()
	if slices.Equal(demo.Plan(1, ends), demo.Plan(2, ends)) {
		t.Error("two seeds plan the same story")
	}
	if !slices.Equal(demo.Plan(1, ends), demo.Plan(1, ends)) {
		t.Error("one seed plans two stories")
	}
}

func TestAStoryIsToldIntoANewDirectoryOnly(t *testing.T) {
	t.Parallel()
	settings := settingsIn(t, "ledger")
	if err := os.Mkdir(settings.Data, 0o711); err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(settings.Data, "keys.json")
	if err := os.WriteFile(keys, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := demo.Make(t.Context(), demo.Config{Settings: settings, Seed: 1, End: ends}); !errors.Is(err, demo.ErrForeign) {
		t.Errorf("a story was told into a ledger: %v", err)
	}
	var files []string
	if err := filepath.WalkDir(settings.Data, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			files = append(files, path)
		}
		return err
	}); err != nil || len(files) != 1 || files[0] != keys {
		t.Errorf("the ledger has now %v, %v", files, err)
	}
}
