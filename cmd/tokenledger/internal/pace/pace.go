// Package pace keeps a small heap from being collected more often than it pays.
//
// Go collects when the heap has grown by as much as was alive, which for a ledger
// with few tokens is ten times a second under load. Memory that a process of its size
// may well take is better spent than processor time: so the heap may grow by [Room]
// in any case. A heap of which more than that is alive is left to Go, and so is a
// process that was told how by GOGC. GOMEMLIMIT bounds all of it as ever.
package pace

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Room is how much a heap may grow between two collections, however little of it is alive.
const Room = 64 << 20

const (
	usual = 100 // what Go does by itself
	most  = 1000
)

// Collector sets the collector's pace until ctx ends, and then what is usual. It does so
// after each collection: a heap that has grown since the last one, as at a start, would
// otherwise grow by as many times more.
func Collector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	defer debug.SetGCPercent(usual)
	collected := make(chan struct{}, 1)
	tell(ctx, collected)
	for at := usual; ; {
		if next := percent(alive()); next != at {
			debug.SetGCPercent(next)
			at = next
		}
		select {
		case <-collected:
		case <-ctx.Done():
			return
		}
	}
}

// mark is what nobody holds, so that each collection finds it. With a pointer in it, it
// shares its memory with no other object.
type mark struct{ _ *mark }

// tell sends after each collection until ctx ends.
func tell(ctx context.Context, collected chan<- struct{}) {
	runtime.SetFinalizer(&mark{}, func(*mark) {
		if ctx.Err() != nil {
			return
		}
		select {
		case collected <- struct{}{}:
		default:
		}
		tell(ctx, collected)
	})
}

// alive is what the last collection found in use.
func alive() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// percent is what Go calls GOGC, in steps, so that it seldom changes.
func percent(alive uint64) int {
	const step = 25
	wanted := Room * 100 / max(alive, 1)
	return int(min(max(wanted/step*step, usual), most))
}
