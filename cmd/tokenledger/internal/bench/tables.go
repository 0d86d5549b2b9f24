// Tables as pages have them, in Markdown.

package bench

import (
	"fmt"
	"math"
	"strings"
)

// CostTable shows what was measured, a column for each number of logs.
func CostTable(costs []Cost) string {
	var b strings.Builder
	b.WriteString("| on one machine |")
	for _, c := range costs {
		plural := "s"
		if c.Logs == 1 {
			plural = ""
		}
		fmt.Fprintf(&b, " %d log%s |", c.Logs, plural)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(costs)) + "\n")
	row := func(what string, of func(Cost) float64) {
		fmt.Fprintf(&b, "| %s |", what)
		for _, c := range costs {
			fmt.Fprintf(&b, " %s |", figure(of(c)))
		}
		b.WriteString("\n")
	}
	row("events/s, in every read model and on JetStream", func(c Cost) float64 { return c.Rate })
	row("cores of services for 1,000 events/s", func(c Cost) float64 { return c.ServiceCPU / 1000 })
	row("cores of Postgres for 1,000 events/s", func(c Cost) float64 { return c.DatabaseCPU / 1000 })
	row("write-ahead log, MB/s for 1,000 events/s", func(c Cost) float64 { return c.WAL / 1000 })
	row("write-ahead log, bytes an event", func(c Cost) float64 { return c.WAL })
	row("disk of the log, bytes an event", func(c Cost) float64 { return c.LogBytes })
	row("disk of read models, bytes an event", func(c Cost) float64 { return c.ViewBytes })
	row("disk of one replica on JetStream, bytes an event", func(c Cost) float64 { return c.StreamBytes })
	row("an archive, bytes an event", func(c Cost) float64 { return c.Archived })
	row("connections to Postgres of each log", func(c Cost) float64 { return c.Connections })
	row("memory of each service, MiB", func(c Cost) float64 { return c.Resident })
	row("appends/s of a log that nothing follows", func(c Cost) float64 { return c.Appends })
	row("p99 of a verification, ms", func(c Cost) float64 { return c.P99 })
	row("events measured", func(c Cost) float64 { return float64(c.Events) })
	return b.String()
}

// ModelTable shows a model.
func ModelTable(all []Estimate) string {
	var b strings.Builder
	b.WriteString("| | | from |\n|---|---|---|\n")
	for _, e := range all {
		value := figure(e.Value)
		switch e.Unit {
		case "":
		case "$":
			value = "$" + value
		default:
			value += " " + e.Unit
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", e.What, value, e.From)
	}
	return b.String()
}

// figure has three digits that mean something, and commas.
func figure(v float64) string {
	switch {
	case v == 0:
		return "–"
	case math.Abs(v) < 100:
		return strings.TrimSuffix(fmt.Sprintf("%.3g", v), ".0")
	}
	step := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-2)
	digits := fmt.Sprintf("%.0f", math.Round(v/step)*step)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
