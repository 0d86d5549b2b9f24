// What a kill leaves of a stream that is written behind its answers.

package jetstream_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// The store is put back without its end and without what a server writes about it when
// it is stopped, as after a kill: the relay publishes again what is missing.
func TestWhatAKillTakesIsPublishedAgain(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	uses := make([]events.Event, 200)
	for i := range uses {
		uses[i] = events.TokenUsed{Action: "createEvidence"}
	}
	l.append(l.tokens[0].Decide(uses...))
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay(), Buffered: true})
	r.reach(l.head())
	r.end()
	b.stop()
	cut(t, b.store())
	b.start()
	_, stream := openStream(t, b.relay(), l.Origin())
	if last := stream.CachedInfo().State.LastSeq; last >= uint64(l.head()) || last == 0 {
		t.Fatalf("the cut stream ends at %d of %d", last, l.head())
	}
	r = runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay(), Buffered: true})
	r.reach(l.head())
	r.end()
	mustEqual(t, b.relay(), l, 1)
}

// cut takes the end of the last messages, in the middle of one, and the index.
func cut(t *testing.T, store string) {
	t.Helper()
	var blocks []string
	err := filepath.WalkDir(store, func(path string, _ os.DirEntry, err error) error {
		switch {
		case err == nil && filepath.Ext(path) == ".blk":
			blocks = append(blocks, path)
		case err == nil && filepath.Base(path) == "index.db":
			return os.Remove(path)
		}
		return err
	})
	if err != nil || len(blocks) == 0 {
		t.Fatalf("the store has %d files of messages: %v", len(blocks), err)
	}
	slices.Sort(blocks)
	last := blocks[len(blocks)-1]
	info, err := os.Stat(last)
	if err == nil {
		err = os.Truncate(last, info.Size()-info.Size()/3-7)
	}
	if err != nil {
		t.Fatal(err)
	}
}
