// Many who want the log's head cost few looks at it, and none sees less than it asked for.

package verifier

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tokenledger/tokenledger/events"
)

func TestLooksAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, release := newLooks(), make(chan struct{})
		var head events.Position
		ask := func(context.Context) (events.Position, error) {
			head++
			at := head
			<-release
			return at, nil
		}
		var wg sync.WaitGroup
		want := func(at events.Position) {
			wg.Go(func() {
				if got, err := l.head(t.Context(), ask); err != nil || got != at {
					t.Errorf("head %d, %v; want %d", got, err, at)
				}
			})
		}
		want(1)
		synctest.Wait() // whoever comes now, comes too late for this look
		for range 50 {
			want(2)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := l.head(gone, ask); !errors.Is(err, context.Canceled) {
			t.Errorf("who does not wait was answered: %v", err)
		}
		synctest.Wait()
		release <- struct{}{}
		synctest.Wait()
		want(3)
		synctest.Wait()
		release <- struct{}{}
		synctest.Wait()
		release <- struct{}{}
		wg.Wait()
		if head != 3 {
			t.Errorf("%d looks for 53 callers", head)
		}
	})
}
