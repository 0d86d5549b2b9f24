// Data directories that are refused, and interruptions that must not leave any.

package embedded

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree lists what lies below a directory.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestForeignDataIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		want  error
		names string // what the message must say
		make  func(t *testing.T, cluster string)
	}{
		"other files": {ErrNotACluster, "holiday.jpg", func(t *testing.T, cluster string) {
			write(t, filepath.Join(mkdir(t, cluster), "holiday.jpg"), "sun")
		}},
		"a file in its place": {ErrNotACluster, "is a file", func(t *testing.T, cluster string) {
			write(t, cluster, "")
		}},
		"no version": {ErrNotACluster, "PG_VERSION", func(t *testing.T, cluster string) {
			write(t, filepath.Join(mkdir(t, cluster), "PG_VERSION"), "new\n")
		}},
		"another version": {ErrVersion, "9", func(t *testing.T, cluster string) {
			write(t, filepath.Join(mkdir(t, cluster), "PG_VERSION"), "9\n")
		}},
		"another owner": {ErrOwner, "uid 12345", func(t *testing.T, cluster string) {
			asRoot(t)
			write(t, filepath.Join(mkdir(t, cluster), "PG_VERSION"), "15\n")
			if err := os.Chown(cluster, 12345, 12345); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			c.make(t, clusterOf(dir))
			before := tree(t, clusterOf(dir))
			_, err := StartPostgres(t.Context(), PostgresConfig{Dir: dir})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.names) || !strings.Contains(err.Error(), clusterOf(dir)) {
				t.Errorf("got %v", err)
			}
			if after := tree(t, clusterOf(dir)); !slices.Equal(before, after) {
				t.Errorf("%v became %v", before, after)
			}
		})
	}
}

func TestALostPasswordIsExplained(t *testing.T) {
	t.Parallel()
	c := PostgresConfig{Dir: usedDir(t)}
	if err := os.Remove(filepath.Join(c.Dir, passwordName)); err != nil {
		t.Fatal(err)
	}
	if _, err := StartPostgres(t.Context(), c); !errors.Is(err, ErrNoPassword) {
		t.Errorf("got %v", err)
	}
}

func TestAnEmptyDirectoryBecomesTheCluster(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	if err := os.Mkdir(clusterOf(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	start(t, PostgresConfig{Dir: dir})
}

func TestAWidenedModeIsNarrowed(t *testing.T) {
	t.Parallel()
	c := PostgresConfig{Dir: usedDir(t)}
	if err := os.Chmod(clusterOf(c.Dir), 0o777); err != nil {
		t.Fatal(err)
	}
	start(t, c)
}

func TestLeftoversOfAnInterruptedStartAreRemoved(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	half := filepath.Join(dir, initPrefix+"123")
	write(t, filepath.Join(mkdir(t, filepath.Join(half, "cluster")), "PG_VERSION"), "15\n")
	write(t, filepath.Join(dir, passwordName), "of-the-interrupted-start\n")
	p := start(t, PostgresConfig{Dir: dir})
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	if p.password != "of-the-interrupted-start" {
		t.Error("the password that was already written must be the cluster's")
	}
	query[int](t, connect(t, p.URL()), "SELECT 1")
}

func TestAnInitCutShortBlocksNothing(t *testing.T) {
	t.Parallel()
	begun := func(dir string) bool {
		half, _ := filepath.Glob(filepath.Join(dir, initPrefix+"*", "cluster", "PG_VERSION"))
		return len(half) == 1
	}
	t.Run("by the caller", func(t *testing.T) {
		t.Parallel()
		dir := dataDir(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		failed := make(chan error)
		go func() {
			_, err := StartPostgres(ctx, PostgresConfig{Dir: dir})
			failed <- err
		}()
		await(t, "initdb to begin", func() bool { return begun(dir) })
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if half, _ := filepath.Glob(filepath.Join(dir, "postgres*init*")); len(half) > 0 {
			t.Errorf("left behind: %v", half)
		}
		start(t, PostgresConfig{Dir: dir})
	})
	t.Run("by kill -9", func(t *testing.T) {
		t.Parallel()
		dir := dataDir(t)
		s := startService(t, dir)
		await(t, "initdb to begin", func() bool { return begun(dir) })
		s.kill()
		start(t, PostgresConfig{Dir: dir})
	})
}
