// What a figure says of the bounds that are set to it.

package bench

import (
	"testing"
	"time"
)

func TestBounds(t *testing.T) {
	t.Parallel()
	f := reported("time", 8, "ms").beside("before", 4)
	if !f.Met || f.Ratio != 2 || f.Wanted != "" {
		t.Errorf("%+v", f)
	}
	for _, c := range []struct {
		f      Figure
		met    bool
		wanted string
	}{
		{f.atMost(8), true, "at most 8"},
		{f.atMost(7.5), false, "at most 7.5"},
		{f.atLeast(8), true, "at least 8"},
		{f.atLeast(9), false, "at least 9"},
		{f.atMost(10).timesAtMost(1.5), false, "at most 10, at most 1.5 ×"},
		{f.atMost(7).timesAtMost(2), false, "at most 7, at most 2 ×"},
		{f.atMost(8).timesAtMost(2), true, "at most 8, at most 2 ×"},
	} {
		if c.f.Met != c.met || c.f.Wanted != c.wanted {
			t.Errorf("%q met: %v; want %q, %v", c.f.Wanted, c.f.Met, c.wanted, c.met)
		}
	}
}

func TestMedianAndQuantile(t *testing.T) {
	t.Parallel()
	if m := median([]float64{9, 1, 5}); m != 5 {
		t.Errorf("the median of 9, 1 and 5 is %v", m)
	}
	var times []time.Duration
	for i := range 100 {
		times = append(times, time.Duration(100-i)*time.Millisecond)
	}
	if p50, p99 := quantile(times, 0.5), quantile(times, 0.99); p50 != 51 || p99 != 100 {
		t.Errorf("p50 %v, p99 %v", p50, p99)
	}
}
