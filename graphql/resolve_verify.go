// Verification: other systems ask whether a token may do something.

package graphql

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
)

// Verifier decides and records uses of tokens.
type Verifier interface {
	// Verify answers when an allowed use is durable. An error means that no
	// decision could be made or recorded.
	Verify(ctx context.Context, u Use) (Verdict, error)
}

// Use is what a token is to be used for.
type Use struct {
	Value        string    // the token's; never to be logged
	Organization uuid.UUID // whose resource it is
	Action       string
	Resource     string
	Scope        string // what the use needs; empty: what the action maps to
	Address      netip.Addr
	Agent        string
	Correlation  string
	Trace        string
}

// Verdict is the answer to a use. Code is the outward one: what makes a token no
// good at all looks the same from outside, and then nothing else is filled in.
type Verdict struct {
	Allowed      bool
	Code         string
	Policy       string // that allows it, or lets its scopes not suffice
	Token        uuid.UUID
	Subject      string // the owner of a personal token, else the token
	Organization uuid.UUID
	Scopes       []string
	ExpiresAt    time.Time
	Position     events.Position // of the recorded use
}

// maxUses is how many uses one call can ask about.
const maxUses = 100

// VerifyToken implements verifyToken.
func (m mutations) VerifyToken(ctx context.Context, input model.VerifyTokenInput) (*model.TokenDecision, error) {
	decisions, err := m.VerifyTokens(ctx, []model.VerifyTokenInput{input})
	if err != nil {
		return nil, unlisted(err)
	}
	return &decisions[0], nil
}

// VerifyTokens implements verifyTokens. The uses are decided side by side, so
// that they share the log's commits.
func (m mutations) VerifyTokens(ctx context.Context, input []model.VerifyTokenInput) ([]model.TokenDecision, error) {
	c := callerOf(ctx)
	organization, err := c.organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	if err := c.may(aggregate.OpVerifyTokens, false); err != nil {
		return nil, err
	}
	if len(input) > maxUses {
		return nil, badInput("input", "input has %d entries; at most %d are possible.", len(input), maxUses)
	}
	uses := make([]Use, len(input))
	for i, in := range input {
		if uses[i], err = useOf(c, organization, in); err != nil {
			return nil, below("input", i, err)
		}
	}
	decisions := make([]model.TokenDecision, len(uses))
	group, ctx := errgroup.WithContext(ctx)
	for i, u := range uses {
		group.Go(func() error {
			verdict, err := m.verifier.Verify(ctx, u)
			if err != nil {
				return fmt.Errorf("verify a token: %w", err)
			}
			decisions[i] = decision(u, verdict)
			return nil
		})
	}
	return decisions, group.Wait()
}

// unlisted takes the place in the list out of the field at fault.
func unlisted(err error) error {
	for _, field := range []string{"token", "action", "resource", "scope", "organization", "sourceIP", "userAgent", "requestID"} {
		err = renamed(err, "input[0]."+field, field)
	}
	return err
}

func useOf(c *Caller, organization uuid.UUID, in model.VerifyTokenInput) (Use, error) {
	u := Use{
		Value: in.Token, Organization: organization, Action: value(in.Action), Resource: value(in.Resource),
		Scope: value(in.Scope), Agent: value(in.UserAgent), Correlation: value(in.RequestID), Trace: c.Trace,
	}
	for _, t := range []struct {
		field, text string
		most        int
	}{
		{"action", u.Action, 128},
		{"resource", u.Resource, 1024},
		{"scope", u.Scope, 1024},
		{"userAgent", u.Agent, 1024},
		{"requestID", u.Correlation, 255},
	} {
		if utf8.RuneCountInString(t.text) > t.most {
			return u, badInput(t.field, "%s has more than %d characters.", t.field, t.most)
		}
		if strings.ContainsFunc(t.text, unicode.IsControl) {
			return u, badInput(t.field, "%s has a control character.", t.field)
		}
	}
	if in.Organization != nil {
		if _, err := c.organization("organization", in.Organization); err != nil {
			return u, err
		}
	}
	if in.SourceIP != nil {
		address, err := netip.ParseAddr(*in.SourceIP)
		if err != nil {
			return u, badInput("sourceIP", "sourceIP is not a network address such as 192.0.2.1 or 2001:db8::1.")
		}
		u.Address = address.Unmap().WithZone("")
	}
	if u.Correlation == "" {
		u.Correlation = uuid.Must(uuid.NewV7()).String()
	}
	return u, nil
}

func decision(u Use, v Verdict) model.TokenDecision {
	d := model.TokenDecision{Allowed: v.Allowed, Code: v.Code, DecisionID: u.Correlation, Scopes: v.Scopes}
	if v.Token != uuid.Nil {
		id := v.Token.String()
		d.TokenID = &id
	}
	if v.Policy != "" {
		d.Policy = &v.Policy
	}
	if v.Subject != "" {
		d.Subject = &v.Subject
	}
	if v.Organization != uuid.Nil {
		id := v.Organization.String()
		d.Organization = &id
	}
	if !v.ExpiresAt.IsZero() {
		d.ExpiresAt = &v.ExpiresAt
	}
	if v.Position > 0 {
		at := int64(v.Position)
		d.Position = &at
	}
	return d
}
