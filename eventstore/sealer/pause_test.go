// How soon a sealer tries again.

package sealer

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/eventstore"
)

func TestWhatAPersonHasToLookAtIsNotTriedEverySecond(t *testing.T) {
	t.Parallel()
	c := Config{Every: time.Second, Idle: time.Minute}
	for _, about := range []struct {
		err  error
		want time.Duration
	}{
		{ErrRefused, c.Idle},
		{eventstore.ErrCorrupt, c.Idle},
		{errors.New("the database is away"), c.Every},
	} {
		if got := c.pause(fmt.Errorf("seal: %w", about.err)); got != about.want {
			t.Errorf("after %q it waits %s, want %s", about.err, got, about.want)
		}
	}
}
