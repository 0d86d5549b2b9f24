// Spans of time as people write them, 90d, 12h, and moments: 2026-01-31.

package main

import (
	"strconv"
	"strings"
	"time"
)

// span reads a span of time, days being possible.
func span(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, true
		}
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

// instant reads a span from now on, or a time.
func instant(flag, s string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if d, ok := span(s); ok {
		return now.Add(d), nil
	}
	return time.Time{}, usage("%s %q: want 30d, 12h, or a time such as 2027-01-31T00:00:00Z", flag, s)
}

// moment reads a time, or a day, which begins at midnight UTC.
func moment(flag, s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	if s == "" {
		return time.Time{}, usage("%s is missing: want 2026-01-31, or 2026-01-31T09:30:00Z", flag)
	}
	return time.Time{}, usage("%s %q: want 2026-01-31, or 2026-01-31T09:30:00Z", flag, s)
}

// seconds is a span as the schema has it. People see it as they would write it.
type seconds int64

// secondsOf reads a span; 0 is none.
func secondsOf(flag, s string) (seconds, error) {
	d, ok := span(s)
	if s == "0" {
		return 0, nil
	}
	if !ok || d < time.Second {
		return 0, usage("%s %q: want 90d, 12h or 0", flag, s)
	}
	return seconds(d.Round(time.Second) / time.Second), nil
}

// String is the shortest way to write the span in days or hours.
func (n seconds) String() string {
	d := time.Duration(n) * time.Second
	switch day := 24 * time.Hour; {
	case n == 0:
		return "-"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	}
	return d.String()
}
