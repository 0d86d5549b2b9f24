// The binary, built once, and its processes.

package e2e_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// binary is the path of the program under test, set by TestMain.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tokenledger-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tokenledger")
	args := []string{"build", "-o", binary}
	if raceDetector {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "..")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// sources looks at every directory of the module, once. What a test looks at
// counts when the go command decides whether its last result still holds, and the
// packages that only the program imports would not count otherwise.
var sources = sync.OnceValue(func() error {
	root := filepath.Join("..", "..", "..")
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
})

// Limits for what is awaited; they are met only by something that hangs.
const (
	startLimit = 90 * time.Second
	stopLimit  = 60 * time.Second
	awaitLimit = 30 * time.Second
)

// process is one run of the binary.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr *capture
	done           chan struct{} // closed when it has ended
	code           int           // afterwards: the exit code, -1 after a signal
}

// launch starts the binary with variables over a clean environment. The process
// is killed when the test ends, if it is still there.
func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	if err := sources(); err != nil {
		t.Fatal(err)
	}
	p := &process{stdout: newCapture(), stderr: newCapture(), done: make(chan struct{})}
	p.cmd = exec.Command(binary, args...)
	p.cmd.Env = append(cleanEnvironment(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.WaitDelay = 10 * time.Second
	p.cmd.SysProcAttr = processAttributes()
	started := make(chan error)
	go p.own(started)
	if err := <-started; err != nil {
		t.Fatalf("start tokenledger %s: %v", strings.Join(args, " "), err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// own keeps the thread that starts the process for as long as the process lives,
// since the process ends with it.
func (p *process) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
	}
}

// run is launch for a command that ends by itself.
func run(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, env, args...)
	p.wait(t)
	return p
}

// wait gives the exit code.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Kill()
		t.Fatalf("%v did not end\n%s", p.cmd.Args[1:], p.output())
	}
	return p.code
}

// exits fails the test unless the process ended with the code, and said on stderr
// what it should.
func (p *process) exits(t *testing.T, code int, says ...string) {
	t.Helper()
	if got := p.wait(t); got != code {
		t.Fatalf("%v: exit code %d, want %d\n%s", p.cmd.Args[1:], got, code, p.output())
	}
	for _, text := range says {
		if !strings.Contains(p.stderr.String(), text) {
			t.Errorf("%v does not say %q:\n%s", p.cmd.Args[1:], text, p.output())
		}
	}
}

func (p *process) output() string {
	return fmt.Sprintf("--- stdout\n%s\n--- stderr (its end)\n%s", tail(p.stdout.String()), tail(p.stderr.String()))
}

func tail(s string) string {
	const most = 6000
	return s[max(0, len(s)-most):]
}

// cleanEnvironment is the test's own without any setting of the program but
// where Postgres is.
func cleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "TOKENLEDGER_") && !strings.HasPrefix(kv, "TOKENLEDGER_POSTGRES_BIN=")
	})
}

// capture keeps what a process writes, and wakes who waits for some of it.
type capture struct {
	mu   sync.Mutex // guards both
	buf  bytes.Buffer
	grew chan struct{} // closed and replaced with each write
}

func newCapture() *capture { return &capture{grew: make(chan struct{})} }

func (c *capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.grew)
	c.grew = make(chan struct{})
	return c.buf.Write(b)
}

func (c *capture) read() (string, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String(), c.grew
}

func (c *capture) String() string {
	s, _ := c.read()
	return s
}

// await returns when the output is as it should be; false when the process ended
// or the time was up before.
func (c *capture) await(p *process, limit time.Duration, good func(string) bool) bool {
	up := time.After(limit)
	for {
		s, grew := c.read()
		if good(s) {
			return true
		}
		select {
		case <-grew:
		case <-p.done:
			return good(c.String())
		case <-up:
			return false
		}
	}
}

// await polls a condition that nothing announces.
func await(t *testing.T, what string, good func() bool) {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	up := time.After(awaitLimit)
	for !good() {
		select {
		case <-poll.C:
		case <-up:
			t.Fatalf("waited %v in vain: %s", awaitLimit, what)
		}
	}
}
