// Access reviews: the campaigns of the caller's organization, and deciding in them.

package graphql

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// AccessReviews implements accessReviews.
func (q queries) AccessReviews(ctx context.Context) ([]model.AccessReview, error) {
	c := callerOf(ctx)
	organization, err := c.organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	if err := c.may(aggregate.OpReadReviews, false); err != nil {
		return nil, err
	}
	if err := q.catchUp(ctx); err != nil {
		return nil, err
	}
	found, err := evidence.ReviewsOf(ctx, q.views, organization, evidence.Point{})
	if err != nil {
		return nil, err
	}
	out := make([]model.AccessReview, 0, len(found))
	for _, r := range slices.Backward(found) {
		out = append(out, accessReview(r, requestOf(ctx).now))
	}
	return out, nil
}

func accessReview(r *evidence.Review, now time.Time) model.AccessReview {
	out := model.AccessReview{
		ID: r.ID.String(), Name: r.Name, Position: int64(r.At), Due: r.Due, Reviewers: []string{},
		OpenedAt: r.OpenedAt, OpenedBy: r.OpenedBy, ClosedAt: r.ClosedAt, Items: []model.AccessReviewItem{},
	}
	for _, user := range r.Reviewers {
		out.Reviewers = append(out.Reviewers, user.String())
	}
	for _, c := range r.Snapshot {
		item := model.AccessReviewItem{
			Token: c.ID.String(), Kind: c.Kind, Name: c.Name, Scopes: append([]string{}, c.Scopes...), Owner: c.CreatedBy,
			LastUsedAt: c.LastUsedAt, Late: now.After(r.Due),
		}
		if c.User != uuid.Nil {
			item.Owner = c.User.String()
		}
		if d, decided := r.Decisions[c.ID]; decided {
			decision := model.AccessReviewDecisionKeep
			if d.Decision == events.ReviewRevoke {
				decision = model.AccessReviewDecisionRevoke
			}
			item.Decision, item.DecidedBy, item.DecidedAt, item.Late = &decision, &d.By, &d.At, d.At.After(r.Due)
			if d.Reason != "" {
				item.Reason = &d.Reason
			}
		}
		out.Items = append(out.Items, item)
	}
	return out
}

// OpenAccessReview implements openAccessReview.
func (m mutations) OpenAccessReview(ctx context.Context, input model.OpenAccessReviewInput) (*model.AccessReviewPayload, error) {
	organization, err := requestOf(ctx).caller.organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	head, err := m.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	in := aggregate.OpenReview{Organization: organization, Name: input.Name, At: head, Due: input.Due}
	for _, text := range input.Reviewers {
		user, err := uuid.Parse(text)
		if err != nil {
			return nil, badInput("reviewers", "%s is no user's UUID.", text)
		}
		in.Reviewers = append(in.Reviewers, user)
	}
	return m.reviewPayload(ctx)(m.tokens.OpenAccessReview(ctx, requestOf(ctx).call(ctx), in))
}

// DecideAccessReview implements decideAccessReview.
func (m mutations) DecideAccessReview(ctx context.Context, input model.DecideAccessReviewInput) (*model.AccessReviewPayload, error) {
	organization, err := requestOf(ctx).caller.organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	review, err := uuid.Parse(input.Review)
	if err != nil {
		return nil, badInput("review", "review must be a review's UUID.")
	}
	token, err := m.tokenID(ctx, "token", input.Token, "")
	if err != nil {
		return nil, err
	}
	in := aggregate.ReviewedToken{
		Organization: organization, Review: review, Token: token, Decision: events.ReviewKeep, Reason: value(input.Reason),
	}
	if input.Decision == model.AccessReviewDecisionRevoke {
		in.Decision = events.ReviewRevoke
	}
	return m.reviewPayload(ctx)(m.tokens.DecideAccessReview(ctx, requestOf(ctx).call(ctx), in))
}

// CloseAccessReview implements closeAccessReview.
func (m mutations) CloseAccessReview(ctx context.Context, id string) (*model.AccessReviewPayload, error) {
	organization, err := requestOf(ctx).caller.organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	review, err := uuid.Parse(id)
	if err != nil {
		return nil, badInput("id", "id must be a review's UUID.")
	}
	return m.reviewPayload(ctx)(m.tokens.CloseAccessReview(ctx, requestOf(ctx).call(ctx), organization, review))
}

// reviewPayload answers a mutation on a review.
func (m mutations) reviewPayload(ctx context.Context) func(aggregate.Made, error) (*model.AccessReviewPayload, error) {
	return func(out aggregate.Made, err error) (*model.AccessReviewPayload, error) {
		if err != nil {
			return nil, err
		}
		m.recorded(ctx, out.Outcome)
		return &model.AccessReviewPayload{ID: out.ID.String(), Receipt: model.NewReceipt(out.Receipt)}, nil
	}
}
