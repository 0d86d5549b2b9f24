// Recording refusals behind the answer, at a rate that no attacker sets.

package verifier

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

const (
	refusalWindow  = time.Minute
	refusalsSingly = 10      // recorded one by one in a window, for each token and code
	refusalKeys    = 1 << 16 // distinct tokens, codes and sources counted in a window
	refusalQueue   = 4096
	recordLimit    = 5 * time.Second // for recording what is refused, also when the service ends
)

// refusal is one refused use, waiting to be recorded.
type refusal struct {
	token   uuid.UUID
	trail   events.TrailID
	subject events.SubjectID
	actor   events.Actor
	query   Query // without its value
	code    Code
}

type refusalKey struct {
	token uuid.UUID
	trail events.TrailID
	code  Code
}

// refusalBook counts refusals by window, so that a known token's are recorded
// ten times and then summed up, and guesses at unknown ids are only summed up.
type refusalBook struct {
	queue chan refusal

	mu      sync.Mutex // guards the counts
	known   map[refusalKey]*count
	unknown map[netip.Addr]int64
}

type count struct {
	n     int64
	first refusal
}

func newRefusalBook() refusalBook {
	return refusalBook{
		queue: make(chan refusal, refusalQueue), known: map[refusalKey]*count{}, unknown: map[netip.Addr]int64{},
	}
}

// refuse notes a refusal; it never waits.
func (v *Verifier) refuse(q Query, d decided) {
	q.Value = ""
	r := refusal{token: d.token, trail: d.trail, query: q, code: d.code}
	if d.ground != nil {
		r.subject, r.actor = d.personalSubject, d.actor
	}
	if single := v.refused.note(r); single {
		select {
		case v.refused.queue <- r:
		default:
			v.refused.postpone(r)
		}
	}
}

// note counts and reports whether this one is recorded by itself.
func (b *refusalBook) note(r refusal) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.trail == "" { // no token of ours, or not one that the caller may know of
		if r.code == Unknown || r.code == Malformed {
			if _, ok := b.unknown[r.query.Address]; !ok && len(b.unknown) >= refusalKeys {
				r.query.Address = netip.Addr{}
			}
			b.unknown[r.query.Address]++
		}
		return false
	}
	k := refusalKey{r.token, r.trail, r.code}
	c := b.known[k]
	if c == nil {
		if len(b.known) >= refusalKeys {
			return false
		}
		c = &count{first: r}
		b.known[k] = c
	}
	c.n++
	return c.n <= refusalsSingly
}

// postpone moves one refusal that found the queue full into the summary.
func (b *refusalBook) postpone(r refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.known[refusalKey{r.token, r.trail, r.code}]; c != nil && c.n <= refusalsSingly {
		c.n = refusalsSingly + 1
	}
}

// close ends a window and gives what it summed up.
func (b *refusalBook) close() ([]*count, map[netip.Addr]int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var over []*count
	for _, c := range b.known {
		if c.n > refusalsSingly {
			c.n -= refusalsSingly
			over = append(over, c)
		}
	}
	unknown := b.unknown
	b.known, b.unknown = map[refusalKey]*count{}, map[netip.Addr]int64{}
	return over, unknown
}

// recordRefusals runs until ctx ends, and then records what is left.
func (v *Verifier) recordRefusals(ctx context.Context) {
	window := time.NewTicker(refusalWindow)
	defer window.Stop()
	for {
		select {
		case r := <-v.refused.queue:
			v.outlive(ctx, func(ctx context.Context) {
				v.recordRefusal(ctx, r, 0)
				if v.endsFamily(r) {
					v.endFamily(ctx, r)
				}
			})
		case <-window.C:
			v.outlive(ctx, v.recordSummaries)
		case <-ctx.Done():
			v.outlive(ctx, func(ctx context.Context) {
				for len(v.refused.queue) > 0 {
					v.recordRefusal(ctx, <-v.refused.queue, 0)
				}
				v.recordSummaries(ctx)
			})
			return
		}
	}
}

// outlive gives work that has begun a little longer than ctx.
func (v *Verifier) outlive(ctx context.Context, work func(context.Context)) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	work(last)
}

func (v *Verifier) recordSummaries(ctx context.Context) {
	over, unknown := v.refused.close()
	for _, c := range over {
		v.recordRefusal(ctx, c.first, c.n)
	}
	for _, address := range slices.SortedFunc(maps.Keys(unknown), netip.Addr.Compare) {
		e := events.InstallationUnknownRefused{Count: unknown[address]}
		if address.IsValid() {
			e.Address = events.Personal{Subject: events.InstallationStream, Value: address.String()}
		}
		v.append(ctx, events.Batch{
			Stream: events.InstallationStream, Trail: events.OperatorTrail,
			Meta: events.Meta{Actor: events.System("verifier")}, Events: []events.Event{e},
		})
	}
}

// recordRefusal appends one refusal, or the sum of n.
func (v *Verifier) recordRefusal(ctx context.Context, r refusal, n int64) {
	key := sourceKey{r.token, r.trail, r.query.Address, r.query.Agent}
	source, introduces, err := v.sources.lookup(ctx, key, false)
	if err != nil {
		v.logger.WarnContext(ctx, "a refusal is recorded without its source", "error", err)
	}
	e := events.TokenUseRefused{
		Code: string(r.code), Source: source, Action: r.query.Action, Resource: r.query.Resource, Via: r.query.Via, Count: n,
	}
	facts := []events.Event{e}
	if introduces {
		defer v.sources.introduced(key)
		e.Source = -1
		facts = []events.Event{seen(key, r.subject), e}
	}
	receipt, ok := v.append(ctx, events.Batch{
		Stream: events.TokenStream(r.token), Trail: r.trail,
		Meta:   events.Meta{Actor: r.actor, Correlation: r.query.RequestID, Trace: r.query.Trace},
		Events: facts,
	})
	if ok && introduces {
		v.sources.remember(key, receipt.Placed[0].Position)
	}
}

// retryBusy is how soon a log that was busy is asked again to record a refusal: a
// flood of uses must not keep it from being told what was refused meanwhile.
const retryBusy = 20 * time.Millisecond

func (v *Verifier) append(ctx context.Context, b events.Batch) (events.Receipt, bool) {
	request := events.Request{Batches: []events.Batch{b}}
	receipt, err := v.log.Append(ctx, request)
	for errors.Is(err, events.ErrBusy) {
		select {
		case <-time.After(retryBusy):
			receipt, err = v.log.Append(ctx, request)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		v.logger.WarnContext(ctx, "a refusal could not be recorded", "stream", b.Stream, "error", err)
	}
	return receipt, err == nil
}
