// What people make of findings.

package aggregate

import (
	"context"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Triage is the input for what somebody made of a finding. That there is such a
// finding is for the caller of this to know: no rule here depends on it.
type Triage struct {
	Organization uuid.UUID
	Rule         string
	Position     events.Position
	Status       events.FindingStatus
	Note         string // may be empty
}

// TriageFinding records what became of a finding.
type TriageFinding struct{ Triage }

func (c TriageFinding) decide(o Organization) ([]events.OrganizationEvent, error) {
	if err := o.mustExist(); err != nil {
		return nil, err
	}
	switch c.Status {
	case events.FindingOpen, events.FindingAcknowledged, events.FindingClosed, events.FindingFalsePositive:
	default:
		return nil, refuse(CodeBadUserInput, "status", "A finding is open, acknowledged, closed or a false positive.")
	}
	return []events.OrganizationEvent{events.OrganizationFindingTriaged{
		Rule: c.Rule, At: int64(c.Position), Status: c.Status,
	}}, nil
}

// TriageFinding records what somebody made of a finding, and why.
func (y *Directory) TriageFinding(ctx context.Context, call Call, in Triage) (Made, error) {
	return y.run(ctx, call, "TriageFinding", in, events.KindOrganization,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if _, err := admit(ctx, d, who, in.Organization, OpTriageFinding); err != nil {
				return in.Organization, err
			}
			d.Because(in.Note)
			if in.Note != "" {
				if err := reasonText("note").check(in.Note); err != nil {
					return in.Organization, err
				}
			}
			return in.Organization, onOrganization(ctx, d, in.Organization, TriageFinding{in})
		})
}
