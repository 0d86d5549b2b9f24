// What the alert rules do: each is evaluated over series like those of a service in trouble and of one that is well, by
// Prometheus' own engine, and has to fire at the minute that it promises, or not at all.

package monitoring

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// began is the first scrape; there is one a minute, and the rules are evaluated as often.
var began = time.Unix(1_800_000_000, 0)

// sample is a value at a time, as storage asks for it.
type sample struct {
	at    int64
	value float64
}

func (s sample) ST() int64                     { return 0 }
func (s sample) T() int64                      { return s.at }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// scraped are series as Prometheus would have stored them.
type scraped []storage.Series

// series reads them in the notation of promtool's rule tests, `name{label="value"} 1 1+2x5 _x3`, and gives each the labels
// of the job. It also gives how many minutes the longest takes.
func series(t *testing.T, lines []string) (all scraped, minutes int) {
	t.Helper()
	for _, line := range lines {
		set, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		b := labels.NewBuilder(set).Set("job", "tokenledger")
		if !set.Has("instance") {
			b.Set("instance", "a:9090")
		}
		var samples []chunks.Sample
		for i, v := range values {
			if !v.Omitted {
				samples = append(samples, sample{began.Add(time.Duration(i) * time.Minute).UnixMilli(), v.Value})
			}
		}
		all = append(all, storage.NewListSeries(b.Labels(), samples))
		minutes = max(minutes, len(values))
	}
	slices.SortFunc(all, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return all, minutes
}

// Querier implements [storage.Queryable].
func (all scraped) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		found := &foundSeries{at: -1}
		for _, s := range all {
			if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Labels().Get(m.Name)) }) {
				found.series = append(found.series, s)
			}
		}
		return found
	}}, nil
}

// foundSeries implements [storage.SeriesSet].
type foundSeries struct {
	series []storage.Series
	at     int
}

func (f *foundSeries) Next() bool                        { f.at++; return f.at < len(f.series) }
func (f *foundSeries) At() storage.Series                { return f.series[f.at] }
func (f *foundSeries) Err() error                        { return nil }
func (f *foundSeries) Warnings() annotations.Annotations { return nil }

// fires gives the first minute at which a rule fires, as Prometheus does it: when an evaluation and all those before it
// for as long as the rule says have given the same series. -1: it does not.
func fires(t *testing.T, engine *promql.Engine, rule rulefmt.Rule, lines []string) int {
	t.Helper()
	all, minutes := series(t, lines)
	since := map[uint64]int{} // when each of the series that are there began to be
	for minute := range minutes {
		query, err := engine.NewInstantQuery(context.Background(), all, nil, rule.Expr, began.Add(time.Duration(minute)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		there, err := query.Exec(context.Background()).Vector()
		query.Close()
		if err != nil {
			t.Fatal(err)
		}
		still := map[uint64]int{}
		for _, s := range there {
			if math.IsNaN(s.F) {
				t.Fatalf("minute %d: %s is no number", minute, s.Metric)
			}
			key := s.Metric.Hash()
			first, pending := since[key]
			if !pending {
				first = minute
			}
			if still[key] = first; time.Duration(minute-first)*time.Minute >= time.Duration(rule.For) {
				return minute
			}
		}
		since = still
	}
	return -1
}

func TestEachAlertFiresWhenItShould(t *testing.T) {
	t.Parallel()
	groups, errs := rulefmt.ParseFile("alerts.yml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute, EnableDelayedNameRemoval: true})
	defer engine.Close()
	known := 0
	for _, g := range groups.Groups {
		for _, rule := range g.Rules {
			t.Run(rule.Alert, func(t *testing.T) {
				known++
				cases := alertCases[rule.Alert]
				var fired, quiet bool
				for _, c := range cases {
					got := fires(t, engine, rule, c.series)
					if got != c.fires {
						t.Errorf("%s: it fires at minute %d, want %d (-1 is never)", c.of, got, c.fires)
					}
					fired, quiet = fired || c.fires >= 0, quiet || c.fires < 0
				}
				if !fired || !quiet {
					t.Errorf("%d cases, some have to fire and some not", len(cases))
				}
			})
		}
	}
	if known != len(alertCases) {
		t.Errorf("%d rules, cases of %d", known, len(alertCases))
	}
}
