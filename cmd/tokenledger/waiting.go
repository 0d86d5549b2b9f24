// What shows that a command goes on, where it has no bar of its own.

package main

import (
	"io"
	"sync"

	"github.com/spf13/cobra"
)

// lasting are the commands that have no end of their own, or are a conversation: nobody waits for them.
var lasting = map[string]bool{
	"serve": true, "demo": true, "witness": true, "tail": true, "psql": true, "login": true,
}

// waiting is the bar of a command while it shows nothing else: it goes away for good before anything is written, or
// another bar begins.
type waiting struct {
	mu  sync.Mutex // guards end
	end func()
}

func (w *waiting) begin(end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = end
}

// over takes the bar away, if there is one.
func (w *waiting) over() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		w.end()
		w.end = nil
	}
}

// afterWaiting writes where the bar may stand.
type afterWaiting struct {
	io.Writer
	waiting *waiting
}

func (w afterWaiting) Write(b []byte) (int, error) {
	w.waiting.over()
	return w.Writer.Write(b)
}

// bare is a writer as the process has it.
func bare(w io.Writer) io.Writer {
	if after, ok := w.(afterWaiting); ok {
		return after.Writer
	}
	return w
}

// showWaiting has every command below c show that it goes on, once it takes longer than a moment.
func (a app) showWaiting(c *cobra.Command) {
	for _, sub := range c.Commands() {
		a.showWaiting(sub)
	}
	run := c.RunE
	if run == nil || c.HasSubCommands() || lasting[c.Name()] && c.Parent() == c.Root() {
		return
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if a.watched() {
			a.waiting.begin(a.bar("waiting for the answer", "seconds").during(c.Context(), 0))
			defer a.waiting.over()
		}
		return run(c, args)
	}
}
