// Addresses for servers of tests.

package eventstoretest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// FreeAddress is one that nobody listens on at this moment. Its port is below those that
// the kernel gives to connections and to who listens on any port, so that none of them
// takes it before it is used.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	var err error
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(22_000)))
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	tb.Fatal(err)
	return ""
}
