// The commands of bench that start processes or run for minutes, at sizes that take a moment: they run to their end.

package e2e_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// benchLimit is met only by something that hangs.
const benchLimit = 3 * time.Minute

// benchOf runs a command to its end and decodes what it prints, an object a line.
// What a race build takes says nothing, and takes long.
func benchOf[T any](t *testing.T, codes []int, args ...string) (all []T) {
	t.Helper()
	if raceDetector || testing.Short() {
		t.Skip("measuring takes long in a race build, and is left out by -short")
	}
	p := launch(t, []string{"HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir()}, append(append([]string{"bench"}, args...), "--output", "json")...)
	code, err := p.Wait(benchLimit)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Output())
	}
	if !slices.Contains(codes, code) {
		t.Fatalf("%s: exit code %d\n%s", p, code, p.Output())
	}
	for lines := json.NewDecoder(strings.NewReader(p.Stdout.String())); lines.More(); {
		var one T
		if err := lines.Decode(&one); err != nil {
			t.Fatalf("%s: %v\n%s", p, err, p.Output())
		}
		all = append(all, one)
	}
	return all
}

type figure struct {
	What  string
	Value float64
	Unit  string
}

func TestBenchRevoke(t *testing.T) {
	t.Parallel()
	all := benchOf[figure](t, []int{0}, "revoke", "--processes", "2", "--revocations", "4", "--concurrency", "2", "--tokens", "10")
	if len(all) < 3 {
		t.Fatalf("got %+v", all)
	}
	if after := all[0]; after.Value != 0 || after.What == "" {
		t.Errorf("uses behind revocations: %+v", after)
	}
	for _, f := range all[1:] {
		if f.Value <= 0 || f.Unit == "" {
			t.Errorf("got %+v", f)
		}
	}
}

// The verifier writes no snapshot for fewer tokens than these.
func TestBenchStart(t *testing.T) {
	t.Parallel()
	all := benchOf[figure](t, []int{0}, "start", "--tokens", "10000", "--organizations", "5", "--tail", "20", "--rounds", "1", "--uses", "1s")
	if len(all) != 3 {
		t.Fatalf("got %+v", all)
	}
	for _, f := range all {
		if f.Value <= 0 || f.Unit == "" {
			t.Errorf("got %+v", f)
		}
	}
}

// Seconds are too few to be flat, so that both exit codes are right.
func TestBenchSoak(t *testing.T) {
	t.Parallel()
	all := benchOf[struct {
		Uses, Events, Rows int64
		Drifts             []struct{ Figure string }
		Samples            []struct{ Uses int }
	}](t, []int{0, 1}, "soak", "--minutes", "0.1", "--concurrency", "2", "--tokens", "10")
	if len(all) != 1 {
		t.Fatalf("got %+v", all)
	}
	if r := all[0]; r.Uses <= 0 || r.Events < r.Uses || r.Rows <= 0 || len(r.Drifts) == 0 || len(r.Samples) < 4 {
		t.Errorf("got %+v", r)
	}
}

func TestBenchEvidence(t *testing.T) {
	t.Parallel()
	all := benchOf[struct {
		Events, PackBytes, AuditedEvents int64
		Throughput                       float64
	}](t, []int{0}, "evidence", "--events", "300")
	if len(all) != 1 {
		t.Fatalf("got %+v", all)
	}
	if r := all[0]; r.Events < 300 || r.PackBytes <= 0 || r.AuditedEvents < 300 || r.Throughput <= 0 {
		t.Errorf("got %+v", r)
	}
}
