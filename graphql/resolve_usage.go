// How a token is used.

package graphql

import (
	"context"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// The most parts of a usage that one field answers.
const (
	maxHours = 1000
	maxParts = 100
)

// Usage implements APIToken.usage.
func (a apiTokens) Usage(ctx context.Context, obj *model.APIToken) (*model.TokenUsage, error) {
	return a.usage(ctx, obj.ID, false)
}

// Usage implements PersonalAccessToken.usage. The token is the caller's own.
func (p personalTokens) Usage(ctx context.Context, obj *model.PersonalAccessToken) (*model.TokenUsage, error) {
	return p.usage(ctx, obj.ID, true)
}

func (h *handler) usage(ctx context.Context, token uuid.UUID, own bool) (*model.TokenUsage, error) {
	sum, _, err := load(ctx, requestOf(ctx).usageByToken, token)
	if err != nil {
		return nil, err
	}
	return &model.TokenUsage{Usage: sum, Of: token, Open: callerOf(ctx).may(aggregate.OpReadPersonal, own) == nil}, nil
}

// Hours implements TokenUsage.hours.
func (t tokenUsages) Hours(ctx context.Context, obj *model.TokenUsage, first int) ([]projections.UsageHour, error) {
	if err := t.part(ctx, first, maxHours); err != nil {
		return nil, err
	}
	return t.views.UsageHours(ctx, obj.Of, "", first)
}

// Actions implements TokenUsage.actions.
func (t tokenUsages) Actions(ctx context.Context, obj *model.TokenUsage, first int) ([]projections.UsageAction, error) {
	if err := t.part(ctx, first, maxParts); err != nil {
		return nil, err
	}
	return t.views.UsageActions(ctx, obj.Of, "", first)
}

// Reasons implements TokenUsage.reasons.
func (t tokenUsages) Reasons(ctx context.Context, obj *model.TokenUsage) ([]projections.UsageRefusal, error) {
	if err := t.part(ctx, maxParts, maxParts); err != nil {
		return nil, err
	}
	return t.views.UsageRefusals(ctx, obj.Of, "", maxParts)
}

// Sources implements TokenUsage.sources.
func (t tokenUsages) Sources(ctx context.Context, obj *model.TokenUsage, first int) ([]projections.UsageSource, error) {
	if err := t.part(ctx, first, maxParts); err != nil {
		return nil, err
	}
	sources, err := t.views.UsageSources(ctx, obj.Of, "", first)
	if !obj.Open {
		for i := range sources {
			sources[i].Address, sources[i].Agent = nil, nil
		}
	}
	return sources, err
}

// part checks how many are asked for, and that the read model may be asked.
func (t tokenUsages) part(ctx context.Context, first, most int) error {
	if first < 1 || first > most {
		return badInput("first", "first must be between 1 and %d.", most)
	}
	return t.catchUp(ctx)
}
