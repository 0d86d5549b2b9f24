// How soon a service is as good as before.

package bench

import (
	"slices"
	"time"
)

// inRow is how many answers in a row have to be good.
const inRow = 100

// recovery is how many milliseconds passed until the first of so many requests in a
// row that were all accepted within a time, by when each was due; -1 if there were
// none.
func recovery(after []outcome, withinMs float64) float64 {
	slices.SortFunc(after, func(a, b outcome) int { return int(a.due - b.due) })
	row := 0
	for i, o := range after {
		if row++; o.shed || float64(o.took)/float64(time.Millisecond) > withinMs {
			row = 0
		}
		if row == inRow {
			return float64(after[i-inRow+1].due) / float64(time.Millisecond)
		}
	}
	return -1
}
