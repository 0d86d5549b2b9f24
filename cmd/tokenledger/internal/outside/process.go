// Package outside is the program and its log as somebody outside has them: the
// binary, run as processes, and the leaves that the database holds, read and judged
// without any of the program's code. The tests that prove the program from outside
// share it.
package outside

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Build compiles the program into a directory and gives the binary's path.
func Build(dir string, flags ...string) (string, error) {
	binary := filepath.Join(dir, "tokenledger")
	args := append([]string{"build", "-o", binary}, flags...)
	args = append(args, "github.com/tokenledger/tokenledger/cmd/tokenledger")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return binary, nil
}

// Process is one run of a binary.
type Process struct {
	Cmd            *exec.Cmd
	Stdout, Stderr *Capture

	done chan struct{}
}

// ErrStillRuns is returned by Wait when its time is up.
var ErrStillRuns = errors.New("the process did not end")

// pipeDelay bounds the wait for output that a grandchild still holds open.
const pipeDelay = 10 * time.Second

// Start runs a binary with variables over a clean environment. Where the kernel can
// do that, the process ends with this one.
func Start(binary string, env []string, args ...string) (*Process, error) {
	p := &Process{Stdout: newCapture(), Stderr: newCapture(), done: make(chan struct{})}
	p.Cmd = exec.Command(binary, args...)
	p.Cmd.Env = append(CleanEnvironment(), env...)
	p.Cmd.Stdout, p.Cmd.Stderr = p.Stdout, p.Stderr
	p.Cmd.WaitDelay = pipeDelay
	p.Cmd.SysProcAttr = processAttributes()
	started := make(chan error)
	go p.own(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p, err)
	}
	return p, nil
}

// own keeps the thread that starts the process for as long as the process lives,
// since the process ends with it.
func (p *Process) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.Cmd.Start()
	started <- err
	if err == nil {
		_ = p.Cmd.Wait()
	}
}

// String is the command line without the path.
func (p *Process) String() string {
	return strings.Join(append([]string{filepath.Base(p.Cmd.Path)}, p.Cmd.Args[1:]...), " ")
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Code is the exit code of a process that has ended, -1 after a signal.
func (p *Process) Code() int { return p.Cmd.ProcessState.ExitCode() }

// Kill ends the process as a crash does. One that has ended already is left alone.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	<-p.done
}

// Wait gives the exit code. A process that takes longer than the limit is killed.
func (p *Process) Wait(limit time.Duration) (int, error) {
	select {
	case <-p.done:
		return p.Code(), nil
	case <-time.After(limit):
		p.Kill()
		return -1, fmt.Errorf("%w: %s\n%s", ErrStillRuns, p, p.Output())
	}
}

// Output is the end of what the process wrote, for people.
func (p *Process) Output() string {
	return fmt.Sprintf("--- stdout\n%s\n--- stderr (its end)\n%s", tail(p.Stdout.String()), tail(p.Stderr.String()))
}

func tail(s string) string {
	const most = 6000
	return s[max(0, len(s)-most):]
}

// CleanEnvironment is this process's own without any setting of the program but
// where Postgres is.
func CleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "TOKENLEDGER_") && !strings.HasPrefix(kv, "TOKENLEDGER_POSTGRES_BIN=")
	})
}

// FreeAddress is one on this machine that nothing listens on at this moment. Its port is
// below those that the kernel gives to connections and to who listens on any port, so that
// none of them takes it before it is used.
func FreeAddress() (address string, err error) {
	for range 100 {
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(22_000)))
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", err
}

// Banner is what a service prints when it is ready.
type Banner struct {
	URL, Admin, NATS, TokenFile string
	Try                         string // the command line
}

// ReadBanner reads what a service wrote to its standard output; false while that is
// not complete.
func ReadBanner(stdout string) (b Banner, ready bool) {
	banner, try, found := strings.Cut(stdout, "\nTry:\n")
	if !found || !strings.HasSuffix(try, "\n") {
		return b, false
	}
	for line := range strings.Lines(banner) {
		for name, to := range map[string]*string{"URL": &b.URL, "metrics": &b.Admin, "events": &b.NATS, "token file": &b.TokenFile} {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
				*to = strings.TrimSpace(value)
			}
		}
	}
	b.Admin = strings.TrimSuffix(b.Admin, "/metrics")
	b.Try = strings.TrimSpace(try)
	return b, true
}
