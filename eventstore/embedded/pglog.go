// What Postgres writes to its standard error, on its way into the service's log.

package embedded

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
)

const (
	keptLines = 8       // of the end, for the error of a failed start
	maxLine   = 8 << 10 // bytes; longer lines are cut into pieces
)

// pgLog is written by the one goroutine that copies the pipe, and read once the
// process has ended; so it needs no lock.
type pgLog struct {
	log     *slog.Logger
	partial []byte
	level   slog.Level // of the last message; its continuation lines share it
	last    []string
}

// Write never fails: Postgres must not block or end because of a log.
func (l *pgLog) Write(p []byte) (int, error) {
	l.partial = append(l.partial, p...)
	for {
		text, rest, found := bytes.Cut(l.partial, []byte{'\n'})
		if !found && len(text) < maxLine {
			return len(p), nil
		}
		l.line(strings.TrimSpace(string(text)))
		l.partial = rest
	}
}

func (l *pgLog) line(text string) {
	if text == "" {
		return
	}
	// An ERROR was answered to the client that caused it; what concerns the server
	// as a whole is a WARNING, FATAL or PANIC.
	// Connections that are open when it is told to end are none of that: each is told why, and so is whoever ends one.
	switch severity, said, _ := strings.Cut(text, ":"); severity {
	case "WARNING", "FATAL", "PANIC":
		l.level = slog.LevelWarn
		if strings.TrimSpace(said) == "terminating connection due to administrator command" {
			l.level = slog.LevelDebug
		}
	case "LOG", "ERROR", "NOTICE", "INFO", "HINT", "DETAIL":
		l.level = slog.LevelDebug
	}
	l.log.Log(context.Background(), l.level, "Postgres", "says", text)
	if l.last = append(l.last, text); len(l.last) > keptLines {
		l.last = l.last[1:]
	}
}

// tail is the end of what was written. Call it once the process has ended.
func (l *pgLog) tail() string { return strings.Join(l.last, "; ") }
