// The operating-system user that Postgres runs as, and the directories it must
// be able to enter.

package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is who runs Postgres: the service's own user, or, since Postgres
// refuses root, another one when the service runs as root.
type account struct {
	name     string
	uid, gid uint32
	other    bool // not the service's own user
}

func serverAccount() (account, error) {
	return chooseAccount(os.Geteuid(), os.Getegid(), user.Lookup)
}

// chooseAccount takes the user postgres, else nobody, where the service is root.
func chooseAccount(uid, gid int, lookup func(string) (*user.User, error)) (account, error) {
	if uid != 0 {
		return account{name: "uid " + strconv.Itoa(uid), uid: uint32(uid), gid: uint32(gid)}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name: name, uid: uint32(uid), gid: uint32(gid), other: true}, nil
		}
	}
	return account{}, fmt.Errorf("%w: Postgres refuses to run as root and neither the user postgres nor nobody exists; "+
		"create one (useradd --system postgres) or run tokenledger as a plain user", ErrNoAccount)
}

func (a account) credential() *syscall.Credential {
	if !a.other {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// own hands a path to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// maySearch says whether the account can pass through a directory. It reads the
// mode alone: the account gets no supplementary groups, and an access list that
// grants more than the mode shows is not worth a second code path.
func (a account) maySearch(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	switch mode := info.Mode().Perm(); {
	case stat.Uid == a.uid:
		return mode&0o100 != 0
	case stat.Gid == a.gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}

// canReach fails on the first existing directory on the way to dir that the
// account cannot pass through. It runs before anything is created.
func (a account) canReach(dir string) error {
	if !a.other {
		return nil
	}
	for path := dir; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("look at %s: %w", path, err)
		case !info.IsDir():
			return fmt.Errorf("%w: %s is not a directory", ErrUnreachable, path)
		case !a.maySearch(info):
			return fmt.Errorf("%w: Postgres will run as the user %s, who cannot pass through %s (mode %#o); "+
				"run chmod o+x %s, or choose another data directory (TOKENLEDGER_DATA)",
				ErrUnreachable, a.name, path, info.Mode().Perm(), path)
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// makeParent creates the data directory, provided that the account can reach it.
func (a account) makeParent(dir string) error {
	if err := openFresh(dir); err != nil {
		return err
	}
	// Behind a symbolic link the way continues where the link points.
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		if err := a.canReach(real); err != nil {
			return err
		}
	}
	if err := a.canReach(dir); err != nil {
		return err
	}
	return makeAll(dir, dataMode())
}

// dataMode is the mode of a data directory and of parents made for it: private,
// except that below root the account of Postgres may pass through, not list, it.
func dataMode() fs.FileMode {
	if os.Geteuid() == 0 {
		return 0o711
	}
	return 0o700
}

// openFresh treats an existing directory as made here while it is empty and the
// service's own; any other keeps the mode that somebody gave it.
func openFresh(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil // makeAll reports what is wrong with it
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	entries, err := os.ReadDir(dir)
	if fresh := ok && int(stat.Uid) == os.Geteuid() && err == nil && len(entries) == 0; !fresh {
		return nil
	}
	return os.Chmod(dir, dataMode())
}

// makeAll is os.MkdirAll with a mode that no umask narrows.
func makeAll(dir string, mode fs.FileMode) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makeAll(parent, mode); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, mode); err != nil {
		if errors.Is(err, fs.ErrExist) { // another process was quicker
			return nil
		}
		return err
	}
	return os.Chmod(dir, mode)
}
