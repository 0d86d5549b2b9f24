// What shells complete: the scripts are right for each of the four, and values come with them.

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestScriptsOfFourShells(t *testing.T) {
	t.Parallel()
	for shell, check := range map[string][]string{
		"bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"},
		"powershell": {"pwsh", "-NoProfile", "-Command", "[ScriptBlock]::Create((Get-Content -Raw $args[0])) | Out-Null", "-args"},
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			var out, stderr bytes.Buffer
			if code := run(t.Context(), []string{"completion", shell}, stdio{in: strings.NewReader(""), out: &out, err: &stderr}); code != 0 || !strings.Contains(out.String(), "__complete") {
				t.Fatalf("exit code %d, %d bytes: %s", code, out.Len(), &stderr)
			}
			program, err := exec.LookPath(check[0])
			if err != nil {
				t.Skipf("%s is not installed here (PowerShell is no package of Debian's), so only the script's making was tested", check[0])
			}
			script := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(script, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if said, err := exec.CommandContext(t.Context(), program, append(check[1:], script)...).CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", check, err, said)
			}
		})
	}
}

func TestValuesAreCompleted(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"token create --scopes ":                {"evidence:write", "token:introspect"},
		"token create --scopes evidence:write,": {"evidence:write,control:read"},
		"report ":                               {"population", "roll-forward"},
		"tail --type ":                          {"token", "token.revoked"},
		"webhook add --types token.used,":       {"token.used,finding"},
		"findings list --rule ":                 {"new_source"},
		"findings list --status ":               {"false_positive"},
		"member add --role ":                    {"auditor"},
		"keys rotate ":                          {"pepper"},
		"projections rebuild ":                  {"tokens"},
		"token list --output ":                  {"table", "json", "csv"},
	} {
		var out, stderr bytes.Buffer
		words := append([]string{"__complete"}, strings.Split(line, " ")...)
		code := run(t.Context(), words, stdio{in: strings.NewReader(""), out: &out, err: &stderr, environ: []string{"HOME=" + t.TempDir()}})
		lines := "\n" + out.String()
		for _, value := range want {
			if code != 0 || !strings.Contains(lines, "\n"+value+"\n") && !strings.Contains(lines, "\n"+value+"\t") {
				t.Errorf("%s: %s is not completed (exit code %d):%s", line, value, code, lines)
			}
		}
	}
}
