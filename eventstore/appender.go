// The appender: the one goroutine that adds blocks to the log.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

const (
	connectTimeout = 5 * time.Second
	beginTimeout   = 15 * time.Second // longer than the lock_timeout of the connection
	commitTimeout  = 30 * time.Second
	// grace is how long the appender tries, after Run is told to end, to learn
	// whether its last block was committed.
	grace = 10 * time.Second
	// maxBehind is how many events are read under the lock; for more, it is let go.
	maxBehind = 1000
	// maxClockError is how far the server's clock may be behind the last block or
	// off this process's.
	maxClockError = 5 * time.Second
	// maxAttempts is how often a block is tried when nothing was committed.
	maxAttempts = 4
)

var (
	// errLost: the connection failed and nothing was committed. A new one may do.
	errLost = errors.New("the connection to the database was lost")
	// errBehind: other processes have appended more than may be read under the lock.
	errBehind = errors.New("far behind the head of the log")
	// errUnknown: the connection failed in the middle of a COMMIT.
	errUnknown = errors.New("the database was lost in the middle of a COMMIT")
)

// appender owns the connection that takes the log's lock.
type appender struct {
	*Log
	own     *pgx.Conn // nil: not connected
	writer  uuid.UUID // of this appender's blocks
	seq     int64     // of the last one that was tried
	stage   stage
	decided []*pending // requests whose callers do not know it yet
	alone   bool       // the block before the last was this appender's, too
	failing bool       // the last block was not appended
}

func newAppender(l *Log) *appender {
	return &appender{
		Log: l, writer: uuid.New(),
		stage: stage{tail: l.tail, values: stagedValues{subjects: l.subjects}},
	}
}

// run appends what is queued until ctx has ended and nothing is left.
func (a *appender) run(ctx context.Context) error {
	defer a.disconnect()
	for {
		if ctx.Err() != nil {
			a.queue.close()
		}
		requests, _ := a.queue.poll(nil)
		if len(requests) == 0 {
			a.answer() // nobody waits for the next block
			if requests = a.queue.take(ctx); len(requests) == 0 {
				return nil
			}
		}
		if err := a.append(ctx, requests); err != nil {
			a.queue.close()
			a.refuseQueued(err)
			a.answer()
			return err
		}
	}
}

// append decides the answers to all the requests of a block, to which more may
// join. An error means that the log is corrupt and nothing more can be appended.
func (a *appender) append(ctx context.Context, requests []*pending) error {
	begun := time.Now()
	ctx, span := a.traceCommit(ctx, requests)
	requests, err := a.persist(ctx, requests)
	a.finishCommit(span, requests, err)
	a.meter(requests, time.Since(begun), err)
	a.alarm(ctx, err)
	for _, p := range requests {
		if err != nil {
			p.earlier, p.err = nil, fmt.Errorf("%w: %w", events.ErrUnavailable, err)
		}
	}
	a.answer() // the last block's, if this one did not even begin
	a.decided = requests
	if !a.alone {
		a.answer()
	}
	if errors.Is(err, ErrCorrupt) {
		a.tail.fail(err)
		return err
	}
	return nil
}

// alarm logs when appending begins to fail and when it works again; the callers
// of each failed block hear of it anyway.
func (a *appender) alarm(ctx context.Context, err error) {
	switch {
	case err != nil && !a.failing:
		a.config.Logger.LogAttrs(ctx, slog.LevelError, "nothing can be appended", slog.String("error", err.Error()))
	case err == nil && a.failing:
		a.config.Logger.LogAttrs(ctx, slog.LevelInfo, "appending works again")
	}
	a.failing = err != nil
}

// answer lets the callers of the last block go on. When more requests wait, that
// is done once the next block has begun: a thousand callers who all run at once
// would keep this goroutine from hearing the database. But none is kept waiting
// while another process has its turn.
func (a *appender) answer() {
	for _, p := range a.decided {
		a.queue.answered(p)
	}
	a.decided = nil
}

// persist makes one block of the requests, and of what joins them, and commits
// it, trying again as long as that is safe and sensible.
func (a *appender) persist(ctx context.Context, requests []*pending) ([]*pending, error) {
	for attempt := 1; ; attempt++ {
		var err error
		if requests, err = a.try(ctx, requests); err == nil {
			return requests, nil
		}
		a.release()
		switch {
		case attempt == maxAttempts:
			return requests, err
		case errors.Is(err, errBehind):
			if err := a.catchUpUnlocked(ctx); err != nil {
				return requests, err
			}
		case !errors.Is(err, errLost):
			return requests, err
		}
	}
}

// try makes a block and commits it, leaving the answers in the requests. After an
// error none of them stands in the log, unless it wraps errUnknown.
func (a *appender) try(ctx context.Context, requests []*pending) ([]*pending, error) {
	if err := a.load(ctx); err != nil {
		return requests, err
	}
	if err := a.connect(ctx); err != nil {
		a.refuseQueued(err) // they would only wait to hear the same
		return requests, err
	}
	open, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginTimeout)
	defer cancel()
	a.tail.trim()
	a.stage.clear()
	w := a.wanted(requests)
	found, facts, err := a.begin(open, w)
	a.answer()
	if err != nil {
		return requests, a.lost(err)
	}
	if err := a.checkClock(found.now); err != nil { // at once: what follows may take longer than clocks may differ
		return requests, err
	}
	if err := a.level(open, found.head); err != nil {
		return requests, a.lost(err)
	}
	if a.stage.values.stale() {
		a.stage.values.clear()
	}
	a.know(w, facts)
	a.alone = found.head.last == 0 || found.head.writer == a.writer
	more, _ := a.queue.poll(requests)
	requests = append(requests, more...)
	if err := a.learn(open, requests); err != nil {
		return requests, a.lost(err)
	}
	if err := a.date(found); err != nil {
		return requests, err
	}
	a.stage.fill(found.head, requests)
	return requests, a.finish(ctx, requests)
}

// lost marks an error before COMMIT that a new connection may mend.
func (a *appender) lost(err error) error {
	if a.own.IsClosed() {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// level brings the tail to the head that was read under the lock.
func (a *appender) level(ctx context.Context, h head) error {
	at := a.tail.at()
	if h.last-at.last > maxBehind {
		return errBehind
	}
	return a.advance(ctx, a.own, at, h)
}

// catchUpUnlocked lets others append while this process reads what it lacks.
func (a *appender) catchUpUnlocked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	return a.catchUp(ctx)
}

// learn makes everything known that the requests refer to and that the block's
// first question did not ask for: those that joined it late, and streams whose
// state became unknown while the tail was brought to the head.
func (a *appender) learn(ctx context.Context, requests []*pending) error {
	for {
		w := a.wanted(requests)
		if w.empty() {
			return nil
		}
		b := &pgx.Batch{}
		var f facts
		w.ask(b, &f)
		if err := a.own.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("read what a block refers to: %w", err)
		}
		a.know(w, f)
	}
}

// date gives the block its time and its term.
func (a *appender) date(found opening) error {
	prev, floor := found.head, found.head.recordedAt
	if found.floor.After(floor) {
		floor = found.floor
	}
	if behind := floor.Sub(found.now); behind > maxClockError {
		return fmt.Errorf("the server's clock is %s behind the last block or bound; set it right", behind)
	}
	s := &a.stage
	s.at = found.now
	if s.at.Before(floor) {
		s.at = floor.UTC()
	}
	a.seq++
	s.head = head{term: prev.term, timeline: found.timeline, recordedAt: s.at, writer: a.writer, seq: a.seq}
	if prev.term == 0 || prev.timeline != found.timeline {
		s.head.term++
	}
	return nil
}

// finish commits the stage, and adds it to the tail once it stands in the log.
func (a *appender) finish(ctx context.Context, requests []*pending) error {
	s := &a.stage
	b, err := s.block()
	if err != nil {
		return err
	}
	if b == nil && len(s.given) == 0 {
		a.release() // every request was refused
		return nil
	}
	if b != nil && a.config.Tracer != nil {
		b.traces = tracesOf(requests)
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	err = a.commit(own, b, requests)
	if err != nil && (a.own.IsClosed() || errors.Is(err, errUnreplicated)) {
		err = a.resolve(ctx, b, err)
	}
	if err != nil || b == nil {
		return err
	}
	a.subjects.remember(s.values.of, s.values.keys)
	return a.add(b, s.changes)
}

// resolve finds out what became of a COMMIT that was not answered, or answered too
// soon: nil if the block stands in the log, and where the server has synchronous
// standbys, in theirs too.
func (a *appender) resolve(ctx context.Context, b *Block, cause error) error {
	if b == nil {
		return fmt.Errorf("%w: %w", errLost, cause) // only answers without events, safe to try again
	}
	a.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the outcome of a COMMIT is unknown, looking it up",
		slog.Int64("first", int64(b.First)), slog.Int64("last", int64(b.Last)), slog.String("error", cause.Error()))
	var ended time.Time
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		there, err := a.lookUp(context.WithoutCancel(ctx), b)
		switch {
		case err == nil && there:
			return nil
		case err == nil:
			return fmt.Errorf("%w: %w", errLost, cause)
		}
		a.refuseQueued(err)
		if ctx.Err() != nil && ended.IsZero() {
			ended = time.Now()
		}
		if !ended.IsZero() && time.Since(ended) > grace {
			return fmt.Errorf("%w, the events may be recorded: %w", errUnknown, cause)
		}
		time.Sleep(pause)
	}
}

// lookUp asks for the block by its writer. With the lock taken first, the
// transaction in question has ended, one way or the other. Its own COMMIT waits for
// what the other may not have waited for.
func (a *appender) lookUp(ctx context.Context, b *Block) (there bool, err error) {
	a.release()
	if err := a.connect(ctx); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	batch := &pgx.Batch{}
	batch.Queue(beginTransaction)
	batch.Queue(takeLock, a.lockKey)
	batch.Queue(`SELECT EXISTS (SELECT FROM blocks WHERE last_position = $1 AND writer = $2 AND writer_seq = $3)`,
		int64(b.Last), b.writer, b.seq).QueryRow(func(row pgx.Row) error { return row.Scan(&there) })
	batch.Queue(emitMessage)
	batch.Queue("COMMIT")
	before := a.unreplicated.Load()
	err = a.own.SendBatch(ctx, batch).Close()
	if err == nil && a.unreplicated.Load() != before {
		err = errUnreplicated
	}
	return there, err
}

// refuseQueued answers what waits now, while the database is away.
func (a *appender) refuseQueued(err error) {
	for _, p := range a.queue.drain() {
		p.err = fmt.Errorf("%w: %w", events.ErrUnavailable, err)
		a.queue.answered(p)
	}
}
