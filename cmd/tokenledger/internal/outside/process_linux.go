// On Linux no process that the tests started outlives them.

package outside

import "syscall"

// processAttributes ends a process with the thread that started it.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
