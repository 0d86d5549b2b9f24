// A good value whose MAC was made with an old pepper gets one of the active pepper.

package verifier

import (
	"context"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
)

// rewrap is a MAC that is to take the place of another.
type rewrap struct{ from, to events.Credential }

// rewrapsQueued is how many may wait; what comes above it is done at a later use.
const rewrapsQueued = 256

// outdated hands over the MAC that a token should have, if it has an older one. The
// value was found good, and nobody waits for this. The caller holds mu for reading.
func (v *Verifier) outdated(id uuid.UUID, t *token, value string) {
	active := v.peppers.Active()
	if secret.PepperVersion(t.pepper) == active || len(v.rewraps) == cap(v.rewraps) {
		return
	}
	mac, err := v.peppers.Sum(active, []byte(value))
	if err != nil {
		return // the active pepper is always there
	}
	select {
	case v.rewraps <- rewrap{
		from: events.Credential{Token: id, Pepper: int(t.pepper), MAC: t.mac},
		to:   events.Credential{Token: id, Pepper: int(active), MAC: mac},
	}:
	default:
	}
}

// rewrapAll keeps the MACs that were handed over, until ctx ends. One that cannot be
// kept now is handed over again at the next use.
func (v *Verifier) rewrapAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-v.rewraps:
			if !v.holds(r.from) {
				continue // an earlier use has done it
			}
			if err := v.log.Rewrap(ctx, r.from, r.to); err != nil {
				if ctx.Err() == nil {
					v.logger.WarnContext(ctx, "a MAC stays under an old pepper for now", "error", err)
				}
				continue
			}
			v.mu.Lock()
			v.state.credential(r.to)
			v.mu.Unlock()
		}
	}
}

func (v *Verifier) holds(c events.Credential) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	t := v.state.tokens.get(c.Token)
	return t != nil && int(t.pepper) == c.Pepper && t.mac == c.MAC
}
