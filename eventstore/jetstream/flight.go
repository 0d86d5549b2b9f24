// What has been sent and is not yet known to stand in the stream.

package jetstream

import "github.com/tokenledger/tokenledger/events"

// How much may be in flight, and how often the server is asked how far it has got.
// It answers for all messages before the one that asks, since it would have refused
// that one had a single predecessor been missing. The first of a flight asks as well:
// where somebody else's message has taken its place, the next ones would fit behind it.
const (
	flightMessages = 4096
	flightBytes    = 8 << 20
	askMessages    = 128
	askBytes       = 256 << 10
)

// flight counts messages and bytes of leaves between what was sent and what was
// answered for.
type flight struct {
	sent, landed events.Position
	bytes        int // in flight
	unasked      int // of them, since the last message that asked
	asked        []ask
}

// ask is a message that asked, with the bytes since the one that asked before it.
type ask struct {
	at    events.Position
	bytes int
}

func (f *flight) empty() bool { return f.sent == f.landed }

func (f *flight) full() bool {
	return f.sent-f.landed >= flightMessages || f.bytes >= flightBytes
}

// send adds the next message. It reports whether that message is to ask: every
// so often, and always the first of a flight and the last of what there is to send.
func (f *flight) send(bytes int, last bool) (asks bool) {
	f.sent++
	f.bytes += bytes
	f.unasked += bytes
	first, previous := f.sent == f.landed+1, f.landed
	if n := len(f.asked); n > 0 {
		previous = f.asked[n-1].at
	}
	asks = first || last || f.sent-previous >= askMessages || f.unasked >= askBytes
	if asks {
		f.asked = append(f.asked, ask{f.sent, f.unasked})
		f.unasked = 0
	}
	return asks
}

// land takes the answer to the oldest message that asked.
func (f *flight) land(at events.Position) bool {
	if len(f.asked) == 0 || f.asked[0].at != at {
		return false
	}
	f.bytes -= f.asked[0].bytes
	f.landed = at
	f.asked = f.asked[1:]
	return true
}
