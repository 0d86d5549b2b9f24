// The policy: how an organization says what it demands of tokens.

package aggregate

import (
	"net/netip"
	"reflect"
	"slices"

	"github.com/tokenledger/tokenledger/events"
)

// The most that a policy may hold.
const (
	maxSources = 200
	maxSpan    = events.Seconds(100 * 365 * 24 * 60 * 60) // a hundred years
)

// SetPolicy replaces the organization's policy.
type SetPolicy struct{ Policy events.Policy }

func (c SetPolicy) decide(o Organization) ([]events.OrganizationEvent, error) {
	if err := o.mustExist(); err != nil {
		return nil, err
	}
	after, err := o.policyOf(c.Policy)
	if err != nil || reflect.DeepEqual(after, o.Policy) {
		return nil, err
	}
	return []events.OrganizationEvent{events.OrganizationPolicyChanged{Before: o.Policy, After: after}}, nil
}

// policyOf checks a policy and gives it in the form in which it is recorded:
// lists sorted, networks without host bits.
func (o Organization) policyOf(p events.Policy) (events.Policy, error) {
	if err := checkSpans(p); err != nil {
		return p, err
	}
	members, err := o.memberScopes(p.MemberScopes)
	if err != nil {
		return p, err
	}
	ceiling, err := o.Registry().Parse("scopeCeiling", p.ScopeCeiling)
	if err != nil {
		return p, err
	}
	if p.AllowedSources, err = networks(p.AllowedSources); err != nil {
		return p, err
	}
	p.MemberScopes, p.ScopeCeiling = members, ceiling
	return p, nil
}

func checkSpans(p events.Policy) error {
	for _, s := range []struct {
		field string
		span  events.Seconds
	}{
		{"ssoMaxAge", p.SSOMaxAge},
		{"organizationSSOMaxAge", p.OrganizationSSOMaxAge},
		{"maxLifetime", p.MaxLifetime},
		{"idleExpiry", p.IdleExpiry},
		{"rotationAge", p.RotationAge},
		{"reviewEvery", p.ReviewEvery},
	} {
		if s.span < 0 || s.span > maxSpan {
			return refuse(CodeBadUserInput, s.field, "%s is a number of seconds from 0, which sets no limit, to a hundred years.", s.field)
		}
	}
	if p.RotationEnforced && p.RotationAge == 0 {
		return refuse(CodeBadUserInput, "rotationEnforced", "What is enforced is an age: name rotationAge, too.")
	}
	return nil
}

func (o Organization) memberScopes(in []string) (Scopes, error) {
	scopes, err := o.Registry().Parse("memberScopes", in)
	if err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		if object := atomOf(scope).object; object == "" || slices.Contains(ledgerObjects, object) {
			return nil, refuse(CodeBadUserInput, "memberScopes",
				"Members can have scopes on the organization's own systems only; %s reaches the ledger's objects.", scope)
		}
	}
	return scopes, nil
}

// networks reads networks in CIDR notation; a single address is a network of one.
func networks(in []string) ([]string, error) {
	if len(in) > maxSources {
		return nil, refuse(CodeBadUserInput, "allowedSources", "A policy can list %d networks; these are %d.", maxSources, len(in))
	}
	out := make([]string, 0, len(in))
	for _, one := range in {
		prefix, err := netip.ParsePrefix(one)
		if err != nil {
			address, err := netip.ParseAddr(one)
			if err != nil || address.Zone() != "" || address.Is4In6() {
				return nil, badNetwork()
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		if prefix.Addr().Is4In6() {
			return nil, badNetwork()
		}
		out = append(out, prefix.Masked().String())
	}
	return canonical(out), nil
}

func badNetwork() *Refusal {
	return refuse(CodeBadUserInput, "allowedSources", "A network is written as 192.0.2.0/24 or 2001:db8::/32, a single address as itself.")
}

// PolicyChange is an input that changes a policy: what is nil stays as it is.
type PolicyChange struct {
	SSORequired           *bool
	SSOMaxAge             *events.Seconds
	OrganizationSSOMaxAge *events.Seconds
	MemberScopes          []string
	ScopeCeiling          []string
	AllowedSources        []string
	MaxLifetime           *events.Seconds
	ExpiryRequired        *bool
	IdleExpiry            *events.Seconds
	DescriptionRequired   *bool
	RotationAge           *events.Seconds
	RotationEnforced      *bool
	ApprovalRequired      *bool
	ReviewEvery           *events.Seconds
	EndFamilyOnReuse      *bool
}

// To is the policy after the change.
func (c PolicyChange) To(p events.Policy) events.Policy {
	set(&p.SSORequired, c.SSORequired)
	set(&p.SSOMaxAge, c.SSOMaxAge)
	set(&p.OrganizationSSOMaxAge, c.OrganizationSSOMaxAge)
	set(&p.MaxLifetime, c.MaxLifetime)
	set(&p.ExpiryRequired, c.ExpiryRequired)
	set(&p.IdleExpiry, c.IdleExpiry)
	set(&p.DescriptionRequired, c.DescriptionRequired)
	set(&p.RotationAge, c.RotationAge)
	set(&p.RotationEnforced, c.RotationEnforced)
	set(&p.ApprovalRequired, c.ApprovalRequired)
	set(&p.ReviewEvery, c.ReviewEvery)
	set(&p.EndFamilyOnReuse, c.EndFamilyOnReuse)
	for _, list := range []struct {
		of *[]string
		to []string
	}{{&p.MemberScopes, c.MemberScopes}, {&p.ScopeCeiling, c.ScopeCeiling}, {&p.AllowedSources, c.AllowedSources}} {
		if list.to != nil {
			*list.of = list.to
		}
	}
	return p
}

func set[T any](of, to *T) {
	if to != nil {
		*of = *to
	}
}

// Draft checks a policy for an organization that has registered these objects,
// and gives it as it would be recorded.
func Draft(objects map[string]map[string]string, p events.Policy) (events.Policy, error) {
	return Organization{Objects: objects}.policyOf(p)
}
