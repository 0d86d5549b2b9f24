// A test of the whole program on a small module that breaks a rule of each linter: that every analyzer is wired, that
// they share staticcheck's driver in peace, and that generated code and explained exceptions stay out.
package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryLinterSpeaks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "lint")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the linter: %v\n%s", err, out)
	}
	cmd := exec.Command(program, "./...")
	cmd.Dir = filepath.Join("testdata", "broken")
	cmd.Env = append(os.Environ(), "STATICCHECK_CACHE="+dir)
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("the linter found nothing to say")
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		// "broken.go:24:25: a sentence (CHECK)": the place and the check are ours to promise, the sentence is not.
		got = append(got, regexp.MustCompile(`^(.+?):\d+: .* (\(\w+\))\n$`).ReplaceAllString(line, "$1 $2"))
	}
	want := []string{
		"broken.go:24 (ST1005)",
		"broken.go:26 (U1000)",
		"broken.go:30 (errorlint)",
		"broken.go:37 (sloglint)",
		"facts/facts.go:8 (sumtype)",
	}
	if !slices.Equal(slices.Compact(got), want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
