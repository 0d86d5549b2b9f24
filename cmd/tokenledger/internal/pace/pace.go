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
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Room is how much a heap may grow between two collections, however little of it is alive.
const Room = 64 << 20

const (
	usual = 100 // what Go does by itself
	most  = 1000
	every = time.Second
)

// Collector sets the collector's pace until ctx ends, and then what is usual.
func Collector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	defer debug.SetGCPercent(usual)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for at := usual; ; {
		if next := percent(alive()); next != at {
			debug.SetGCPercent(next)
			at = next
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
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
