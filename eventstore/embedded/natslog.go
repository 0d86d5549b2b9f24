// What the NATS server says, on its way into the service's log.

package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// natsLog is the server's logger. The server reports that it cannot start by a
// fatal message only, so the first one is kept.
type natsLog struct {
	log *slog.Logger

	mu    sync.Mutex // guards fatal
	fatal error
}

func (l *natsLog) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

func (l *natsLog) write(level slog.Level, format string, args []any) {
	if ctx := context.Background(); l.log.Enabled(ctx, level) {
		l.log.Log(ctx, level, "NATS", "says", fmt.Sprintf(format, args...))
	}
}

// Fatalf does not end the process, unlike the server's own logger.
func (l *natsLog) Fatalf(format string, args ...any) {
	l.write(slog.LevelWarn, format, args)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal == nil {
		l.fatal = fmt.Errorf(format, args...)
	}
}

func (l *natsLog) Errorf(format string, args ...any)  { l.write(slog.LevelWarn, format, args) }
func (l *natsLog) Warnf(format string, args ...any)   { l.write(slog.LevelWarn, format, args) }
func (l *natsLog) Noticef(format string, args ...any) { l.write(slog.LevelDebug, format, args) }
func (l *natsLog) Debugf(format string, args ...any)  { l.write(slog.LevelDebug, format, args) }
func (l *natsLog) Tracef(format string, args ...any)  { l.write(slog.LevelDebug, format, args) }
