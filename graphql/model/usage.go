// Usage as GraphQL shows it.

package model

import (
	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/projections"
)

// TokenUsage is a token's usage in sum; its parts are looked up as they are asked for.
type TokenUsage struct {
	projections.Usage
	Of   uuid.UUID // the token
	Open bool      // the caller may open personal values of it
}
