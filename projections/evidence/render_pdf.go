// Reports as PDF: the same tables on paper, with nothing in the file that depends on when it was made.

package evidence

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/go-pdf/fpdf"
)

// maxPDFRows bounds the rows of one report on paper; the other forms have all.
const maxPDFRows = 2000

const (
	pdfMargin = 10.0
	pdfLine   = 3.2
	pdfFont   = "Helvetica"
)

// paper is a PDF in the making.
type paper struct {
	*fpdf.Fpdf
	latin func(string) string // what the built-in fonts can show
	width float64
	drawn int // images so far
}

func writePDF(w io.Writer, tables []Table) error {
	p := paper{Fpdf: fpdf.New("L", "mm", "A4", "")}
	p.latin = p.UnicodeTranslatorFromDescriptor("")
	p.SetCatalogSort(true)
	p.SetMargins(pdfMargin, pdfMargin, pdfMargin)
	p.SetAutoPageBreak(false, pdfMargin)
	total, _ := p.GetPageSize()
	p.width = total - 2*pdfMargin
	p.SetFooterFunc(func() {
		p.SetY(-8)
		p.SetFont(pdfFont, "", 7)
		p.CellFormat(p.width, 5, fmt.Sprintf("page %d", p.PageNo()), "", 0, "R", false, 0, "")
	})
	for i, t := range tables {
		if i == 0 {
			p.SetTitle(t.Title, true)
			p.SetCreationDate(t.To)
			p.SetModificationDate(t.To)
		}
		if err := p.report(t); err != nil {
			return err
		}
	}
	return p.Output(w)
}

func (p *paper) report(t Table) error {
	p.AddPage()
	p.SetFont(pdfFont, "B", 14)
	p.CellFormat(p.width, 8, p.latin(t.Title), "", 1, "L", false, 0, "")
	p.SetFont(pdfFont, "", 8)
	p.text(fmt.Sprintf("Organization %s. Period %s up to, and without, %s. Log position %d, number %d of the trail. Criteria: %s.",
		t.Organization, Text(t.From), Text(t.To), t.Position, t.TrailLength, strings.Join(t.Criteria, ", ")))
	for _, one := range t.Parameters {
		p.text(one.Name + ": " + one.Value)
	}
	for _, c := range t.Charts {
		// The library writes images in the order of their widths, and those that are
		// equally wide in any order; so no two are.
		p.drawn++
		image, err := c.PNG(p.drawn)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("chart %d", p.drawn)
		p.RegisterImageOptionsReader(name, fpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(image))
		p.room(p.width * chartHeight / chartWidth * 0.7)
		p.ImageOptions(name, p.GetX(), p.GetY(), p.width*0.7, 0, true, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
	}
	p.table(t)
	p.SetFont(pdfFont, "I", 7)
	for _, limit := range t.Limits {
		p.text("Limit: " + limit)
	}
	return p.Error()
}

// text writes a paragraph, on the next page if it has no room here.
func (p *paper) text(s string) {
	lines := p.SplitText(p.latin(s), p.width)
	p.room(float64(len(lines)) * 4)
	for _, line := range lines {
		p.CellFormat(p.width, 4, line, "", 1, "L", false, 0, "")
	}
}

// room begins a page where what comes would not end on this one.
func (p *paper) room(height float64) bool {
	_, page := p.GetPageSize()
	if p.GetY()+height <= page-pdfMargin {
		return false
	}
	p.AddPage()
	return true
}

func (p *paper) table(t Table) {
	p.Ln(2)
	widths := p.widths(t)
	heading := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		heading[i] = c.Title
	}
	p.row(heading, widths, "B", nil)
	for i, row := range t.Rows {
		if i == maxPDFRows {
			p.text(fmt.Sprintf("%d more rows stand in the other forms of this report.", len(t.Rows)-i))
			break
		}
		p.row(row, widths, "", heading)
	}
	p.Ln(2)
}

// widths shares the page among the columns by what stands in them.
func (p *paper) widths(t Table) []float64 {
	need, sum := make([]float64, len(t.Columns)), 0.0
	for i, c := range t.Columns {
		need[i] = float64(len(c.Title))
		for _, row := range t.Rows[:min(len(t.Rows), 200)] {
			need[i] = max(need[i], float64(min(len(Text(row[i])), 40)))
		}
		need[i] = max(need[i], 5)
		sum += need[i]
	}
	for i := range need {
		need[i] *= p.width / sum
	}
	return need
}

func (p *paper) row(cells []any, widths []float64, style string, heading []any) {
	p.SetFont(pdfFont, style, 6)
	lines, height := make([][]string, len(cells)), 1
	for i, c := range cells {
		lines[i] = p.SplitText(p.latin(Text(c)), widths[i]-1)
		height = max(height, len(lines[i]))
	}
	height = min(height, 50) // a cell never is longer than a page
	if p.room(float64(height)*pdfLine+1) && heading != nil {
		p.row(heading, widths, "B", nil)
		p.SetFont(pdfFont, style, 6)
	}
	x, y := p.GetX(), p.GetY()
	for i := range cells {
		p.Rect(x, y, widths[i], float64(height)*pdfLine+1, "D")
		for j, line := range lines[i][:min(len(lines[i]), height)] {
			p.SetXY(x, y+0.5+float64(j)*pdfLine)
			p.CellFormat(widths[i], pdfLine, line, "", 0, "L", false, 0, "")
		}
		x += widths[i]
	}
	p.SetXY(pdfMargin, y+float64(height)*pdfLine+1)
}
