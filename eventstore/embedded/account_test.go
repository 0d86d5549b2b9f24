// Who runs Postgres, and the way to its data.

package embedded

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestTheChoiceOfTheAccount(t *testing.T) {
	t.Parallel()
	postgres, nobody := user.User{Uid: "101", Gid: "104"}, user.User{Uid: "65534", Gid: "65533"}
	cases := map[string]struct {
		uid   int
		users map[string]user.User
		want  account
		fails error
	}{
		"a plain user keeps itself": {1000, map[string]user.User{"postgres": postgres}, account{"uid 1000", 1000, 7, false}, nil},
		"root becomes postgres":     {0, map[string]user.User{"postgres": postgres, "nobody": nobody}, account{"postgres", 101, 104, true}, nil},
		"else nobody":               {0, map[string]user.User{"nobody": nobody}, account{"nobody", 65534, 65533, true}, nil},
		"never root by another name": {
			0, map[string]user.User{"postgres": {Uid: "0", Gid: "0"}, "nobody": nobody}, account{"nobody", 65534, 65533, true}, nil,
		},
		"with nobody there": {0, nil, account{}, ErrNoAccount},
	}
	for name, c := range cases {
		got, err := chooseAccount(c.uid, 7, func(name string) (*user.User, error) {
			if u, ok := c.users[name]; ok {
				return &u, nil
			}
			return nil, user.UnknownUserError(name)
		})
		if got != c.want || !errors.Is(err, c.fails) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestPostgresNeverRunsAsRoot(t *testing.T) {
	t.Parallel()
	p := start(t, PostgresConfig{Dir: usedDir(t)})
	info, err := os.Stat(p.socket) // the server made it, so it shows who that is
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid == 0 || uid != mustAccount(t).uid {
		t.Errorf("the server runs as uid %d", uid)
	}
}

func TestCtrlCReachesOnlyTheService(t *testing.T) {
	t.Parallel()
	p := start(t, PostgresConfig{Dir: usedDir(t)})
	group, err := syscall.Getpgid(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	if group == syscall.Getpgrp() {
		t.Error("the server is in the service's process group")
	}
}

func TestAClosedParentIsNamedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	asRoot(t)
	closed := filepath.Join(dataDir(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dataDir(t), "link")
	if err := os.Mkdir(filepath.Join(closed, "behind"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(closed, "behind"), link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(closed, "a", "data"), link, closed} {
		_, err := StartPostgres(t.Context(), PostgresConfig{Dir: dir})
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "chmod o+x "+closed) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if left := tree(t, closed); len(left) != 2 {
		t.Errorf("something was made: %v", left)
	}
}

func TestAFreshDirectoryIsOpenedForTheAccount(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := filepath.Join(dataDir(t), "fresh")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, PostgresConfig{Dir: dir})
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o711 {
		t.Errorf("%v, %v: others may pass, and no more", info.Mode(), err)
	}
}

func TestMissingParentsAreMadePassable(t *testing.T) {
	t.Parallel()
	base := dataDir(t)
	s := startService(t, filepath.Join(base, "a", "b"), func(cmd *exec.Cmd) { // whatever the umask
		cmd.Args = []string{"sh", "-c", "umask 077; exec " + cmd.Path}
		cmd.Path = "/bin/sh"
	})
	s.awaitReport(t)
	want := fs.FileMode(0o700)
	if mustAccount(t).other {
		want = 0o711
	}
	for _, made := range []string{"a", "a/b"} {
		info, err := os.Stat(filepath.Join(base, made))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", made, info.Mode(), err)
		}
	}
}

func TestMaySearchFollowsTheMode(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	me := account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	mate := account{uid: 4242, gid: me.gid}
	stranger := account{uid: 4242, gid: 4242}
	for mode, want := range map[fs.FileMode][3]bool{
		0o700: {true, false, false}, 0o710: {true, true, false}, 0o711: {true, true, true}, 0o001: {false, false, true},
	} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]bool{me.maySearch(info), mate.maySearch(info), stranger.maySearch(info)}; got != want {
			t.Errorf("%o: owner, group, others: %v, want %v", mode, got, want)
		}
	}
}

// The other half of the code: a service that is not root starts Postgres as itself.
func TestAServiceOfAPlainUser(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := dataDir(t)
	const nobody = 65534
	home := filepath.Join(dir, "home")
	if err := errors.Join(os.Mkdir(home, 0o700), os.Chown(home, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "service")
	copyProgram(t, self, program)
	s := startService(t, home, func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args, cmd.Dir = program, []string{program}, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	})
	r := s.awaitReport(t)
	if n := query[int](t, connect(t, r.URL), "SELECT 1"); n != 1 {
		t.Errorf("read %d", n)
	}
	s.kill()
	await(t, "the server to end with its service", func() bool { return gone(r.PID, clusterOf(home)) })

	// The same directory is not root's to take over.
	if _, err := StartPostgres(t.Context(), PostgresConfig{Dir: home}); !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrOwner) {
		t.Errorf("root got %v", err)
	}
	if err := os.Chmod(home, 0o711); err != nil {
		t.Fatal(err)
	}
	if _, err := StartPostgres(t.Context(), PostgresConfig{Dir: home}); !errors.Is(err, ErrOwner) {
		t.Errorf("root got %v, want ErrOwner", err)
	}
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresSeesNoSecretOfTheService(t *testing.T) {
	t.Setenv("TOKENLEDGER_PEPPER", "canary")
	t.Setenv("PGDATA", "/elsewhere")
	for _, variable := range childEnv() {
		if slices.Contains([]string{"TOKENLEDGER_PEPPER", "PGDATA"}, strings.SplitN(variable, "=", 2)[0]) {
			t.Errorf("handed on: %s", variable)
		}
	}
}
