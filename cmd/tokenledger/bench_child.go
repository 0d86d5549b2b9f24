// The service as a process of its own, for the commands of bench that look at it from outside.

package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// child is a service that is ready.
type child struct {
	*exec.Cmd
	url string
}

// serveChild runs this program's `serve` with settings of its own and returns
// when it is ready. It has no other settings, whatever this process has. When ctx
// ends, so does the service.
func (a app) serveChild(ctx context.Context, environ map[string]string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{Cmd: exec.CommandContext(ctx, program, "serve", "--log-level", "error")}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TOKENLEDGER_") })
	for name, value := range environ {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Stderr = a.err
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for c.url == "" && lines.Scan() {
		if text, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "URL "); ok {
			c.url = strings.TrimSpace(text)
		}
	}
	if c.url == "" {
		return nil, errors.Join(errors.New("the service ended before it was ready"), c.Wait())
	}
	go func() { // so that it never waits to be heard
		for lines.Scan() {
		}
	}()
	return c, nil
}

// end lets it finish what is under way.
func (c *child) end() error {
	return errors.Join(c.Process.Signal(syscall.SIGTERM), c.Wait())
}
