// The first ten minutes: docs/start.md, command by command, with nginx from Debian.

package integrations

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

func TestTheFirstTenMinutes(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("nginx is not installed: apt-get install nginx-light")
	}
	if _, err := os.Stat(filepath.Join(ledgertest.Root(), ".git")); err != nil {
		t.Skip("this is no clone, so there is nothing to clone from")
	}
	env := []string{ // the repository's address leads to the clone that is tested
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=url.file://" + ledgertest.Root() + ".insteadOf",
		"GIT_CONFIG_VALUE_0=https://github.com/tokenledger/tokenledger", "GIT_CONFIG_KEY_1=safe.directory", "GIT_CONFIG_VALUE_1=*",
	}
	if os.Getenv("START_COLD") != "" {
		env = append(env, "GOCACHE="+t.TempDir())
	} else {
		env = append(env, "PATH="+buildsTheTree(t)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	s := newScene(t, "docs/start.md", nil, env...)
	var table strings.Builder
	var total, step time.Duration
	heading := ""
	row := func() {
		if heading != "" {
			fmt.Fprintf(&table, "| %s | %.1f s |\n", heading, step.Seconds())
		}
		total, step = total+step, 0
	}
	for _, b := range blocks(t, s.name) {
		if b.heading != heading {
			row()
			heading = b.heading
		}
		step += s.run(b)
		if strings.Contains(b.commands, "git clone") {
			s.readdress(filepath.Join("tokenledger", "docs", "integrations", "nginx.conf"))
		}
	}
	row()
	t.Logf("\n| step | took |\n|---|---|\n%s| **together** | **%.1f s** |\n", table.String(), total.Seconds())
}

// buildsTheTree has a go command that builds the tree under test in place of its clone:
// another directory would have every package compiled anew. START_COLD=1 does that.
func buildsTheTree(t *testing.T) (dir string) {
	t.Helper()
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	script := fmt.Sprintf("#!/bin/bash\nexec '%s' \"${@/#..\\/tokenledger/%s}\"\n", goCommand, ledgertest.Root())
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// readdress gives a file of the clone the addresses of here: two tests on one machine
// cannot both have those of the documents.
func (s *scene) readdress(name string) {
	s.t.Helper()
	name = filepath.Join(s.dir, name)
	raw, err := os.ReadFile(name)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(s.addresses.Replace(string(raw))), 0o644); err != nil {
		s.t.Fatal(err)
	}
}
