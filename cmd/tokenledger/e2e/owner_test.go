// Servers that run as the owner of their directory, as Postgres wants it of root.

//go:build unix

package e2e_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

type ownership struct{ uid, gid int }

func ownerOf(t *testing.T, path string) ownership {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	of := info.Sys().(*syscall.Stat_t)
	return ownership{int(of.Uid), int(of.Gid)}
}

// runAs runs a server until the test ends.
func runAs(t *testing.T, who ownership, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	if os.Geteuid() != who.uid {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(who.uid), Gid: uint32(who.gid)}}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
}
