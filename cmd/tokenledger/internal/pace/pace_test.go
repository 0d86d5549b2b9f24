// How much the heap may grow, and that it is told to Go.

package pace

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		alive uint64
		want  int
	}{{0, most}, {1 << 20, most}, {16 << 20, 400}, {32 << 20, 200}, {48 << 20, 125}, {Room, usual}, {1 << 40, usual}} {
		if got := percent(c.alive); got != c.want {
			t.Errorf("with %d bytes alive: %d %%, want %d", c.alive, got, c.want)
		}
		// What is given in steps must never be more than the room, where that is given at all.
		if c.alive > 1<<20 && percent(c.alive) > usual && c.alive*uint64(percent(c.alive))/100 > Room {
			t.Errorf("with %d bytes alive the heap grows by more than the room", c.alive)
		}
	}
}

// Not parallel: the pace is the process's.
func TestCollector(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(usual)
	defer debug.SetGCPercent(before)
	runtime.GC() // a test's heap is small
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); Collector(ctx) }()
	await := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the pace is %d %%", what, told())
			}
		}
	}
	await("a small heap", func() bool { return told() > usual })
	large := make([]byte, 2*Room)
	runtime.GC()
	await("a large heap", func() bool { return told() == usual })
	runtime.KeepAlive(large)
	runtime.GC()
	await("a small heap again", func() bool { return told() > usual })
	end()
	if <-ended; told() != usual {
		t.Errorf("the pace stays at %d %%", told())
	}
	t.Setenv("GOGC", "200")
	if Collector(t.Context()); told() != usual { // it returns at once
		t.Errorf("with GOGC the pace is set to %d %%", told())
	}
}

func told() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
