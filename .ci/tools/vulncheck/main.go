// Command vulncheck runs govulncheck on a database in a local folder and judges what it finds: a vulnerable module that
// our packages import fails the build, while findings in the Go standard library are only printed, because their remedy
// is the machine's toolchain and not a commit here.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/vuln/scan"
)

func main() {
	db := flag.String("db", "", "`folder` with OSV files, as golang.org/x/vulndb has them in data/osv")
	flag.Parse()
	failing, err := check(context.Background(), *db, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "vulncheck:", err)
		os.Exit(2)
	}
	if failing > 0 {
		fmt.Printf("vulncheck: %d to mend: require the fixed version\n", failing)
		os.Exit(1)
	}
}

// check scans the packages of the module in the current folder and prints a line for each finding; it returns how many
// of them must be mended.
func check(ctx context.Context, db string, patterns []string) (failing int, err error) {
	dir, err := filepath.Abs(db)
	if err != nil {
		return 0, fmt.Errorf("finding the database %q: %w", db, err)
	}
	var stream bytes.Buffer
	cmd := scan.Command(ctx, append([]string{"-format", "json", "-db", "file://" + filepath.ToSlash(dir)}, patterns...)...)
	cmd.Stdout = &stream
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("starting govulncheck: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("running govulncheck: %w", err)
	}
	findings, err := read(&stream)
	if err != nil {
		return 0, err
	}
	for _, f := range findings {
		fmt.Println(f)
		if f.fails() {
			failing++
		}
	}
	if len(findings) == 0 {
		fmt.Println("no known vulnerability in any module or in the standard library")
	}
	return failing, nil
}
