// The end of a rotated token at its successor's first use, in the same append.

package verifier

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// delivery says that the value of a successor has arrived. It is a decision in
// the append of the first use: from then on the successor cannot be replaced, and
// a replacement that was decided before takes the use's place in the log.
func (d *decided) delivery(meta events.Meta) events.Batch {
	trail := events.OrganizationTrail(d.subject.Organization)
	if d.subject.Kind == events.PersonalKind {
		trail = events.UserTrail(d.subject.User)
	}
	return events.Batch{Stream: events.TokenStream(d.token), Trail: trail, Meta: meta, Events: []events.Event{events.TokenDelivered{}}}
}

// supersede adds the predecessor's end to the request of a use, as the rules
// decide it. It happens once in a token's life, so the streams are read from the
// log and not kept in memory.
func (v *Verifier) supersede(ctx context.Context, predecessor uuid.UUID, r *events.Request) error {
	token, err := load(ctx, v.log, aggregate.TokenDecider, events.TokenStream(predecessor), r)
	if err != nil {
		return err
	}
	ended, err := aggregate.TokenDecider.Decide(token, aggregate.SupersedeToken{}, v.now())
	if err != nil || len(ended) == 0 {
		return err
	}
	token = aggregate.TokenDecider.Fold(token, ended...)
	trail := events.OrganizationTrail(token.Organization)
	if token.Kind == events.PersonalKind {
		trail = events.UserTrail(token.Owner)
	}
	conclude(r, events.TokenStream(predecessor), trail, ended)
	for _, organization := range token.Organizations {
		stream := events.GrantStream(predecessor, organization)
		grant, err := load(ctx, v.log, aggregate.GrantDecider, stream, r)
		if err != nil {
			return err
		}
		followed, err := aggregate.GrantDecider.Decide(grant, aggregate.FollowToken{Token: token}, v.now())
		if err != nil {
			return err
		}
		conclude(r, stream, events.OrganizationTrail(organization), followed)
	}
	return nil
}

// load folds a stream, and guards the request by its version.
func load[S, C any, E events.Event](
	ctx context.Context, log Log, d aggregate.Decider[S, C, E], stream events.StreamID, r *events.Request,
) (state S, err error) {
	version := events.Version(0)
	for rec, err := range log.ReadStream(ctx, stream, 0) {
		if err != nil {
			return state, err
		}
		e, ok := rec.Event.(E)
		if !ok {
			return state, fmt.Errorf("%s at version %d needs a newer program", stream, rec.Version)
		}
		state, version = d.Evolve(state, e), rec.Version
	}
	r.Guards = append(r.Guards, events.AtVersion(stream, version))
	return state, nil
}

func conclude[E events.Event](r *events.Request, stream events.StreamID, trail events.TrailID, decided []E) {
	if len(decided) == 0 {
		return
	}
	b := events.Batch{
		Stream: stream, Trail: trail,
		Meta: events.Meta{Actor: events.System("verifier"), Reason: "the successor was used", Correlation: r.Batches[0].Meta.Correlation},
	}
	for _, e := range decided {
		b.Events = append(b.Events, e)
	}
	r.Batches = append(r.Batches, b)
}
