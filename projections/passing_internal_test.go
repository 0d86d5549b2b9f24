// Which runs a projection passes over.

package projections

import (
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

func TestOnlyRunsOfUsesArePassedOver(t *testing.T) {
	t.Parallel()
	use := func(at events.Position) events.Recorded {
		return events.Recorded{Position: at, Event: events.TokenUsed{}}
	}
	uses := []events.Recorded{use(8), {Position: 9, Event: events.TokenUseRefused{}}, {Position: 10, Event: events.TokenSourceSeen{}}}
	for what, c := range map[string]struct {
		p        Projection
		run      []events.Recorded
		storedAt time.Time
		want     bool
	}{
		"uses":                             {tokens{}, uses, time.Now(), true},
		"a decision among them":            {tokens{}, append(uses[:3:3], events.Recorded{Position: 11, Event: events.TokenDeleted{}}), time.Now(), false},
		"what this program has no name of": {tokens{}, append(uses[:3:3], events.Recorded{Position: 11, Event: events.Unknown{}}), time.Now(), false},
		"a model that counts uses":         {usage{}, uses, time.Now(), false},
		"a model that holds all lines":     {trails{}, uses, time.Now(), false},
		"a checkpoint of long ago":         {tokens{}, uses, time.Now().Add(-passFor), false},
		"a checkpoint that is far behind":  {tokens{}, []events.Recorded{use(8 + maxRun)}, time.Now(), false},
	} {
		g := &generation{position: 7, stored: 7, storedAt: c.storedAt}
		if got := passOver(c.p, g, c.run); got != c.want || (g.position != 7) != c.want || g.stored != 7 {
			t.Errorf("%s: passed over %t, now at %d and %d", what, got, g.position, g.stored)
		}
		if (g.due() != nil) != c.want {
			t.Errorf("%s: the checkpoint is due: %t", what, !c.want)
		}
	}
}
