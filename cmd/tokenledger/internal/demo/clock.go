// The clock of a story.

package demo

import (
	"context"
	"sync"
	"time"

	"github.com/tokenledger/tokenledger/projections"
)

// clock stands still until the teller moves it, and never goes back.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func newClock(now time.Time) *clock { return &clock{now: now.UTC()} }

// Now is the instant of the story.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// to moves the clock on; an instant that has passed leaves it where it is.
func (c *clock) to(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.After(c.now) {
		c.now = at.UTC()
	}
}

// storyTime is the read models by the story's clock instead of the database's.
type storyTime struct {
	*projections.Views
	clock *clock
}

// Now implements [scheduler.Deadlines].
func (s storyTime) Now(context.Context) (time.Time, error) { return s.clock.Now(), nil }

// calendar counts in working days, so that people of the story act when people work.
type calendar struct{ today time.Time }

func newCalendar(end time.Time) calendar { return calendar{midnight(end)} }

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func working(day time.Time) bool {
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
}

// workday is the n-th working day before today, from 1 on.
func (c calendar) workday(n int) time.Time {
	day := c.today
	for n > 0 {
		if day = day.AddDate(0, 0, -1); working(day) {
			n--
		}
	}
	return day
}

// office is a minute of a working day.
func (c calendar) office(n, hour, minute int) time.Time {
	return c.workday(n).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

// The story is a quarter long; before its last month less is told of each day.
const (
	workdays      = 88
	monthWorkdays = 22
)

// storyBegins is the first morning of the story that ends then.
func storyBegins(end time.Time) time.Time { return newCalendar(end).office(workdays, 8, 30) }
