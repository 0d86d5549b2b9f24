// The plot: throughput and p99 against the number of callers, as one SVG.

package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/go-analyze/charts"
)

func plot(path, what string, table []figures, concurrency []int) error {
	var names []string
	rates, tails := map[string][]float64{}, map[string][]float64{}
	for _, f := range table {
		if rates[f.Name] == nil {
			names = append(names, f.Name)
		}
		rates[f.Name], tails[f.Name] = append(rates[f.Name], f.Rate), append(tails[f.Name], f.P99)
	}
	var labels []string
	for _, n := range concurrency {
		labels = append(labels, strconv.Itoa(n))
	}
	painter := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: 900, Height: 900})
	half := func(title string, of map[string][]float64, box charts.Box) error {
		values := make([][]float64, len(names))
		for i, name := range names {
			values[i] = of[name]
		}
		o := charts.NewLineChartOptionWithData(values)
		o.Title.Text = title
		o.XAxis.Labels = labels
		o.Legend.SeriesNames = names
		o.Legend.Offset.Top = "24"
		o.Padding = charts.NewBoxEqual(12)
		return painter.Child(charts.PainterBoxOption(box)).LineChart(o)
	}
	if err := half(what+" per second, by callers in flight", rates, charts.NewBox(0, 0, 900, 450)); err != nil {
		return fmt.Errorf("draw the throughput: %w", err)
	}
	if err := half("p99 of a call in milliseconds, by callers in flight", tails, charts.NewBox(0, 450, 900, 900)); err != nil {
		return fmt.Errorf("draw the latency: %w", err)
	}
	svg, err := painter.Bytes()
	if err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	return os.WriteFile(path, svg, 0o644)
}
