// Recovery is the first row of good answers, not the first good answer.

package bench

import (
	"testing"
	"time"
)

func TestRecovery(t *testing.T) {
	t.Parallel()
	answers := func(bad ...int) (all []outcome) {
		for i := range 300 {
			all = append(all, outcome{due: time.Duration(i) * time.Millisecond, took: time.Millisecond})
		}
		for i, n := range bad {
			if i%2 == 0 {
				all[n].shed = true
			} else {
				all[n].took = time.Second
			}
		}
		all[0], all[299] = all[299], all[0] // they come in no order
		return all
	}
	for name, c := range map[string]struct {
		after []outcome
		want  float64
	}{
		"at once":                  {answers(), 0},
		"after one that was shed":  {answers(5), 6},
		"after a slow one":         {answers(5, 50), 51},
		"the last slow one counts": {answers(5, 150), 51 - 45},
		"a row is broken":          {answers(60, 120), 121},
		"never":                    {answers(50, 100, 150, 200, 250), -1},
		"nothing was asked":        {nil, -1},
	} {
		if got := recovery(c.after, 20); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
