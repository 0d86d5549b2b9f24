// Completion as people have it: an interactive shell of each kind on a terminal of its own, a Tab, and what then runs.

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ready is what a shell shows when it takes the next line.
const ready = "ready> "

// shells are those that are tried, and what they run before the script of the program. PowerShell is not: no package
// of Debian has it, so that only its script is made (TestScriptsOfFourShells looks at it where pwsh is installed).
var shells = map[string]struct {
	args   []string
	before string
	needs  string // a file
}{
	"bash": {[]string{"--noprofile", "--norc", "-i"}, ". /usr/share/bash-completion/bash_completion", "/usr/share/bash-completion/bash_completion"},
	"zsh":  {[]string{"-f", "-i"}, "autoload -Uz compinit && compinit -u -D", ""},
	"fish": {[]string{"--no-config", "-i"}, "true", ""},
}

func TestShellsComplete(t *testing.T) {
	t.Parallel()
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(name)
			if err != nil {
				t.Skipf("%s is not installed here: apt-get install %s", name, name)
			}
			if _, err := os.Stat(shell.needs); shell.needs != "" && err != nil {
				t.Skipf("apt-get install bash-completion: %v", err)
			}
			dir := t.TempDir()
			called := stub(t, dir)
			p := newPTY(t)
			c := exec.Command(program, shell.args...)
			c.Dir = dir
			c.Env = []string{
				"HOME=" + dir, "TERM=xterm", "PS1=" + ready, "PATH=" + dir + string(filepath.ListSeparator) + os.Getenv("PATH"),
				"TOKENLEDGER_SERVER=http://127.0.0.1:1", "INPUTRC=/dev/null", "HISTFILE=",
			}
			c.Stdin, c.Stdout, c.Stderr = p.program, p.program, p.program
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = c.Process.Kill()
				_ = c.Wait()
			})
			typed := func(keys string) {
				if _, err := io.WriteString(p.person, keys); err != nil {
					t.Fatal(err)
				}
			}
			prompts := func(n int) func() bool {
				return func() bool { return strings.Count(p.text(), ready) >= n }
			}
			if name == "fish" { // whose prompt is a function, so that the one of before is another
				typed("function fish_prompt; echo -n '" + ready + "'; end\r")
				await(t, "fish has its prompt", prompts(2)) // what was typed shows it, too
			}
			await(t, "the shell is there", prompts(1))
			typed(shell.before + " && . ./completion." + name + " && echo lo''aded\r")
			await(t, "the script is read", func() bool { return strings.Contains(p.text(), "loaded") && strings.HasSuffix(tail(p.text()), ready) })
			for keys, want := range map[string]string{
				"tokenledger tok\tcr\t--scopes evidence:wri\t": "token create --scopes evidence:write",
				"tokenledger report popul\t":                   "report population",
				"tokenledger context use a-con\t":              "context use a-context",
			} {
				typed(keys + "\r")
				await(t, fmt.Sprintf("%q becomes %q", keys, want), func() bool {
					raw, _ := os.ReadFile(called)
					return strings.Contains(string(raw), want+"\n")
				})
			}
		})
	}
}

// tail is the end of what a terminal shows, without what only moves the cursor.
func tail(shown string) string {
	for {
		at := strings.LastIndex(shown, "\x1b[")
		if at < 0 || strings.ContainsAny(shown[at+2:], "> ") {
			return shown
		}
		shown = shown[:at]
	}
}

// stub has a tokenledger in dir that completes as the program does, and otherwise writes down how it was called; the
// scripts of the shells lie beside it.
func stub(t *testing.T, dir string) (called string) {
	t.Helper()
	called = filepath.Join(dir, "called")
	for shell := range shells {
		f, err := os.Create(filepath.Join(dir, "completion."+shell))
		if err != nil {
			t.Fatal(err)
		}
		if code := run(t.Context(), []string{"completion", shell}, stdio{in: strings.NewReader(""), out: f, err: io.Discard}); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run(t.Context(), []string{"context", "add", "a-context", "--server", "http://127.0.0.1:1"}, stdio{in: strings.NewReader(""), out: io.Discard, err: io.Discard, environ: []string{"HOME=" + dir}})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\ncase $1 in __complete*) %s=1 exec '%s' \"$@\";; esac\necho \"$@\" >> '%s'\n", asProgram, self, called)
	if err := os.WriteFile(filepath.Join(dir, "tokenledger"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return called
}

// asProgram has this test's binary be the program.
const asProgram = "TOKENLEDGER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}
