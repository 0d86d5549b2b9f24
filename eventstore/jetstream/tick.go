// The tick: a word on core NATS that the head of a log has moved. It may get lost.

package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// TickSubject is where processes that share a log wake each other.
const TickSubject = "tokenledger.tick"

// Followed is a log that can be told that its head has moved; [eventstore.Log]
// is one.
type Followed interface {
	Source
	Head(context.Context) (events.Position, error)
	Nudge()
}

// Tick tells other processes of every block that this one learns of, unless they
// told of it first, and nudges the log when they tell of one. It runs until ctx
// ends and then returns nil. What is said while NATS is away is lost, which is
// harmless: every process also looks by itself now and then.
func Tick(ctx context.Context, conn *nats.Conn, log Followed) error {
	t := ticker{conn: conn, log: log}
	sub, err := conn.Subscribe(TickSubject, t.hear)
	if err != nil {
		return fmt.Errorf("listen for ticks: %w", err)
	}
	defer sub.Unsubscribe() // its only error is a connection that is closed anyway
	l := watch(conn)
	defer l.unwatch()
	for p := (pause{}); ; p.wait(ctx, l) {
		err := t.tell(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if forGood(err) {
			return fmt.Errorf("tell of new events: %w", err)
		}
	}
}

type ticker struct {
	conn *nats.Conn
	log  Followed
	head atomic.Int64 // the highest that was told or heard of
}

// moves notes a head; it reports whether that is news.
func (t *ticker) moves(head events.Position) bool {
	for {
		old := t.head.Load()
		if int64(head) <= old {
			return false
		}
		if t.head.CompareAndSwap(old, int64(head)) {
			return true
		}
	}
}

func (t *ticker) hear(m *nats.Msg) {
	if t.moves(readTick(t.log.Origin(), m.Data)) {
		t.log.Nudge()
	}
}

// tell speaks of the blocks from now on.
func (t *ticker) tell(ctx context.Context) error {
	head, err := t.log.Head(ctx)
	if err != nil {
		return err
	}
	for b, err := range t.log.Blocks(ctx, head, true) {
		if err != nil {
			return err
		}
		if !t.moves(b.Last) || !t.conn.IsConnected() {
			continue
		}
		if err := t.conn.Publish(TickSubject, tick(t.log.Origin(), b.Last)); errors.Is(err, nats.ErrConnectionClosed) {
			return err
		}
	}
	return errLogEnded
}

// errLogEnded: a log that was followed had an end, which it has only with ctx.
var errLogEnded = fmt.Errorf("%w: it ended while it was followed", eventstore.ErrCorrupt)

func tick(origin string, head events.Position) []byte {
	return fmt.Appendf(nil, "%s %d", origin, head)
}

// readTick gives the head that a tick of the log speaks of, 0 for any other message.
func readTick(origin string, data []byte) events.Position {
	text, ok := strings.CutPrefix(string(data), origin+" ")
	if !ok {
		return 0
	}
	head, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return events.Position(head)
}
