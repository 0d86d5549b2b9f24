// Progress of what takes longer than a moment, for people at a terminal alone.

package main

import (
	"context"
	"io"
	"iter"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// barAfter is how long something may take before a bar shows how far it is.
const barAfter = 2 * time.Second

// progress is a bar on stderr: how much is done, how fast, and how long the rest takes.
type progress struct {
	bar   *progressbar.ProgressBar
	total int64
}

// progress begins one. unit is what is counted, and "bytes" is shown in larger units, too.
// Nothing is shown in the first two seconds, to a file or a pipe, in CI, or with --quiet.
func (a app) progress(what, unit string) *progress {
	a.waiting.over()
	return a.bar(what, unit)
}

func (a app) bar(what, unit string) *progress {
	out := io.Discard
	if a.watched() {
		out = &later{bare(a.err), time.Now().Add(barAfter)}
	}
	// The spinner turns when something is done: a goroutine of the bar's own would race with that.
	return &progress{bar: progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(24),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit),
		progressbar.OptionShowBytes(unit == "bytes"), progressbar.OptionSetPredictTime(true), progressbar.OptionShowElapsedTimeOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSpinnerType(14), progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionClearOnFinish(),
	), total: -1}
}

// watched reports whether a person looks at stderr and wants to see progress there.
func (a app) watched() bool {
	quiet := a.flags.Lookup("quiet")
	f, ok := bare(a.err).(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && (quiet == nil || quiet.Value.String() != "true") && a.variable("CI") == "" && a.variable("TERM") != "dumb"
}

// later drops what is written before its time.
type later struct {
	io.Writer
	from time.Time
}

func (l *later) Write(b []byte) (int, error) {
	if time.Now().Before(l.from) {
		return len(b), nil
	}
	return l.Writer.Write(b)
}

// at says how much is done of what total; less than one is a total that nobody knows.
func (p *progress) at(done, total int64) {
	if total < 1 {
		total = -1
	}
	if total > 0 {
		total = max(total, done) // a total may be an estimate
	}
	if total != p.total {
		p.total = total
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(done)
}

// end takes the bar away.
func (p *progress) end() { _ = p.bar.Finish() }

// during moves the bar on with the time, for what takes as long as it is told to, or, with no
// limit, shows that it goes on. What it gives ends that.
func (p *progress) during(ctx context.Context, limit time.Duration) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		began, tick := time.Now(), time.NewTicker(200*time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.at(int64(time.Since(began)/time.Second), int64(limit/time.Second))
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		stop()
		<-ended
		p.end()
	}
}

// read counts what is read from r.
func (p *progress) read(r io.Reader, total int64) io.Reader {
	return &counted{Reader: r, at: func(done int64) { p.at(done, total) }}
}

// readAt counts what is read from r, where it is read once.
func (p *progress) readAt(r io.ReaderAt, total int64) io.ReaderAt {
	return &countedAt{ReaderAt: r, at: func(done int64) { p.at(min(done, total), total) }}
}

type counted struct {
	io.Reader
	done int64
	at   func(int64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.done += int64(n)
	c.at(c.done)
	return n, err
}

type countedAt struct {
	io.ReaderAt
	done int64
	at   func(int64)
}

func (c *countedAt) ReadAt(b []byte, offset int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, offset)
	c.done += int64(n)
	c.at(c.done)
	return n, err
}

// watchedBlocks are those of a log, with a bar that knows its end.
type watchedBlocks struct {
	of   evidence.Blocks
	head events.Position
	bar  *progress
}

// Blocks implements [evidence.Blocks].
func (w watchedBlocks) Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error] {
	return func(yield func(*eventstore.Block, error) bool) {
		for b, err := range w.of.Blocks(ctx, after, follow) {
			if err == nil {
				w.bar.at(int64(b.Last), int64(w.head))
			}
			if !yield(b, err) {
				return
			}
		}
	}
}
