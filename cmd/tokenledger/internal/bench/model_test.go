// The model is arithmetic: twice the demand takes twice as much, and dear machines cost more.

package bench

import (
	"strings"
	"testing"
)

func estimate(t *testing.T, all []Estimate, what string) float64 {
	t.Helper()
	for _, e := range all {
		if e.What == what {
			return e.Value
		}
	}
	t.Fatalf("no estimate of %q", what)
	return 0
}

func TestModel(t *testing.T) {
	t.Parallel()
	cost := Cost{Logs: 1, Rate: 10_000, ServiceCPU: 60, DatabaseCPU: 40, WAL: 1000, LogBytes: 150, ViewBytes: 300, StreamBytes: 400, Archived: 40, Connections: 10, Appends: 40_000}
	d := DefaultDemand()
	d.Allowed, d.Full, d.StandbyShare, d.OnlineDays, d.StreamDays, d.ArchiveDays = 1, 0.5, 0.5, 1, 1, 100
	all := Model(cost, d)
	for what, want := range map[string]float64{
		"events a second":                      1e6,
		"logs":                                 200,
		"logs, were the append the only limit": 50,
		"organizations of a log":               50,
		"cores of services":                    120,
		"cores of Postgres":                    120,
		"machines":                             8,
		"write-ahead log, a day":               86.4,
		"JetStream, a day":                     103.68,
		"fast disk":                            2*(12.96+25.92) + 103.68,
		"object storage":                       345.6,
		"connections to Postgres, all logs":    2000,
		"machines, a month":                    240 * 0.04 * 720,
	} {
		if got := estimate(t, all, what); got < want*0.999999 || got > want*1.000001 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	twice := d
	twice.Rate *= 2
	for _, what := range []string{"logs", "cores of Postgres", "fast disk, a month"} {
		if one, two := estimate(t, all, what), estimate(t, Model(cost, twice), what); two != 2*one {
			t.Errorf("%s: %v, and %v for twice as much", what, one, two)
		}
	}
}

func TestFigure(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "–", 0.1224: "0.122", 13: "13", 99.94: "99.9", 2509: "2,510", 950_000: "950,000", 1_234_567: "1,230,000"} {
		if got := figure(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

func TestCostTableHasAColumnForEachNumberOfLogs(t *testing.T) {
	t.Parallel()
	table := CostTable([]Cost{{Logs: 1, Rate: 5000}, {Logs: 2, Rate: 7000}})
	for line := range strings.Lines(table) {
		if strings.Count(line, "|") != 4 {
			t.Errorf("%q", line)
		}
	}
	if !strings.Contains(table, "| 1 log | 2 logs |") || !strings.Contains(table, "| 5,000 | 7,000 |") {
		t.Error(table)
	}
}
