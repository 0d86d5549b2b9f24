// Who calls: what every use case loads, checks and guards before it decides.

package aggregate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Call is who asks, and what is said of the request besides what it asks for.
type Call struct {
	Principal   Principal
	Once        string // the Idempotency-Key; empty: none
	Correlation string // the request
	Trace       string // W3C traceparent
	// Expected is the version at which the caller knows the thing that the
	// command is about; nil: whatever it is.
	Expected *events.Version
}

// expect compares the version that the caller knows with that of the thing
// that the command is about, whose stream has been loaded.
func (c Call) expect(d *Decision, stream events.StreamID) error {
	if now := d.Version(stream); c.Expected != nil && *c.Expected != now {
		return refuse(CodeConflict, "expectedVersion", "It is at version %d, not %d; somebody has changed it meanwhile.", now, *c.Expected)
	}
	return nil
}

func (c Call) check() error {
	for _, t := range []struct {
		text
		value string
	}{
		{text{field: "Idempotency-Key", max: 255}, c.Once},
		{text{field: "correlation", max: 255}, c.Correlation},
		{text{field: "traceparent", max: 255}, c.Trace},
	} {
		if err := t.check(t.value); err != nil {
			return err
		}
	}
	return nil
}

// part is the call for one of several appends that it takes. The part's key
// follows from the call's and from what the part is about: so a repeated call
// finds again which parts were done, also where it is about fewer things by then.
func (c Call) part(about string) Call {
	if c.Once != "" {
		sum := sha256.Sum256([]byte(c.Once + "\x00" + about))
		c.Once = hex.EncodeToString(sum[:])
	}
	return c
}

// order makes an order of a command. The hash that tells commands apart is
// taken of its name and input, and so of nothing that is made up on the way,
// such as ids and values.
func (c Call) order(command string, input any, decide func(context.Context, *Decision) error) (Order, error) {
	if err := c.check(); err != nil {
		return Order{}, err
	}
	o := Order{
		Meta:   events.Meta{Actor: c.Principal.Actor, Correlation: c.Correlation, Trace: c.Trace},
		Decide: decide,
	}
	if c.Once == "" {
		return o, nil
	}
	canonical, err := json.Marshal(struct {
		Command  string
		Input    any
		Expected *events.Version `json:",omitempty"`
	}{command, input, c.Expected})
	if err != nil {
		return Order{}, fmt.Errorf("hash the command %s: %w", command, err)
	}
	caller := string(c.Principal.Actor.Kind) + ":" + c.Principal.Actor.ID
	o.Once = events.Key{Caller: caller, Key: c.Once, Hash: sha256.Sum256(canonical)}
	return o, nil
}

// answer decides and records what somebody asks for, as a caller whose credential
// still is good.
func (h *Handler) answer(
	ctx context.Context, call Call, command string, input any, decide func(ctx context.Context, d *Decision, who Principal) error,
) (Outcome, error) {
	o, err := call.order(command, input, func(ctx context.Context, d *Decision) error {
		who, err := authenticate(ctx, d, call.Principal)
		if err != nil {
			return err
		}
		return decide(ctx, d, who)
	})
	if err != nil {
		return Outcome{}, err
	}
	return h.Handle(ctx, o)
}

// authenticate checks that the caller's credential still is what it was taken
// for, and gives it as it is now. Token and user are guarded from here on, and
// the token's deadline becomes the decision's.
func authenticate(ctx context.Context, d *Decision, p Principal) (Principal, error) {
	if p.Actor.Kind == events.ActorSystem {
		return p, nil
	}
	if p.Kind != "" {
		t, err := Load(ctx, d, TokenDecider, events.TokenStream(p.Token))
		if err != nil {
			return p, err
		}
		if t.Kind != p.Kind || !t.Live(d.now) || t.SuspendedAt(d.now) {
			return p, refuse(CodeUnauthenticated, "", "The credential of this call is not valid any more.")
		}
		p.Scopes, p.ExpiresAt = t.Scopes, t.Deadline()
		d.Until(p.ExpiresAt)
		if p.Kind == events.OrganizationKind {
			p.Organization, p.User = t.Organization, uuid.Nil
			return p, nil
		}
		p.User = t.Owner
	}
	u, err := Load(ctx, d, UserDecider, events.UserStream(p.User))
	if err != nil {
		return p, err
	}
	if !u.Active() {
		return p, refuse(CodeUnauthenticated, "", "The user of this call has been deactivated.")
	}
	return p, nil
}

// place is an organization, and how the caller stands in it.
type place struct {
	Organization
	Standing
	id      uuid.UUID
	demands Demands   // the organization's
	who     Principal // the caller, with as much of his token's scopes as the organization's ceiling leaves
	rights  Scopes    // what the caller may do here
	bearer  Bearer    // the caller's token as the organization's policy sees it

	stampedAt time.Time // when the caller's token was authorized through single sign-on here; zero: it is not
}

// enter gives an organization as the caller stands in it. To whoever has no
// business there it does not exist. All that this rests on is guarded.
func enter(ctx context.Context, d *Decision, who Principal, id uuid.UUID) (place, error) {
	org, err := Load(ctx, d, OrganizationDecider, events.OrganizationStream(id))
	if err != nil {
		return place{}, err
	}
	at := place{Organization: org, id: id, demands: DemandsOf(org.Policy), who: who}
	at.Standing.Organization = id
	if err := org.mustExist(); err != nil {
		return at, err
	}
	switch {
	case who.Actor.Kind == events.ActorSystem:
		return at, nil
	case who.Kind == events.OrganizationKind:
		err = at.asToken(ctx, d, who)
	default:
		err = at.asMember(ctx, d, who)
	}
	if err != nil {
		return at, err
	}
	if err := at.meetDemands(d); err != nil {
		return at, err
	}
	return at, at.signedOn(d)
}

func (at *place) asToken(ctx context.Context, d *Decision, who Principal) error {
	if who.Organization != at.id {
		return Organization{}.mustExist()
	}
	t, err := Load(ctx, d, TokenDecider, events.TokenStream(who.Token))
	at.rights, at.stampedAt = who.Scopes, d.stampedAt(events.TokenStream(who.Token))
	at.bearer = who.bearer(d, t)
	return err
}

func (at *place) asMember(ctx context.Context, d *Decision, who Principal) error {
	m, err := Load(ctx, d, MembershipDecider, events.MembershipStream(at.id, who.User))
	if err != nil {
		return err
	}
	if at.Role = m.RoleAt(d.now); at.Role == "" {
		return Organization{}.mustExist()
	}
	d.Until(m.Until)
	at.rights = RoleScopes(at.Role, at.Policy)
	if who.Kind == "" {
		return nil
	}
	g, err := Load(ctx, d, GrantDecider, events.GrantStream(who.Token, at.id))
	if err != nil {
		return err
	}
	if !g.Live {
		return Organization{}.mustExist()
	}
	t, err := Load(ctx, d, TokenDecider, events.TokenStream(who.Token))
	at.rights, at.stampedAt = Effective(who.Scopes, at.rights, true), d.stampedAt(events.GrantStream(who.Token, at.id))
	at.bearer = who.bearer(d, t)
	at.bearer.Approved = g.Approved
	return err
}

// admit is enter, and whether the caller may do the operation there.
func admit(ctx context.Context, d *Decision, who Principal, id uuid.UUID, op Operation) (place, error) {
	at, err := enter(ctx, d, who, id)
	if err != nil {
		return at, err
	}
	return at, Authorize(at.who, at.Standing, op)
}

// limits is what the caller may hand on to a token of this organization.
func (at place) limits() Limits {
	return Limits{By: at.who, Scopes: at.rights, Until: at.who.ExpiresAt}
}

// personalLimits is what the caller may hand on to a personal token of his own:
// with his token's scopes its limits, too. Scopes that go beyond the owner's
// role are no gain, for at every use the role is a limit of its own.
func personalLimits(ctx context.Context, d *Decision, who Principal) (Limits, error) {
	l := Limits{By: who, Scopes: who.Scopes, Unscoped: len(who.Scopes) == 0, Until: who.ExpiresAt}
	if who.Kind == "" {
		return l, nil
	}
	t, err := Load(ctx, d, TokenDecider, events.TokenStream(who.Token))
	l.Organizations = slices.Clone(t.Organizations)
	return l, err
}
