// Who calls: what the HTTP layer found out about a request, handed over in its context.

package graphql

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// Caller is who makes a request, as of now, and what is known of the request.
//
// Its Organization is the one that the request is for: that of an organization
// token, else the one that the header X-Organization-ID names, else the only one
// that a personal token is granted to. It is zero where there are several or
// none; then only what belongs to the caller himself can be reached. Nothing in
// this package reaches an organization other than this one.
type Caller struct {
	aggregate.Principal
	Role          events.Role     // of the caller in Organization; none for an organization token
	Organizations []uuid.UUID     // that the credential reaches
	Operator      bool            // of the installation
	AsOf          events.Position // of the log that all this was known at, or before; 0: unknown
	Until         time.Time       // the clock ends a person's session then; zero: there is none

	Address        netip.Addr
	Agent          string
	RequestID      string
	IdempotencyKey string          // of the header Idempotency-Key
	Seen           events.Position // of the header X-Ledger-Position: reads are to include it
	Trace          string          // W3C traceparent
}

type callerKey struct{}

// WithCaller gives the context of a request whose credential is good.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, &c)
}

// callerOf is nil for a request without a credential.
func callerOf(ctx context.Context) *Caller {
	c, _ := ctx.Value(callerKey{}).(*Caller)
	return c
}

// standing is how the caller stands to something in his organization.
func (c *Caller) standing(own bool) aggregate.Standing {
	return aggregate.Standing{Role: c.Role, Operator: c.Operator, Own: own, Organization: c.Organization}
}

// may says whether the caller may do the operation in his organization.
func (c *Caller) may(op aggregate.Operation, own bool) error {
	return aggregate.Authorize(c.Principal, c.standing(own), op)
}

// organization is the one that the request is for. named is an argument that may
// say so again: it cannot lead elsewhere, since what the organization demands of
// the credential was checked for this one alone.
func (c *Caller) organization(field string, named *string) (uuid.UUID, error) {
	if c.Organization == uuid.Nil {
		return uuid.Nil, c.organizationMissing()
	}
	if named == nil {
		return c.Organization, nil
	}
	id, err := uuid.Parse(*named)
	if err != nil {
		return uuid.Nil, badInput(field, "%s must be an organization's UUID.", field)
	}
	return id, c.within(field, id)
}

// within refuses every organization but the one that the request is for.
func (c *Caller) within(field string, organization uuid.UUID) error {
	switch {
	case organization == c.Organization && organization != uuid.Nil:
		return nil
	case c.Organization == uuid.Nil && slices.Contains(c.Organizations, organization):
		return c.organizationMissing()
	case slices.Contains(c.Organizations, organization):
		return badInput(field, "This request is for the organization %s; name %s in the header X-Organization-ID instead.", c.Organization, organization)
	}
	return notFound(field, "There is no such organization.")
}

func (c *Caller) organizationMissing() error {
	if c.Kind == "" && len(c.Organizations) == 0 {
		return badInput(organizationHeader, "You are a member of no organization, and this needs one.")
	}
	if len(c.Organizations) == 0 {
		return badInput(organizationHeader, "This token is granted to no organization, and this needs one.")
	}
	names := make([]string, len(c.Organizations))
	for i, id := range c.Organizations {
		names[i] = id.String()
	}
	several := "This token is granted to several organizations"
	if c.Kind == "" {
		several = "You are a member of several organizations"
	}
	return badInput(organizationHeader, "%s; name one of them in the header X-Organization-ID: %s.", several, strings.Join(names, ", "))
}

const organizationHeader = "X-Organization-ID"
