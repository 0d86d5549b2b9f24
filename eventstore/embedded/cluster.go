// The cluster: the directory in which Postgres keeps its data, examined before
// use and created so that an interruption leaves nothing half made.

package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/tokenledger/tokenledger/eventstore/internal/atomicfile"
)

const (
	superuser    = "postgres"
	initPrefix   = "postgres.init-" // followed by a random part; removed at the next start
	passwordName = "postgres.password"
)

// examine returns the major version of the cluster in dir; 0 means that there is
// none yet and one may be created there.
func examine(dir string, who account) (int, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at the data directory: %w", err)
	}
	if !info.IsDir() {
		return 0, fmt.Errorf("%w: %s is a file; move it away", ErrNotACluster, dir)
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	if foreign := known && stat.Uid != who.uid; foreign {
		// An empty directory may be anyone's: the new one takes its place.
		if entries, err := os.ReadDir(dir); err == nil && len(entries) == 0 {
			return 0, nil
		}
		return 0, fmt.Errorf("%w: %s belongs to uid %d, but Postgres would run as the user %s (uid %d); "+
			"run tokenledger as before, or chown -R %d %s", ErrOwner, dir, stat.Uid, who.name, who.uid, who.uid, dir)
	}
	return majorOf(dir)
}

func majorOf(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err == nil {
		if major, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return major, nil
		}
		return 0, fmt.Errorf("%w: %s has a PG_VERSION that reads %.20q", ErrNotACluster, dir, text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("look at the data directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("look at the data directory: %w", err)
	}
	if len(entries) > 0 {
		return 0, fmt.Errorf("%w: %s holds files (%s, …) but no PG_VERSION; move them away, "+
			"or choose another data directory (TOKENLEDGER_DATA)", ErrNotACluster, dir, entries[0].Name())
	}
	return 0, nil
}

// createCluster runs initdb beside the final place and renames the finished
// cluster into it, so that dir is either absent or whole. initdb itself flushes
// all files to disk, unless the caller gave durability up.
func createCluster(ctx context.Context, parent, dir string, bins binaries, who account, durable bool) error {
	password, err := keepPassword(parent)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(parent, initPrefix)
	if err != nil {
		return fmt.Errorf("create the data directory: %w", err)
	}
	defer os.RemoveAll(work)
	pwfile := filepath.Join(work, "pwfile")
	if err := writeFor(who, pwfile, password); err != nil {
		return fmt.Errorf("hand initdb its password: %w", err)
	}
	if err := who.own(work); err != nil {
		return fmt.Errorf("hand %s to the user %s: %w", work, who.name, err)
	}
	fresh := filepath.Join(work, "cluster")
	args := []string{
		"-D", fresh, "--username=" + superuser, "--pwfile=" + pwfile, "--auth=scram-sha-256",
		// No collation of the machine's: its C library may change under the indexes.
		"--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions",
	}
	if !durable {
		args = append(args, "--no-sync")
	}
	if _, err := run(ctx, who, childEnv(), bins.initdb(), args...); err != nil {
		return fmt.Errorf("create the data directory %s: %w", dir, err)
	}
	// Unlike os.Rename this replaces an empty directory, and only an empty one.
	if err := syscall.Rename(fresh, dir); err != nil {
		return fmt.Errorf("put the new data directory in place: %w", err)
	}
	return atomicfile.SyncDir(parent)
}

// keepPassword returns the superuser's password, written before the cluster that
// needs it exists. One that an interrupted start has left is used again.
func keepPassword(parent string) (string, error) {
	password, err := readPassword(parent)
	if !errors.Is(err, ErrNoPassword) {
		return password, err
	}
	password = rand.Text()
	if err := atomicfile.Write(filepath.Join(parent, passwordName), []byte(password+"\n")); err != nil {
		return "", fmt.Errorf("write the password of Postgres: %w", err)
	}
	return password, nil
}

func readPassword(parent string) (string, error) {
	path := filepath.Join(parent, passwordName)
	text, err := os.ReadFile(path)
	if password := strings.TrimSpace(string(text)); err == nil && password != "" {
		return password, nil
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: restore %s, or set a new password with postgres --single and write it there (mode 0600)",
			ErrNoPassword, path)
	}
	return "", fmt.Errorf("read the password of Postgres: %w", err)
}

// removeLeftovers removes what interrupted starts have left: never a cluster,
// only the work directories of createCluster. The caller holds the lock. What
// cannot be removed, because an orphaned initdb still writes to it, is in nobody's
// way and goes at a later start.
func removeLeftovers(ctx context.Context, parent string, log *slog.Logger) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("look at the data directory: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), initPrefix) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(parent, e.Name())); err != nil {
			log.WarnContext(ctx, "what an interrupted start has left could not be removed", "error", err)
		}
	}
	return nil
}
