// The processor time of the servers that this process started, where /proc tells it.

package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// clockTick is the unit of /proc/PID/stat: USER_HZ, which is 100 on every Linux.
const clockTick = 10 * time.Millisecond

// childrenTime is the processor time of all processes below this one, as of now,
// and of those that have ended below them.
func childrenTime() time.Duration { return below(os.Getpid(), false) }

// treeTime is the same of a process and of all below it.
func treeTime(pid int) time.Duration { return below(pid, true) }

func below(root int, included bool) time.Duration {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // its only error is a bad pattern
	type process struct {
		parent int
		used   int64
	}
	all := map[int]process{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name, in parentheses, may hold anything; state and parent follow it.
		fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
		if len(fields) < 15 {
			continue
		}
		number := func(i int) int64 {
			n, _ := strconv.ParseInt(string(fields[i]), 10, 64)
			return n
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		all[pid] = process{int(number(1)), number(11) + number(12) + number(13) + number(14)}
	}
	total := int64(0)
	for pid, p := range all {
		at := p.parent
		for depth := 0; at != root && at > 1 && depth < 8; depth++ {
			at = all[at].parent
		}
		if at == root || included && pid == root {
			total += p.used
		}
	}
	return time.Duration(total) * clockTick
}
