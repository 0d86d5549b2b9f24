// Charts of reports: the same drawing as SVG for pages and as PNG for PDF.

package evidence

import (
	"fmt"

	"github.com/go-analyze/charts"
)

const (
	chartWidth  = 960
	chartHeight = 320
)

// SVG draws the chart as a vector image.
func (c Chart) SVG() ([]byte, error) { return c.draw(charts.ChartOutputSVG, chartWidth, chartHeight) }

// PNG draws the chart as an image with twice the points, for print, and a few more.
func (c Chart) PNG(more int) ([]byte, error) {
	return c.draw(charts.ChartOutputPNG, 2*chartWidth+more, 2*chartHeight)
}

func (c Chart) draw(form string, width, height int) ([]byte, error) {
	data, legend := make([][]float64, len(c.Series)), make([]string, len(c.Series))
	for i, s := range c.Series {
		legend[i] = s.Name
		data[i] = make([]float64, len(s.Values))
		for j, v := range s.Values {
			data[i][j] = float64(v)
		}
	}
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: form, Width: width, Height: height})
	var err error
	switch c.Kind {
	case Lines:
		o := charts.NewLineChartOptionWithData(data)
		o.Title.Text, o.Legend.SeriesNames, o.XAxis.Labels = c.Title, legend, c.Labels
		o.Legend.Offset = charts.OffsetRight
		err = p.LineChart(o)
	default:
		o := charts.NewBarChartOptionWithData(data)
		o.Title.Text, o.Legend.SeriesNames, o.CategoryAxis.Labels = c.Title, legend, c.Labels
		o.Legend.Offset = charts.OffsetRight
		err = p.BarChart(o)
	}
	if err != nil {
		return nil, fmt.Errorf("draw %q: %w", c.Title, err)
	}
	return p.Bytes()
}
