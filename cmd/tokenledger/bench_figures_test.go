// The commands that measure, at sizes that take a moment: what they print is of what was asked for.

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/projections"
)

// figures runs a command of bench and decodes what it prints.
func figures[T any](t *testing.T, args ...string) (out T) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args = append(append([]string{"bench"}, args...), "--output", "json")
	if code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &stdout, err: &stderr}); code != 0 {
		t.Fatalf("%v: exit %d\n%s", args, code, &stderr)
	}
	if raw, ok := any(&out).(*[]byte); ok {
		*raw = stdout.Bytes()
		return out
	}
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
		t.Fatalf("%v: %v in %s", args, err, &stdout)
	}
	return out
}

// figureList is figures for a command that prints one in each line.
func figureList(t *testing.T, args ...string) (all []bench.Figure) {
	t.Helper()
	for from := json.NewDecoder(bytes.NewReader(figures[[]byte](t, args...))); from.More(); {
		var f bench.Figure
		if err := from.Decode(&f); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func checkFigures(t *testing.T, all []bench.Figure, names ...string) {
	t.Helper()
	if len(all) != len(names) {
		t.Fatalf("%d figures, not %d: %+v", len(all), len(names), all)
	}
	for i, f := range all {
		if !strings.Contains(f.What, names[i]) || f.Value <= 0 || f.Base <= 0 || f.Ratio <= 0 || f.Unit == "" {
			t.Errorf("%s: %+v", names[i], f)
		}
	}
}

func TestBenchReplay(t *testing.T) {
	t.Parallel()
	all := figureList(t, "replay", "--events", "1500", "--tokens", "30", "--organizations", "3", "--rounds", "2")
	checkFigures(t, all, "leaves", "decoded", "every read model", "processor time")
}

func TestBenchModels(t *testing.T) {
	t.Parallel()
	all := figureList(t, "models", "--events", "2000", "--warm", "100", "--run", "50", "--tokens", "30", "--organizations", "3")
	if len(all) != 1+len(projections.All()) {
		t.Fatalf("%d figures: %+v", len(all), all)
	}
	sum := 0.0
	for _, f := range all[:len(all)-1] {
		if f.Value < f.Base || f.Unit == "" {
			t.Errorf("%+v", f)
		}
		sum += f.Value
	}
	if whole := all[len(all)-1]; whole.Value < sum*0.99 || whole.Value > sum*1.01 || whole.Value <= 0 {
		t.Errorf("%+v, and the parts are %v", whole, sum)
	}
}

// A use in a block of its own costs more than in a large one, and a large one's less than its line.
func TestBenchSize(t *testing.T) {
	t.Parallel()
	all := figureList(t, "size", "--uses", "20000", "--alone", "300", "--tokens", "50", "--organizations", "2", "--addresses", "5")
	checkFigures(t, all, "blocks of 250", "a block of its own")
	if many, one := all[0], all[1]; many.Value >= one.Value || many.Ratio >= 1 {
		t.Errorf("%v bytes in large blocks and %v alone, of lines of %v", many.Value, one.Value, many.Base)
	}
}

func TestBenchList(t *testing.T) {
	t.Parallel()
	all := figureList(t, "list", "--organizations", "3", "--few", "1", "--tokens", "40", "--asked", "2", "--rounds", "1")
	checkFigures(t, all, "owner and status, p99", "owner and status, p50", "prefix, p99", "prefix, p50", "last use, p99", "last use, p50",
		"totalCount, p99", "totalCount, p50", "totalCount, p99", "totalCount, p50", "totalCount, p99", "totalCount, p50")
}

// The organization whose history is read has as many uses in both logs, however long they are.
func TestBenchGrowth(t *testing.T) {
	t.Parallel()
	all := figureList(t, "growth", "--short", "400", "--long", "2000", "--organizations", "4", "--own", "200",
		"--appends", "100", "--concurrency", "8", "--rounds", "1", "--snapshot", "10ms")
	checkFigures(t, all, "8 in flight", "append alone", "snapshot of 10ms", "timeline", "trail")
	for _, f := range all[3:] {
		if !strings.Contains(f.What, "221 events of 2000") || !strings.Contains(f.Baseline, "221 events of 400") {
			t.Errorf("%s, beside %s", f.What, f.Baseline)
		}
	}
}

func TestBenchAppendFollowed(t *testing.T) {
	t.Parallel()
	r := figures[bench.Result](t, "append", "--followed", "--duration", "1s", "--tokens", "40", "--concurrency", "8")
	if r.Throughput <= 0 || r.RawThroughput <= 0 || r.Rounds != 5 || !strings.Contains(r.What, "every read model") {
		t.Errorf("%+v", r)
	}
}

// Sizes that make no sense are refused before anything is started.
func TestBenchMistakes(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"replay", "--events", "0"},
		{"size", "--block", "-1"},
		{"list", "--rounds", "0"},
		{"append", "--concurrency", "0"},
		{"growth", "--organizations", "1"},
		{"growth", "--short", "10", "--own", "20"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), append([]string{"bench"}, args...), stdio{out: &stderr, err: &stderr}); code != 2 {
			t.Errorf("%v: exit %d: %s", args, code, &stderr)
		}
	}
}

// Where nothing was as before the flood again there is no time until then.
func TestOverloadSaysWhenItIsNotOver(t *testing.T) {
	t.Parallel()
	for ms, want := range map[float64]string{-1: "nothing was as before again", 0: "within 0 ms", 12: "within 12 ms"} {
		var out bytes.Buffer
		if err := (app{stdio: stdio{out: &out}}).printOverload(bench.Overloaded{Recovery: ms}, "table"); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "-1") {
			t.Errorf("%v: %s", ms, &out)
		}
	}
}

// Whoever reads the last lines of a long run knows what has grown.
func TestSoakSaysWhatIsNotFlat(t *testing.T) {
	t.Parallel()
	heap, files := bench.Drift{Figure: "heap", Early: 10, Late: 20}, bench.Drift{Figure: "files", Early: 5, Late: 5, Flat: true}
	for name, c := range map[string]struct {
		drifts []bench.Drift
		want   []string
	}{
		"nothing to compare": {nil, []string{"Too short"}},
		"all":                {[]bench.Drift{files}, []string{"All is flat"}},
		"one has grown":      {[]bench.Drift{heap, files}, []string{"NOT FLAT: heap.", "Flat: files."}},
		"all have grown":     {[]bench.Drift{heap}, []string{"NOT FLAT: heap.", "Flat: nothing."}},
	} {
		var out bytes.Buffer
		if err := (app{stdio: stdio{out: &out}}).printSoak(soakResult{Drifts: c.drifts}, "table"); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, &out)
			}
		}
		if grew := strings.Contains(out.String(), "+100 %"); grew != (len(c.drifts) > 0 && !c.drifts[0].Flat) {
			t.Errorf("%s:\n%s", name, &out)
		}
	}
}
