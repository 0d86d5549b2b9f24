package demo

import (
	"fmt"
	"time"
)

// Plan lists the lines of a story, before it is told.
func Plan(seed uint64, end time.Time) (lines []string) {
	t := newTeller(Config{Seed: seed, End: end}, nil, nil, nil)
	t.plan()
	for _, l := range t.lines {
		lines = append(lines, fmt.Sprint(l.at, l.what))
	}
	return lines
}
