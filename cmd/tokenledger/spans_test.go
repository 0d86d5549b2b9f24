// Moments and days as people write them.

package main

import (
	"testing"
	"time"
)

func TestMoments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-01-31":                "2026-01-31T00:00:00Z",
		"2026-01-31T09:30:00.25Z":   "2026-01-31T09:30:00.25Z",
		"2026-01-31T09:30:00+02:00": "2026-01-31T09:30:00+02:00",
		"":                          "", "2026-02-30": "", "yesterday": "", "2026": "", "2026-01-31 09:30": "",
	} {
		got, err := moment("--from", text)
		if (err != nil) != (want == "") || err == nil && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q is %v, %v; want %s", text, got, err, want)
		}
		if err != nil && exitCode(err) != exitUsage {
			t.Errorf("%q: exit code %d", text, exitCode(err))
		}
	}
}
