// Figures: what commands with more than one measurement print, each with what it is compared to and what is wanted of it.

package bench

import (
	"fmt"
	"slices"
	"time"
)

// Figure is one measurement beside its baseline, which was measured in the same run.
type Figure struct {
	What     string  `json:"what"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Baseline string  `json:"baseline,omitempty"`
	Base     float64 `json:"base,omitempty"`
	Ratio    float64 `json:"ratio,omitempty"` // Value over Base
	Wanted   string  `json:"wanted,omitempty"`
	Met      bool    `json:"met"` // true where nothing is wanted
}

// beside sets the baseline.
func (f Figure) beside(what string, base float64) Figure {
	f.Baseline, f.Base = what, base
	if base != 0 {
		f.Ratio = f.Value / base
	}
	return f
}

// bound says what is wanted of a figure. The second of two bounds has to hold as well.
func (f Figure) bound(of string, value float64, met bool) Figure {
	text := of + number(value)
	if f.Wanted == "" {
		f.Wanted, f.Met = text, met
		return f
	}
	f.Wanted, f.Met = f.Wanted+", "+text, f.Met && met
	return f
}

func (f Figure) atLeast(bound float64) Figure { return f.bound("at least ", bound, f.Value >= bound) }

func (f Figure) atMost(bound float64) Figure { return f.bound("at most ", bound, f.Value <= bound) }

// timesAtMost bounds the ratio.
func (f Figure) timesAtMost(bound float64) Figure {
	f = f.bound("at most ", bound, f.Ratio <= bound)
	f.Wanted += " ×"
	return f
}

func number(v float64) string {
	if v == float64(int64(v)) {
		return fmt.Sprintf("%d", int64(v))
	}
	return fmt.Sprintf("%.2g", v)
}

// reported is a figure of which nothing is wanted.
func reported(what string, value float64, unit string) Figure {
	return Figure{What: what, Value: value, Unit: unit, Met: true}
}

// median is that of rates, of times, of whatever was measured once in each round.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// middle is the median of a figure of each.
func middle[T any](all []T, of func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, x := range all {
		values[i] = of(x)
	}
	return median(values)
}

// quantile is in milliseconds; it sorts the times.
func quantile(times []time.Duration, q float64) float64 {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return float64(times[min(len(times)-1, int(q*float64(len(times))))]) / float64(time.Millisecond)
}
