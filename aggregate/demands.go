// What a policy makes of a token: at its creation and changes, and at each use.
// The verifier, the rules about callers and the preview of a draft all ask here.

package aggregate

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Breach says which demand a use does not meet; empty: it meets them all. It is
// the code under which the refusal is recorded.
type Breach string

// The breaches, in the order in which they are looked for.
const (
	ApprovalRequired Breach = "APPROVAL_REQUIRED" // no administrator has approved the personal token yet
	ExpiryRequired   Breach = "EXPIRY_REQUIRED"   // the token has no deadline
	LifetimeExceeded Breach = "LIFETIME_EXCEEDED" // it has lived longer than any token may
	RotationOverdue  Breach = "ROTATION_OVERDUE"  // its value is older than any may be
	IdleTooLong      Breach = "IDLE_TOO_LONG"     // it was not used for longer than a token may be
	SourceUnknown    Breach = "SOURCE_UNKNOWN"    // networks are demanded, and nobody says where the use comes from
	SourceForbidden  Breach = "SOURCE_FORBIDDEN"  // it comes from another network
	AboveCeiling     Breach = "SCOPE_ABOVE_CEILING"
)

// Demands are a policy made ready for decisions. The zero Demands demand nothing.
type Demands struct {
	events.Policy
	sources []netip.Prefix
	ceiling Scopes
}

// DemandsOf makes a policy ready.
func DemandsOf(p events.Policy) Demands {
	d := Demands{Policy: p, ceiling: canonical(p.ScopeCeiling)}
	for _, network := range p.AllowedSources {
		if prefix, err := netip.ParsePrefix(network); err == nil {
			d.sources = append(d.sources, prefix)
		}
	}
	return d
}

// Bearer is a token as a policy sees it at one use.
type Bearer struct {
	Personal  bool
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	LastUsed  time.Time // for the organization, or else when it could first be used there
	Approved  bool      // by an administrator of the organization
	Source    netip.Addr
}

// Judge says which demand a use at the instant now fails, and until when it
// would fail none by the clock; the zero time sets no limit.
func (p Demands) Judge(b Bearer, now time.Time) (Breach, time.Time) {
	var until time.Time
	over := func(since time.Time, span events.Seconds) bool {
		if span == 0 {
			return false
		}
		deadline := since.Add(span.Duration())
		if until.IsZero() || deadline.Before(until) {
			until = deadline
		}
		return !now.Before(deadline)
	}
	switch {
	case p.ApprovalRequired && b.Personal && !b.Approved:
		return ApprovalRequired, until
	case p.Policy.ExpiryRequired && b.ExpiresAt.IsZero():
		return ExpiryRequired, until
	case over(b.CreatedAt, p.MaxLifetime):
		return LifetimeExceeded, until
	case p.RotationEnforced && over(b.CreatedAt, p.RotationAge):
		return RotationOverdue, until
	case over(b.LastUsed, p.IdleExpiry):
		return IdleTooLong, until
	}
	return p.from(b.Source), until
}

// from compares where a use comes from with the networks that may be.
func (p Demands) from(source netip.Addr) Breach {
	if len(p.AllowedSources) == 0 {
		return ""
	}
	if !source.IsValid() {
		return SourceUnknown
	}
	source = source.Unmap().WithZone("")
	for _, network := range p.sources {
		if network.Contains(source) {
			return ""
		}
	}
	return SourceForbidden
}

// Below cuts a token's own scopes to the ceiling. A personal token without
// scopes gets those of the ceiling; ok is false where nothing is left, which
// must not be taken for a token without scopes.
func (p Demands) Below(scopes Scopes, personal bool) (cut Scopes, ok bool) {
	if len(p.ceiling) == 0 {
		return scopes, true
	}
	cut = Effective(scopes, p.ceiling, personal)
	return cut, len(cut) > 0
}

// lifetimeTolerance is how far the clock of whoever computed a deadline may be
// ahead of the ledger's.
const lifetimeTolerance = time.Minute

// Accepts says whether a token that is made or changed is as the policy wants
// it; made is when the token was created. The refusal names the field and the demand.
func (p Demands) Accepts(t Token, made time.Time) error {
	span := p.MaxLifetime.Duration()
	switch {
	case p.DescriptionRequired && strings.TrimSpace(t.Description) == "":
		return refuse(CodeBadUserInput, "description",
			"The organization's policy (descriptionRequired) demands a description of what the token is for.")
	case p.Policy.ExpiryRequired && t.ExpiresAt.IsZero():
		return refuse(CodeBadUserInput, "expiresAt", "The organization's policy (expiryRequired) demands a deadline.")
	case span > 0 && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(made.Add(span+lifetimeTolerance))):
		return refuse(CodeBadUserInput, "expiresAt",
			"The organization's policy (maxLifetime) lets a token live %s, so this one until %s at most.",
			inWords(span), made.Add(span).Format(time.RFC3339))
	}
	if len(p.ceiling) == 0 {
		return nil
	}
	asked := t.Scopes
	if len(asked) == 0 {
		asked = Scopes{scopeAdmin} // all that its owner may
	}
	if beyond := asked.Beyond(p.ceiling); len(beyond) > 0 {
		return refuse(CodeBadUserInput, "scopes", "The organization's policy (scopeCeiling) limits tokens to %s; this is more: %s.",
			strings.Join(p.ceiling, ", "), strings.Join(beyond, ", "))
	}
	return nil
}

// breached is what a caller is told whose own token fails a demand.
func breached(b Breach) *Refusal {
	r := refuse(CodeForbidden, "", "%s", b.sentence())
	if b == SourceUnknown || b == SourceForbidden || b == AboveCeiling {
		return r
	}
	r.Code = CodeUnauthenticated
	return r
}

func (b Breach) sentence() string {
	switch b {
	case ApprovalRequired:
		return "An administrator of the organization has not approved this token yet."
	case ExpiryRequired:
		return "The organization demands that tokens have a deadline, and this one has none."
	case LifetimeExceeded:
		return "This token has lived longer than the organization allows; rotate it."
	case RotationOverdue:
		return "This token is older than the organization allows; rotate it."
	case IdleTooLong:
		return "This token was not used for longer than the organization allows."
	case SourceUnknown:
		return "The organization demands to know where a use comes from."
	case SourceForbidden:
		return "The organization does not accept uses from this network."
	case AboveCeiling:
		return "The organization's ceiling leaves this token no scope for this."
	}
	return "The organization's policy refuses this token."
}

// field is the demand's name in the policy.
func (b Breach) field() string {
	return map[Breach]string{
		ApprovalRequired: "approvalRequired", ExpiryRequired: "expiryRequired", LifetimeExceeded: "maxLifetime",
		RotationOverdue: "rotationEnforced", IdleTooLong: "idleExpiry", SourceUnknown: "allowedSources",
		SourceForbidden: "allowedSources", AboveCeiling: "scopeCeiling",
	}[b]
}

// inWords says a span in days where it is whole days.
func inWords(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 && d >= day {
		if d == day {
			return "1 day"
		}
		return strconv.Itoa(int(d/day)) + " days"
	}
	return d.String()
}

// bearer is the caller's token as a policy sees it. That it has just been used,
// which idleness asks for, is what this call itself shows.
func (p Principal) bearer(d *Decision, t Token) Bearer {
	return Bearer{
		Personal: p.Kind == events.PersonalKind, CreatedAt: d.began(events.TokenStream(p.Token)),
		ExpiresAt: t.ExpiresAt, LastUsed: d.now, Source: p.Source,
	}
}

// began is when the first decision of a stream was recorded: now, for one that
// begins with this decision.
func (d *Decision) began(stream events.StreamID) time.Time {
	if l := d.streams[stream]; l != nil && len(l.history) > 0 {
		return l.history[0].RecordedAt
	}
	return d.now
}

// meetDemands refuses a caller whose token the organization's policy does not
// accept, and cuts what he may do here to the policy's ceiling.
func (at *place) meetDemands(d *Decision) error {
	if at.who.Kind == "" {
		return nil
	}
	breach, until := at.demands.Judge(at.bearer, d.now)
	if breach != "" {
		return breached(breach)
	}
	d.Until(until)
	var ok bool
	if at.who, ok = at.demands.below(at.who); !ok {
		return breached(AboveCeiling)
	}
	if len(at.demands.ceiling) > 0 {
		at.rights = at.rights.Intersect(at.demands.ceiling)
	}
	return nil
}

// below is a token's caller with as much of its scopes as a policy's ceiling
// leaves; ok is false where that is nothing.
func (p Demands) below(who Principal) (_ Principal, ok bool) {
	who.Scopes, ok = p.Below(who.Scopes, who.Kind == events.PersonalKind)
	return who, ok
}

// staysIn refuses a policy under which the caller's own token could not change
// it back: nobody is to lock himself out. The caller is to come here with all his
// scopes, since the new policy may have a higher ceiling.
func (at *place) staysIn(d *Decision, who Principal, policy events.Policy) error {
	if who.Kind == "" {
		return nil
	}
	demands := DemandsOf(policy)
	good, until := demands.Stamped(who.Kind == events.PersonalKind, at.stampedAt, d.now)
	if !good {
		return refuse(CodeConflict, "ssoRequired",
			"Your own token is not, or no longer, authorized through single sign-on here and would be refused from then on; authorize it first.")
	}
	d.Until(until)
	breach, _ := demands.Judge(at.bearer, d.now)
	if breach == "" {
		if after, ok := demands.below(who); ok && Authorize(after, at.Standing, OpChangePolicy) == nil {
			return nil
		}
		breach = AboveCeiling
	}
	return refuse(CodeConflict, breach.field(), "Your own token would be refused from then on. %s", breach.sentence())
}

// comply checks a token, as this decision leaves it, against the policies of
// the organizations that it reaches.
func comply(ctx context.Context, d *Decision, id uuid.UUID) error {
	stream := events.TokenStream(id)
	t, err := Load(ctx, d, TokenDecider, stream)
	if err != nil {
		return err
	}
	reached := t.Organizations
	if t.Kind == events.OrganizationKind {
		reached = []uuid.UUID{t.Organization}
	}
	for _, organization := range reached {
		org, err := Load(ctx, d, OrganizationDecider, events.OrganizationStream(organization))
		if err != nil {
			return err
		}
		if err := DemandsOf(org.Policy).Accepts(t, d.began(stream)); err != nil {
			return err
		}
	}
	return nil
}
