// What a process writes, kept and waited for.

package outside

import (
	"bytes"
	"sync"
	"time"
)

// Capture keeps what a process writes, and wakes who waits for some of it.
type Capture struct {
	mu   sync.Mutex // guards both
	buf  bytes.Buffer
	grew chan struct{} // closed and replaced with each write
}

func newCapture() *Capture { return &Capture{grew: make(chan struct{})} }

// Write implements io.Writer.
func (c *Capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.grew)
	c.grew = make(chan struct{})
	return c.buf.Write(b)
}

func (c *Capture) read() (string, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String(), c.grew
}

// String is all of it so far.
func (c *Capture) String() string {
	s, _ := c.read()
	return s
}

// Await returns when the output is as it should be; false when the process ended
// or the time was up before.
func (c *Capture) Await(p *Process, limit time.Duration, good func(string) bool) bool {
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
