// The server that ran on a data directory before, and may still be ending.

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// pollEvery paces the waits for files that Postgres writes; it offers no
	// other way to learn of them, pg_ctl polls them too.
	pollEvery = 5 * time.Millisecond
	// ourClusterName marks servers started by this package in postmaster.opts.
	ourClusterName = "tokenledger"
)

// pidFile is what postmaster.pid says: Postgres writes it at its start, renews
// the status, and removes it at a clean end.
type pidFile struct {
	pid       int // negative for a single-user server
	socketDir string
	status    string
}

func readPIDFile(dir string) (pidFile, error) {
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	// pid, data directory, start time, port, socket directory, listen address,
	// shared memory key, status; a file still being written ends early.
	var lines [8]string
	copy(lines[:], strings.Split(string(text), "\n"))
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return pidFile{}, fmt.Errorf("read postmaster.pid: %w", err)
	}
	return pidFile{pid: pid, socketDir: lines[4], status: strings.TrimSpace(lines[7])}, nil
}

// awaitPredecessor returns once no server runs on the data directory. The caller
// holds the directory's lock, so a server that this package started has lost its
// service and is ending, or never heard of it; it is told once more. A server
// that a person started is left alone.
//
// The number in a postmaster.pid left behind is returned: that process is not a
// server of this directory, and Postgres must be told so, or it would refuse to
// start beside any program that has inherited the number (small numbers return
// quickly in containers).
func awaitPredecessor(ctx context.Context, dir string) (stale int, err error) {
	file, err := readPIDFile(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, nil // an unreadable number is Postgres' own to judge, and it does
	}
	pid := max(file.pid, -file.pid)
	if !servesDir(pid, dir) {
		return pid, nil
	}
	if file.pid < 0 || !startedHere(dir) {
		return 0, fmt.Errorf("%w: a Postgres server that tokenledger did not start (process %d) runs on %s; stop it first",
			ErrInUse, pid, dir)
	}
	_ = syscall.Kill(pid, syscall.SIGINT) // it may have ended meanwhile
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for servesDir(pid, dir) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("wait for the previous Postgres (process %d) on %s to end: %w", pid, dir, context.Cause(ctx))
		}
	}
	return pid, nil
}

// startedHere says whether the last server on dir was started by this package.
func startedHere(dir string) bool {
	opts, err := os.ReadFile(filepath.Join(dir, "postmaster.opts"))
	return err == nil && strings.Contains(string(opts), "cluster_name="+ourClusterName)
}
