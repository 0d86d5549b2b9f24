// Systems without a signal at the parent's death: a server that outlives a
// killed service is found, ended and awaited by the next start.

//go:build !linux

package embedded

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

func endWithParent(*syscall.SysProcAttr) {}

// servesDir says whether the process is a Postgres server on dir, by its command line.
func servesDir(pid int, dir string) bool {
	line, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(line), "postgres -D "+dir+" ")
}
