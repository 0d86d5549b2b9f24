// What counts as flat.

package bench

import "testing"

func TestDrifts(t *testing.T) {
	t.Parallel()
	steady := func(int) float64 { return 100 }
	for name, c := range map[string]struct {
		heap func(i int) float64
		flat bool
	}{
		"steady":               {steady, true},
		"warm after a while":   {func(i int) float64 { return float64(min(100, 50+10*i)) }, true},
		"one that is high":     {func(i int) float64 { return map[bool]float64{true: 900, false: 100}[i == 38] }, true},
		"a leak":               {func(i int) float64 { return 100 + 4*float64(i) }, false},
		"a leak near the end":  {func(i int) float64 { return 100 + 100*float64(max(0, i-30)) }, false},
		"little by little low": {func(i int) float64 { return 200 - float64(i) }, true},
	} {
		samples := make([]SoakSample, 40)
		for i := range samples {
			samples[i] = SoakSample{HeapMiB: c.heap(i), Goroutines: 50, Files: 30, UseP50: 1, UseP99: 5}
		}
		for _, d := range Drifts(samples) {
			if want := c.flat || d.Figure != "live heap, MiB"; d.Flat != want {
				t.Errorf("%s: %+v", name, d)
			}
		}
	}
	if Drifts(make([]SoakSample, 3)) != nil {
		t.Error("three samples have no quarters to compare")
	}
}
