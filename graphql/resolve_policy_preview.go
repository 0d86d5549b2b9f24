// policyPreview: recorded uses judged again under a draft.

package graphql

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// PolicyTrials judges recorded uses under drafts of policies, by the function
// that decides uses.
type PolicyTrials interface {
	// Trial begins one; ok is false for an organization that is not known yet.
	Trial(organization uuid.UUID, draft events.Policy) (t PolicyTrial, ok bool)
}

// PolicyTrial is shown the uses in the order of the log.
type PolicyTrial interface {
	// Refuses gives the code of what the draft would have refused, empty for the rest.
	Refuses(u PastUse) string
	// Remember notes a use that is not judged, as the last one of its token.
	Remember(u PastUse)
}

// PastUse is a use that the log tells of.
type PastUse struct {
	Token                 uuid.UUID
	At                    time.Time
	Action, Resource, Via string
	Address               netip.Addr
}

const (
	maxPreviewDays   = 90
	maxPreviewCalls  = 1000
	maxPreviewTokens = 10_000
)

// PolicyPreview implements policyPreview.
func (q queries) PolicyPreview(
	ctx context.Context, organizationID *string, policy model.UpdateOrganizationPolicyInput, days int, after *int64, first int,
) (*model.PolicyPreview, error) {
	organization, err := callerOf(ctx).organization("organizationID", organizationID)
	if err != nil {
		return nil, err
	}
	if err := callerOf(ctx).may(aggregate.OpPreviewPolicy, false); err != nil {
		return nil, err
	}
	since, err := q.lookBack(ctx, days)
	if err != nil {
		return nil, err
	}
	if first < 0 || first > maxPreviewCalls {
		return nil, badInput("first", "first must be between 0 and %d.", maxPreviewCalls)
	}
	row, found, err := load(ctx, requestOf(ctx).organizationByID, organization)
	if err != nil || !found {
		return nil, cmp.Or(err, notFound("organizationID", "There is no such organization."))
	}
	draft, err := aggregate.Draft(row.Objects, policyChange(policy).To(row.Policy))
	if err != nil {
		return nil, err
	}
	trial, ok := q.trials.Trial(organization, draft)
	if !ok {
		return nil, notFound("organizationID", "There is no such organization.")
	}
	p := preview{trial: trial, since: since, after: events.Position(value(after)), first: first, tokens: map[uuid.UUID]*model.PolicyPreviewToken{}}
	from := since.Add(-draft.IdleExpiry.Duration()) // what was used before tells who was idle
	for use, err := range q.views.PastUses(ctx, events.OrganizationTrail(organization), from) {
		if err != nil {
			return nil, err
		}
		p.judge(use)
	}
	return p.answer(ctx, q, draft)
}

// lookBack is the start of the last days.
func (h *handler) lookBack(ctx context.Context, days int) (time.Time, error) {
	if days < 1 || days > maxPreviewDays {
		return time.Time{}, badInput("days", "days must be between 1 and %d.", maxPreviewDays)
	}
	return requestOf(ctx).now.Add(-time.Duration(days) * 24 * time.Hour), h.catchUp(ctx)
}

// preview gathers what a trial finds. What it holds grows with the tokens that
// were used, not with the uses.
type preview struct {
	trial  PolicyTrial
	since  time.Time
	after  events.Position
	first  int
	out    model.PolicyPreview
	tokens map[uuid.UUID]*model.PolicyPreviewToken
}

func (p *preview) judge(u projections.PastUse) {
	past := PastUse{Token: u.Token, At: u.At, Action: u.Action, Resource: u.Resource, Via: u.Via, Address: u.Address}
	if u.At.Before(p.since) {
		p.trial.Remember(past)
		return
	}
	if u.Erased {
		p.out.UnknownCalls++
		p.trial.Remember(past)
		return
	}
	p.out.Calls++
	t := p.tokens[u.Token]
	if t == nil {
		t = &model.PolicyPreviewToken{TokenID: u.Token.String()}
		p.tokens[u.Token] = t
	}
	t.Calls++
	code := p.trial.Refuses(past)
	if code == "" {
		return
	}
	p.out.RefusedCalls++
	t.RefusedCalls++
	countReason(t, code)
	switch {
	case u.Position <= p.after:
	case len(p.out.Refused) >= p.first:
		p.out.HasMore = true
	default:
		p.out.Refused = append(p.out.Refused, model.PolicyPreviewCall{
			Position: int64(u.Position), RecordedAt: u.At, TokenID: u.Token.String(),
			Action: optional(u.Action), Resource: optional(u.Resource), Code: code,
		})
	}
}

func (p *preview) answer(ctx context.Context, q queries, draft events.Policy) (*model.PolicyPreview, error) {
	p.out.Policy, p.out.Since = policyShown(draft), p.since
	hit := slices.DeleteFunc(slices.Collect(maps.Values(p.tokens)), func(t *model.PolicyPreviewToken) bool { return t.RefusedCalls == 0 })
	slices.SortFunc(hit, func(a, b *model.PolicyPreviewToken) int {
		return cmp.Or(cmp.Compare(b.RefusedCalls, a.RefusedCalls), cmp.Compare(a.TokenID, b.TokenID))
	})
	hit = hit[:min(len(hit), maxPreviewTokens)]
	ids := make([]uuid.UUID, len(hit))
	for i, t := range hit {
		ids[i] = uuid.MustParse(t.TokenID)
	}
	rows, err := q.views.TokensByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	p.out.Tokens, p.out.Refused = make([]model.PolicyPreviewToken, len(hit)), slices.Grow(p.out.Refused, 1)
	for i, t := range hit {
		if row, ok := rows[ids[i]]; ok {
			t.Name = optional(row.Name)
		}
		p.out.Tokens[i] = *t
	}
	return &p.out, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func countReason(t *model.PolicyPreviewToken, code string) {
	for i := range t.Reasons {
		if t.Reasons[i].Code == code {
			t.Reasons[i].Calls++
			return
		}
	}
	t.Reasons = append(t.Reasons, model.PolicyPreviewReason{Code: code, Calls: 1})
}
