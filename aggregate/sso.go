// Single sign-on of an organization: its provider, what a provider's word stamps,
// and how long a stamp is good for.

package aggregate

import (
	"context"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// SetProvider names the provider of the organization's single sign-on; the zero
// Provider is none.
type SetProvider struct{ Provider events.Provider }

func (c SetProvider) decide(o Organization) ([]events.OrganizationEvent, error) {
	if err := o.mustExist(); err != nil {
		return nil, err
	}
	if err := checkProvider(c.Provider); err != nil || c.Provider == o.Provider {
		return nil, err
	}
	return []events.OrganizationEvent{events.OrganizationSSOProviderChanged{Before: o.Provider, After: c.Provider}}, nil
}

// checkProvider looks at the form alone. Where the issuer's host leads is a
// question to the network, which is asked before this and at each call.
func checkProvider(p events.Provider) error {
	if p == (events.Provider{}) {
		return nil
	}
	if err := (text{field: "issuer", min: 1, max: maxIssuer}).check(p.Issuer); err != nil {
		return err
	}
	u, err := url.Parse(p.Issuer)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return refuse(CodeBadUserInput, "issuer", "An issuer is a URL such as https://id.example.com, exactly as the provider writes it.")
	}
	return (text{field: "clientID", min: 1, max: 255}).check(p.ClientID)
}

// SetSSOProvider names the provider whose sign-ins authorize the tokens that
// reach an organization. From then on no administrator does so by hand.
func (y *Directory) SetSSOProvider(ctx context.Context, call Call, organization uuid.UUID, p events.Provider) (Made, error) {
	return y.onOrganization(ctx, call, "SetSSOProvider", organization, []any{organization, p}, OpSetSSOProvider, SetProvider{Provider: p})
}

// SSOProof is the word of an organization's provider that the caller, in person,
// has signed in there to authorize a token.
type SSOProof struct {
	Organization uuid.UUID
	Token        TokenRef
	Provider     events.Provider
	Once         string // what the proof was given for, and is good for once
}

// AuthorizeBySignIn stamps a token by a provider's word: a personal token for
// its owner, an organization's for an administrator. A proof that was used before
// is marked as replayed and records nothing.
func (t *Tokens) AuthorizeBySignIn(ctx context.Context, call Call, p SSOProof) (TokenOutcome, error) {
	o, err := call.order("AuthorizeBySignIn", p, func(ctx context.Context, d *Decision) error {
		s, at, err := stampable(ctx, d, call.Principal, p.Organization, p.Token)
		switch {
		case err != nil:
			return err
		case at.Provider != p.Provider:
			return refuse(CodeConflict, "", "The organization has chosen another provider meanwhile; begin again.")
		}
		return s.stamp(ctx, d, p.Organization, p.Provider.Issuer)
	})
	if err != nil {
		return TokenOutcome{}, err
	}
	o.Once = once("single sign-on", p.Once)
	out, err := t.Handler.Handle(ctx, o)
	if err != nil {
		return TokenOutcome{}, err
	}
	return t.complete(ctx, TokenOutcome{Outcome: out, Issued: Issued{ID: p.Token.ID}}, p.Token.Kind)
}

// MayAuthorize tells whether the person may have the token stamped by signing
// in, and with which provider, before anybody is sent there. It is decided on
// the log, so that a token that was made a moment ago is known.
func (t *Tokens) MayAuthorize(ctx context.Context, call Call, organization, token uuid.UUID) (TokenRef, events.Provider, error) {
	ref := TokenRef{ID: token}
	var provider events.Provider
	o, err := call.order("MayAuthorize", token, func(ctx context.Context, d *Decision) error {
		s, err := Load(ctx, d, TokenDecider, events.TokenStream(token))
		if err != nil {
			return err
		}
		ref.Kind = s.Kind
		_, at, err := stampable(ctx, d, call.Principal, organization, ref)
		provider = at.Provider
		return err
	})
	if err == nil {
		err = t.Handler.rehearse(ctx, o)
	}
	if err == nil && provider == (events.Provider{}) {
		err = refuse(CodeConflict, "organization", "This organization has no provider of single sign-on; an administrator authorizes tokens there.")
	}
	return ref, provider, err
}

// stampable gives a token that this person may have stamped by signing in.
func stampable(ctx context.Context, d *Decision, by Principal, organization uuid.UUID, ref TokenRef) (*subject, place, error) {
	who, err := authenticate(ctx, d, by)
	if err != nil {
		return nil, place{}, err
	}
	at, err := enter(ctx, d, who, organization)
	if err != nil {
		return nil, at, err
	}
	s, err := reaching(ctx, d, organization, ref)
	if err != nil {
		return nil, at, err
	}
	standing, op := at.Standing, OpStampOrganizationToken
	if ref.Kind == events.PersonalKind {
		op = OpStampPersonalToken
		standing.Own = s.Owner == who.User
	}
	if err := Authorize(at.who, standing, op); err != nil {
		return nil, at, err
	}
	return s, at, s.mustBeLive(d.now)
}

// stamp decides on the token's own stream for an organization's token, and for
// a personal one on its grant.
func (s *subject) stamp(ctx context.Context, d *Decision, organization uuid.UUID, issuer string) error {
	if s.Kind == events.OrganizationKind {
		return s.do(ctx, d, StampToken{Issuer: issuer})
	}
	_, err := onGrant(ctx, d, s.id, organization, StampGrant{Issuer: issuer})
	return err
}

// byHand refuses an administrator's word where a provider's is to be had.
func (o Organization) byHand() error {
	if o.Provider == (events.Provider{}) {
		return nil
	}
	return refuse(CodeForbidden, "", "This organization authorizes tokens by signing in at %s, so nobody does it by hand: "+
		"begin with POST /v1/sso/token/authorize.", o.Provider.Issuer)
}

// Stamped says whether a stamp that was made at an instant, the zero time for
// none, is good now, and until when; the zero time sets no limit.
func (p Demands) Stamped(personal bool, stampedAt, now time.Time) (good bool, until time.Time) {
	if !p.SSORequired {
		return true, time.Time{}
	}
	if stampedAt.IsZero() {
		return false, time.Time{}
	}
	age := p.OrganizationSSOMaxAge
	if personal {
		age = p.SSOMaxAge
	}
	if age == 0 {
		return true, time.Time{}
	}
	until = stampedAt.Add(age.Duration())
	return now.Before(until), until
}

// stampedAt is when the last stamp of a token or grant was recorded; the zero
// time where there is none that counts.
func (d *Decision) stampedAt(stream events.StreamID) time.Time {
	l := d.streams[stream]
	if l == nil {
		return time.Time{}
	}
	for i := len(l.history) - 1; i >= 0; i-- {
		switch l.history[i].Event.(type) {
		case events.TokenSSOAuthorized, events.GrantSSOAuthorized:
			return l.history[i].RecordedAt
		case events.TokenSSOAuthorizationWithdrawn, events.GrantSSOAuthorizationWithdrawn, events.GrantGiven:
			return time.Time{}
		}
	}
	return time.Time{}
}

// signedOn refuses a caller whose token is not, or no longer, authorized here,
// and ends the decision with its authorization.
func (at *place) signedOn(d *Decision) error {
	if at.who.Kind == "" {
		return nil
	}
	good, until := at.demands.Stamped(at.who.Kind == events.PersonalKind, at.stampedAt, d.now)
	switch {
	case good:
		d.Until(until)
		return nil
	case at.Provider != (events.Provider{}):
		return refuse(CodeSSORequired, "",
			"This organization requires single sign-on; authorize this token for it with POST /v1/sso/token/authorize.")
	}
	return refuse(CodeSSORequired, "", "This organization requires single sign-on; have an administrator authorize this token for it.")
}
