// What tests look at from outside.

package client

// Waiting is how many verifications wait for a call.
func Waiting(c *Client) int {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	return len(c.queue.waiting)
}
