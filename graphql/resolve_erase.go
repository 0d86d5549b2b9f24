// Erasure of personal values, as far as an organization decides it.

package graphql

import (
	"context"

	"github.com/tokenledger/tokenledger/graphql/model"
)

// EraseOrganizationNetworkData implements eraseOrganizationNetworkData.
func (m mutations) EraseOrganizationNetworkData(ctx context.Context, organizationID *string, reason string) (*model.OrganizationPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", organizationID)
	if err != nil {
		return nil, err
	}
	return m.organizationPayload(ctx)(m.directory.EraseNetworkData(ctx, requestOf(ctx).call(ctx), organization, reason))
}
