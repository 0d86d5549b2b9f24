// Reports and replays that make no sense are refused before anybody is asked.

package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestReportMistakes(t *testing.T) {
	t.Parallel()
	for line, says := range map[string]string{
		"report --output html":                                  "name a report",
		"report --output ocsf":                                  "name a report",
		"replay --output pdf":                                   "--report",
		"replay --from 2026-01-01T00:00:00Z":                    "--report",
		"replay --token 0198c0de-0000-7000-8000-000000000001":   "--report",
		"replay --report usage":                                 "--organization",
		"replay --to yesterday":                                 "yesterday",
		"replay --to 0":                                         "positions begin at 1",
		"replay --report usage --organization somewhere --to 1": "somewhere",
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(line), stdio{out: &stderr, err: &stderr}); code != 2 || !strings.Contains(stderr.String(), says) {
			t.Errorf("%s: exit %d: %s", line, code, &stderr)
		}
	}
}
