// Child processes: started as the account, in a process group of their own, and
// ended by the kernel when the service dies (where the kernel can).

package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// pipeDelay bounds the wait for the output of a process that has ended: a
// backend that outlives a killed postmaster still holds the pipe.
const pipeDelay = 5 * time.Second

// child is a started process and the goroutine that waits for it.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; set before done is closed
}

// startChild starts cmd as the account. The process group keeps a terminal's
// Ctrl-C from the child, so that the service can drain before it ends Postgres.
func startChild(cmd *exec.Cmd, who account) (*child, error) {
	cmd.Dir = "/" // the service's own directory may be closed to the account
	cmd.WaitDelay = pipeDelay
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who.credential()}
	endWithParent(cmd.SysProcAttr)

	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(c.done)
		// The kernel counts the death of the forking *thread* as the parent's, so
		// the thread is kept for as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		c.err = cmd.Wait()
	}()
	if err := <-started; err != nil {
		<-c.done
		return nil, err
	}
	return c, nil
}

// run runs a short command as the account and returns what it printed. When ctx
// ends first, the command and its own children are killed.
func run(ctx context.Context, who account, env []string, name string, args ...string) (string, error) {
	var output bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = &output, &output
	c, err := startChild(cmd, who)
	if err != nil {
		return "", fmt.Errorf("run %s as the user %s: %w", name, who.name, err)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-c.done
		return "", fmt.Errorf("run %s: %w", name, context.Cause(ctx))
	}
	if c.err != nil {
		return "", fmt.Errorf("run %s: %w: %s", name, c.err, strings.TrimSpace(output.String()))
	}
	return output.String(), nil
}

// childEnv is all that Postgres sees of the environment: none of the service's
// secrets, none of libpq's PG… variables, and a language that messages can be
// told apart in.
func childEnv() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// exit is how an ended child ended, as an error even when it ended well.
func (c *child) exit() error {
	if c.err != nil {
		return c.err
	}
	return errors.New(c.cmd.ProcessState.String())
}
