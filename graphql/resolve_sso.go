// The provider of an organization's single sign-on.

package graphql

import (
	"context"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
)

// SsoProvider implements Organization.ssoProvider.
func (o organizations) SsoProvider(ctx context.Context, obj *model.Organization) (*model.SSOProvider, error) {
	if err := inside(ctx, obj, aggregate.OpReadPolicy); err != nil {
		return nil, err
	}
	p := obj.Provider
	if p == (events.Provider{}) {
		return nil, nil
	}
	return &model.SSOProvider{Issuer: p.Issuer, ClientID: p.ClientID}, nil
}

// UpdateOrganizationSSOProvider implements updateOrganizationSSOProvider.
func (m mutations) UpdateOrganizationSSOProvider(ctx context.Context, id *string, in model.UpdateOrganizationSSOProviderInput) (*model.OrganizationPayload, error) {
	organization, err := callerOf(ctx).organization("id", id)
	if err != nil {
		return nil, err
	}
	p := events.Provider{Issuer: value(in.Issuer), ClientID: value(in.ClientID)}
	switch set := p != (events.Provider{}); {
	case set == value(in.Clear):
		return nil, badInput("input", "Name issuer and clientID, or clear: true for none.")
	case set:
		// Only who may name one learns what the network says of it.
		if err := callerOf(ctx).may(aggregate.OpSetSSOProvider, false); err != nil {
			return nil, err
		}
		if err := m.reachable(ctx, "issuer", p.Issuer); err != nil {
			return nil, err
		}
	}
	call := expected(requestOf(ctx).call(ctx), in.ExpectedVersion)
	return m.organizationPayload(ctx)(m.directory.SetSSOProvider(ctx, call, organization, p))
}

// reachable refuses a URL that the installation does not call. What the network
// says of it is for those alone who may name one, so that is asked before.
func (m mutations) reachable(ctx context.Context, field, url string) error {
	if err := m.target(ctx, url); err != nil {
		return badInput(field, "%s cannot be called: %v.", field, err)
	}
	return nil
}
