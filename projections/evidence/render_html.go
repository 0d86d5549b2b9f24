// Reports for people to read and print: one page of HTML that loads nothing from anywhere.

package evidence

import (
	"html/template"
	"io"
)

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"text":  Text,
	"chart": func(c Chart) (template.HTML, error) { svg, err := c.SVG(); return template.HTML(svg), err },
}).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{(index . 0).Title}}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<style>
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#1a1a1a}
h2{margin:2.5rem 0 .3rem}
table{border-collapse:collapse;width:100%;font-size:12px}
th,td{border:1px solid #ccc;padding:.25rem .4rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#f2f2f2}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:.5rem 0}dt{color:#555}dd{margin:0}
.wide{overflow-x:auto}.limits{color:#444;font-size:12px}
svg{max-width:100%;height:auto}
@media print{body{margin:0;max-width:none}h2{break-before:page}h2:first-of-type{break-before:auto}}
</style></head><body>
{{range .}}<h2>{{.Title}}</h2>
<dl><dt>Report</dt><dd>{{.Report}}</dd><dt>Organization</dt><dd>{{.Organization}}</dd>
<dt>Period</dt><dd>{{text .From}} up to, and without, {{text .To}}</dd>
<dt>Log position</dt><dd>{{.Position}}, number {{.TrailLength}} of the organization's trail</dd>
<dt>Criteria</dt><dd>{{range $i, $c := .Criteria}}{{if $i}}, {{end}}{{$c}}{{end}}</dd>
{{range .Parameters}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>{{end}}</dl>
{{range .Charts}}<figure>{{chart .}}</figure>{{end}}
<div class="wide"><table><thead><tr>{{range .Columns}}<th scope="col">{{.Title}}</th>{{end}}</tr></thead>
<tbody>{{range .Rows}}<tr>{{range .}}<td>{{text .}}</td>{{end}}</tr>
{{end}}</tbody></table></div>
<ul class="limits">{{range .Limits}}<li>{{.}}</li>{{end}}</ul>
{{end}}</body></html>
`))

func writeHTML(w io.Writer, tables []Table) error {
	if len(tables) == 0 {
		return nil
	}
	return page.Execute(w, tables)
}
