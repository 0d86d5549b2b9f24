// What only Linux offers: a signal at the parent's death, and /proc.

package embedded

import (
	"os"
	"strconv"
	"syscall"
)

// endWithParent has the kernel send SIGINT, Postgres' fast shutdown, when the
// service dies in any way, kill -9 included.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// servesDir says whether the process is a Postgres server on dir, which has no
// symbolic links: a server's working directory is its data directory.
func servesDir(pid int, dir string) bool {
	cwd, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	return err == nil && cwd == dir
}
