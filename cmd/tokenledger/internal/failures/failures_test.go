// How many failures pass, for whom, and that memory is bounded.

package failures

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func value(t *testing.T) string {
	t.Helper()
	v, err := secret.New(secret.Organization, secret.ID(uuid.New()), zeros{})
	if err != nil {
		t.Fatal(err)
	}
	return v.Reveal()
}

// passed counts the failures until one is too many.
func passed(t *testing.T, fail func(i int) time.Duration) int {
	t.Helper()
	for i := range 1000 {
		if fail(i) > 0 {
			return i
		}
	}
	t.Fatal("a thousand failures at once passed")
	return 0
}

func TestLimits(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := New(func() time.Time { return now })
	here, guess := netip.MustParseAddr("192.0.2.1"), value(t)
	if n := passed(t, func(int) time.Duration { return l.Failed(here, "x") }); n != sourceBurst {
		t.Errorf("%d passed from one source", n)
	}
	if l.Failed(netip.MustParseAddr("::ffff:192.0.2.1"), "x") == 0 {
		t.Error("the same address, written otherwise, passes")
	}
	if l.Failed(netip.MustParseAddr("192.0.2.2"), "x") > 0 || l.Failed(netip.Addr{}, "x") > 0 {
		t.Error("another source does not pass")
	}
	if n := passed(t, func(i int) time.Duration { return l.Failed(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), guess) }); n != tokenBurst {
		t.Errorf("%d passed for one token", n)
	}
	six := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i)) }
	if n := passed(t, func(i int) time.Duration { return l.Failed(six(i), "x") }); n != sourceBurst {
		t.Errorf("%d passed from one network", n)
	}
	wait := l.Failed(here, "x")
	now = now.Add(wait)
	if wait > time.Second || l.Failed(here, "x") > 0 {
		t.Errorf("after the %v that it said to wait, it does not pass", wait)
	}
	if (*Limits)(nil).Failed(here, guess) > 0 {
		t.Error("no limits limit")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	b := buckets[int]{limit: 1, burst: 1, kept: 10}
	now := time.Now()
	for i := range 1000 {
		b.take(i, now)
		if b.take(1000, now) == 0 && i > 0 {
			t.Errorf("what is used again was forgotten after %d others", i)
		}
	}
	if len(b.new) > 10 || len(b.old) > 10 {
		t.Errorf("%d and %d are kept", len(b.new), len(b.old))
	}
}
