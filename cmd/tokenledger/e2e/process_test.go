// The binary, built once, and its processes.

package e2e_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
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
	var flags []string
	if raceDetector {
		flags = append(flags, "-race")
	}
	if binary, err = outside.Build(dir, flags...); err != nil {
		fmt.Fprintln(os.Stderr, err)
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
type process struct{ *outside.Process }

// launch starts the binary with variables over a clean environment. The process
// is killed when the test ends, if it is still there.
func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	if err := sources(); err != nil {
		t.Fatal(err)
	}
	p, err := outside.Start(binary, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return &process{p}
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
	code, err := p.Wait(stopLimit)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// exits fails the test unless the process ended with the code, and said on stderr
// what it should.
func (p *process) exits(t *testing.T, code int, says ...string) {
	t.Helper()
	if got := p.wait(t); got != code {
		t.Fatalf("%s: exit code %d, want %d\n%s", p, got, code, p.Output())
	}
	for _, text := range says {
		if !strings.Contains(p.Stderr.String(), text) {
			t.Errorf("%s does not say %q:\n%s", p, text, p.Output())
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
