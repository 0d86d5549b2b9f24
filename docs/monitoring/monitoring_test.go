// The dashboard, the alert rules and the page of metrics against a service that runs:
// whatever they name is there, with its labels and their values, and PromQL's own
// parser takes what they ask.
//
// It stands in a module of its own, so that Prometheus is no dependency of the product.
package monitoring

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

// given are the labels that Prometheus adds to every series, and the series that it makes by itself.
var (
	given      = []string{"job", "instance"}
	synthetic  = []string{"up"}
	suffixes   = []string{"_bucket", "_count", "_sum"}
	perProcess = []string{"le"} // of histograms
)

// scrape is what one service tells.
type scrape map[string]*dto.MetricFamily

func (s scrape) family(name string) *dto.MetricFamily {
	if f := s[name]; f != nil {
		return f
	}
	for _, suffix := range suffixes {
		if base, ok := strings.CutSuffix(name, suffix); ok && s[base].GetType() == dto.MetricType_HISTOGRAM {
			return s[base]
		}
	}
	return nil
}

// values are those that a label of a metric has; none if it has no such label.
func values(f *dto.MetricFamily, label string) (all []string) {
	for _, m := range f.Metric {
		for _, l := range m.Label {
			if l.GetName() == label && !slices.Contains(all, l.GetValue()) {
				all = append(all, l.GetValue())
			}
		}
	}
	slices.Sort(all)
	return all
}

// bounds reports whether a histogram has a bucket up to a bound.
func bounds(f *dto.MetricFamily, le string) bool {
	bound, err := strconv.ParseFloat(le, 64)
	return err == nil && f.GetType() == dto.MetricType_HISTOGRAM && (math.IsInf(bound, 1) ||
		slices.ContainsFunc(f.Metric[0].Histogram.Bucket, func(b *dto.Bucket) bool { return b.GetUpperBound() == bound }))
}

// names lists the labels of a metric.
func names(f *dto.MetricFamily) (all []string) {
	for _, m := range f.Metric {
		for _, l := range m.Label {
			if !slices.Contains(all, l.GetName()) {
				all = append(all, l.GetName())
			}
		}
	}
	slices.Sort(all)
	return all
}

// knows gives what is wrong with an expression: metrics, labels or values that the
// service does not have.
func (s scrape) knows(expr string) error {
	root, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return err
	}
	var wrong []error
	parser.Inspect(root, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			wrong = append(wrong, s.selects(n)...)
		case *parser.AggregateExpr:
			wrong = append(wrong, s.groups(n)...)
		}
		return nil
	})
	return errors.Join(wrong...)
}

func (s scrape) selects(v *parser.VectorSelector) (wrong []error) {
	if slices.Contains(synthetic, v.Name) {
		return nil
	}
	f := s.family(v.Name)
	if f == nil {
		return []error{fmt.Errorf("there is no metric %s", v.Name)}
	}
	for _, m := range v.LabelMatchers {
		if m.Name == labels.MetricName || slices.Contains(given, m.Name) {
			continue
		}
		if m.Name == labels.BucketLabel && !bounds(f, m.Value) {
			wrong = append(wrong, fmt.Errorf("%s has no bucket up to %s", v.Name, m.Value))
		}
		if m.Name == labels.BucketLabel {
			continue
		}
		there := values(f, m.Name)
		if len(there) == 0 {
			wrong = append(wrong, fmt.Errorf("%s has no label %s", v.Name, m.Name))
			continue
		}
		asked := []string{m.Value}
		if m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp {
			asked = strings.Split(m.Value, "|")
		}
		for _, value := range asked {
			if !slices.Contains(there, value) {
				wrong = append(wrong, fmt.Errorf("%s: %s is never %q, but %q", v.Name, m.Name, value, there))
			}
		}
	}
	return wrong
}

// groups sees that every label that is grouped by is one of the metrics below.
func (s scrape) groups(a *parser.AggregateExpr) (wrong []error) {
	var below []string
	parser.Inspect(a.Expr, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			if f := s.family(v.Name); f != nil {
				below = append(below, names(f)...)
			}
		}
		return nil
	})
	for _, label := range a.Grouping {
		if !slices.Contains(slices.Concat(below, given, perProcess), label) {
			wrong = append(wrong, fmt.Errorf("%s: nothing there has the label %s", a, label))
		}
	}
	return wrong
}

func read(t *testing.T, url string) scrape {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// dashboard is as much of Grafana's form as is tested.
type dashboard struct {
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
}

// grafana are the variables that Grafana puts into expressions.
var grafana = strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*")

func (s scrape) dashboard(t *testing.T, file string) {
	t.Helper()
	var d dashboard
	content, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(content, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	asked := 0
	for _, p := range d.Panels {
		if slices.Contains(ids, p.ID) || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 {
			t.Errorf("panel %q: its id or its place is wrong", p.Title)
		}
		ids = append(ids, p.ID)
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			asked++
			if err := s.knows(grafana.Replace(target.Expr)); err != nil {
				t.Errorf("panel %q: %s: %v", p.Title, target.Expr, err)
			}
		}
	}
	if asked < 20 {
		t.Errorf("only %d expressions were looked at", asked)
	}
	for _, v := range d.Templating.List {
		q, _ := v.Query.(map[string]any)
		text, _ := q["query"].(string)
		if inner := regexp.MustCompile(`^label_values\((.*), instance\)$`).FindStringSubmatch(text); v.Name == "instance" && (inner == nil || s.knows(inner[1]) != nil) {
			t.Errorf("the variable %s asks %q", v.Name, text)
		}
	}
}

// alerts gives the names of the rules.
func (s scrape) alerts(t *testing.T, file string) (all []string) {
	t.Helper()
	groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if groups == nil {
		t.FailNow()
	}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			all = append(all, r.Alert)
			if err := s.knows(r.Expr); err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
			if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.Annotations["summary"] == "" {
				t.Errorf("%s: it needs a severity and a summary", r.Alert)
			}
			if file, anchor, _ := strings.Cut(r.Annotations["runbook"], "#"); file != "docs/operations.md" || anchor != "what-each-alert-means" {
				t.Errorf("%s: its runbook is %q", r.Alert, r.Annotations["runbook"])
			}
		}
	}
	return all
}

// paragraph is one of the runbook: what the alert means, and what to do.
var paragraph = regexp.MustCompile(`(?m)^\*\*(\w+)\*\* \((\w+)\)\. ((?:.+\n)+)`)

func explained(t *testing.T, alerts []string) {
	t.Helper()
	page, err := os.ReadFile("../operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "## What each alert means\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("docs/operations.md has no section of alerts")
	}
	var told []string
	for _, m := range paragraph.FindAllStringSubmatch(section, -1) {
		told = append(told, m[1])
		if len(strings.Fields(m[3])) < 25 {
			t.Errorf("%s is hardly explained: %s", m[1], m[3])
		}
	}
	for _, a := range alerts {
		if !slices.Contains(told, a) {
			t.Errorf("docs/operations.md does not say what %s means", a)
		}
	}
	for _, a := range told {
		if !slices.Contains(alerts, a) {
			t.Errorf("docs/operations.md tells of %s, which there is not", a)
		}
	}
}
