// The lock by which one process at a time owns a server's directory.

package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dirLock is held from before a server's files are looked at until after the
// server has ended. The kernel lets go of it when the process dies, however it dies.
type dirLock struct{ file *os.File }

// lockServer takes the lock of one server ("postgres" or "nats") below dir.
func lockServer(dir, server string) (*dirLock, error) {
	path := filepath.Join(dir, server+".lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of %s: %w", server, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer file.Close()
		return nil, fmt.Errorf("%w: process %s holds %s; stop it, or choose another data directory (TOKENLEDGER_DATA)",
			ErrInUse, holder(path), path)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The number only serves the message above, so a failure to write it is no failure.
	if file.Truncate(0) == nil {
		_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &dirLock{file}, nil
}

// holder reads who holds a lock, for the person who is refused.
func holder(path string) string {
	pid, err := os.ReadFile(path)
	if text := strings.TrimSpace(string(pid)); err == nil && text != "" {
		return text
	}
	return "(unknown)"
}

// release unlocks explicitly: closing alone would leave the lock with any child
// that another goroutine is just forking, until that child's exec.
func (l *dirLock) release() {
	_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	l.file.Close()
}
