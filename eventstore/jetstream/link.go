// Waiting for a connection that comes and goes.

package jetstream

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
)

// link watches a connection that belongs to the caller, who has it reconnect.
type link struct {
	conn    *nats.Conn
	changed chan nats.Status // closed with the connection
}

func watch(conn *nats.Conn) *link {
	return &link{conn, conn.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.CLOSED)}
}

func (l *link) unwatch() { l.conn.RemoveStatusListener(l.changed) }

// await returns when the connection is up. It fails when ctx has ended, or with
// [nats.ErrConnectionClosed] when the connection is up never again.
func (l *link) await(ctx context.Context) error {
	for {
		l.forget()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case l.conn.IsClosed():
			return nats.ErrConnectionClosed
		case l.conn.IsConnected():
			return nil
		}
		select {
		case <-l.changed:
		case <-ctx.Done():
		}
	}
}

// forget drops what has been announced, since the connection is looked at anew.
func (l *link) forget() {
	for {
		select {
		case _, open := <-l.changed:
			if !open {
				return
			}
		default:
			return
		}
	}
}

// lost reports whether an announcement means that messages may have got lost.
func lost(s nats.Status, open bool) bool { return !open || s != nats.CONNECTED }

// pause grows from one failure to the next.
type pause struct{ last time.Duration }

const (
	shortestPause = 20 * time.Millisecond
	longestPause  = 2 * time.Second
)

func (p *pause) reset() { p.last = 0 }

// wait lets some time pass, more than the last time, unless the connection
// changes or ctx ends meanwhile.
func (p *pause) wait(ctx context.Context, l *link) {
	p.last = min(max(2*p.last, shortestPause), longestPause)
	// Half of it at random, so that two relays do not go on meeting.
	timer := time.NewTimer(p.last/2 + rand.N(p.last/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.changed:
	case <-ctx.Done():
	}
}
