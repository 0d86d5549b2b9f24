// Folding rows outside of the projections, one event at a time: what a state at an earlier position is made of.

package projections

import "github.com/tokenledger/tokenledger/events"

// Fold applies one event of the token's stream or of one of its grants, just as
// the projection does. Observations change nothing.
func (r *TokenRow) Fold(rec events.Recorded) error { return r.apply(rec) }

// Fold applies one event of the organization's stream.
func (r *OrganizationRow) Fold(rec events.Recorded) error { return foldInto(rec, r.apply) }

// Fold applies one event of the user's stream.
func (r *UserRow) Fold(rec events.Recorded) error { return foldInto(rec, r.apply) }

// Fold applies one event of the membership's stream.
func (r *MembershipRow) Fold(rec events.Recorded) error { return foldInto(rec, r.apply) }

// Fold applies one event of the grant's stream.
func (r *GrantRow) Fold(rec events.Recorded) error { return foldInto(rec, r.apply) }

// foldInto names the event where it cannot be applied.
func foldInto(rec events.Recorded, apply func(ids, events.Recorded) error) error {
	first, second, err := rec.Stream.IDs()
	if err == nil {
		err = apply(ids{first, second}, rec)
	}
	if err != nil {
		return at(rec, err)
	}
	return nil
}
