// Erasure: the key of a subject's personal values is destroyed, and with it the values.

package aggregate

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// reasoned is because, for what may not be done without a reason.
func (d *Decision) reasoned(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return refuse(CodeBadUserInput, "reason", "An erasure needs a reason.")
	}
	return d.because(reason, "reason")
}

// EraseUser ends the readability of a user's personal values. A user who may still
// come in would leave new ones, so he is deactivated first.
type EraseUser struct{}

func (EraseUser) decide(u User) ([]events.UserEvent, error) {
	if err := u.mustExist(); err != nil || u.Erased {
		return nil, err
	}
	if !u.Deactivated {
		return nil, refuse(CodeConflict, "id", "This user can still come in; deactivate the user first.")
	}
	return []events.UserEvent{events.UserErased{}}, nil
}

// EraseNetworkData ends the readability of the addresses and agents that an
// organization's tokens were seen with. What is seen later is readable again.
type EraseNetworkData struct{}

func (EraseNetworkData) decide(o Organization) ([]events.OrganizationEvent, error) {
	if err := o.mustExist(); err != nil {
		return nil, err
	}
	return []events.OrganizationEvent{events.OrganizationNetworkDataErased{}}, nil
}

// EraseNetworkData erases the network data of an organization, for somebody of it.
func (y *Directory) EraseNetworkData(ctx context.Context, call Call, organization uuid.UUID, reason string) (Made, error) {
	made, err := y.run(ctx, call, "EraseNetworkData", []any{organization, reason}, events.KindOrganization,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if _, err := admit(ctx, d, who, organization, OpEraseNetworkData); err != nil {
				return organization, err
			}
			if err := d.reasoned(reason); err != nil {
				return organization, err
			}
			return organization, onOrganization(ctx, d, organization, EraseNetworkData{})
		})
	return made, y.erased(ctx, events.OrganizationStream(organization), made.Outcome, err)
}

// EraseSubject erases a user or an organization's network data, for whoever holds the
// database's credentials: the operator, or a start after a restore that brought the
// values back. Only who had been deactivated was erased, so whom a restore brought back
// active is deactivated again with it.
func (y *Directory) EraseSubject(ctx context.Context, subject events.SubjectID, reason string, again bool) (Outcome, error) {
	out, err := y.Tokens.Handler.Handle(ctx, Order{
		Meta: events.Meta{Actor: events.System("erase")},
		Decide: func(ctx context.Context, d *Decision) error {
			id, _, err := subject.IDs()
			if err != nil {
				return err
			}
			if err := d.reasoned(reason); err != nil {
				return err
			}
			switch subject.Kind() {
			case events.KindOrganization:
				return onOrganization(ctx, d, id, EraseNetworkData{})
			case events.KindUser:
				if again {
					if err := onUser(ctx, d, id, DeactivateUser{}); err != nil {
						return err
					}
				}
				return onUser(ctx, d, id, EraseUser{})
			}
			return refuse(CodeBadUserInput, "subject", "Only a user or an organization has personal values.")
		},
	})
	return out, y.erased(ctx, subject, out, err)
}

// Erasures keeps what was erased outside of the log, so that a restore of the
// database does not bring it back. Keep is asked again, with the same instant, for
// an erasure that was recorded before: it may have failed then.
type Erasures interface {
	Keep(ctx context.Context, subject events.SubjectID, at time.Time) error
}

// erased hands the recorded erasure, of now or of before, to who keeps it.
func (y *Directory) erased(ctx context.Context, subject events.SubjectID, out Outcome, err error) error {
	if err != nil || y.Erasures == nil {
		return err
	}
	for _, rec := range slices.Backward(out.History[subject]) {
		if events.ErasedBy(rec.Stream, rec.Event) == subject {
			return y.Erasures.Keep(context.WithoutCancel(ctx), subject, rec.RecordedAt)
		}
	}
	return nil
}
