// How the package is used from outside.

package aggregate_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// An order is decided on what the log holds, recorded, and answered from what
// was decided.
func ExampleHandler() {
	log := aggregate.NewMemory() // in a service, an *eventstore.Log
	handler := &aggregate.Handler{Log: log}
	organization, user := uuid.New(), uuid.New()
	stream, trail := events.MembershipStream(organization, user), events.OrganizationTrail(organization)

	join := aggregate.Order{
		Meta: events.Meta{Actor: events.System("example"), Reason: "shows how"},
		Decide: func(ctx context.Context, d *aggregate.Decision) error {
			var command aggregate.MembershipCommand = aggregate.StartMembership{
				Organization: organization, User: user, Role: events.RoleAuditor,
			}
			_, err := aggregate.Do(ctx, d, aggregate.MembershipDecider, stream, trail, command)
			return err
		},
	}
	out, err := handler.Handle(context.Background(), join)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, rec := range out.History[stream] {
		fmt.Println(rec.Version, rec.Event.Type(), "because it", rec.Meta.Reason)
	}

	_, err = handler.Handle(context.Background(), join)
	var refusal *aggregate.Refusal
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Code, refusal.Field)
		fmt.Println(refusal)
	}
	// Output:
	// 1 membership.started because it shows how
	// CONFLICT userID
	// This user is a member already, as auditor; change the role instead.
}

// Scopes are sets: what a token may do is what its own scopes and its owner's
// role have in common.
func ExampleEffective() {
	policy := events.Policy{MemberScopes: []string{"evidence:write", "task:read"}}
	role := aggregate.RoleScopes(events.RoleMember, policy)
	fmt.Println(aggregate.Effective(aggregate.Scopes{"read", "risk:write"}, role, true))
	fmt.Println(aggregate.Effective(nil, role, true))
	// Output:
	// [evidence:read task:read]
	// [evidence:write task:read]
}
