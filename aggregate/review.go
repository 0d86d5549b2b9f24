// Access reviews: a campaign over a frozen snapshot, and the use cases of those who review.

package aggregate

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// AccessReview is what the rules need to know of one access review.
type AccessReview struct {
	Organization uuid.UUID // nil: it was never opened
	At           events.Position
	Due          time.Time
	Reviewers    []uuid.UUID // empty: every owner and administrator
	Decided      map[uuid.UUID]events.ReviewDecision
	Closed       bool
}

// ReviewDecider holds the rules of review streams.
var ReviewDecider = Decider[AccessReview, ReviewCommand, events.ReviewEvent]{
	Kind: events.KindReview,
	Decide: func(r AccessReview, c ReviewCommand, now time.Time) ([]events.ReviewEvent, error) {
		return c.decide(r, now)
	},
	Evolve: evolveReview,
}

// ReviewCommand is something to be decided on one review.
type ReviewCommand interface {
	decide(r AccessReview, now time.Time) ([]events.ReviewEvent, error)
}

func evolveReview(r AccessReview, e events.ReviewEvent) AccessReview {
	switch e := e.(type) {
	case events.ReviewOpened:
		return AccessReview{Organization: e.Organization, At: events.Position(e.At), Due: e.Due, Reviewers: slices.Clone(e.Reviewers)}
	case events.ReviewDecided:
		decided := maps.Clone(r.Decided)
		if decided == nil {
			decided = map[uuid.UUID]events.ReviewDecision{}
		}
		decided[e.Token] = e.Decision
		r.Decided = decided
	case events.ReviewClosed:
		r.Closed = true
	}
	return r
}

// OpenReview begins a review.
type OpenReview struct {
	Organization uuid.UUID
	Name         string
	At           events.Position
	Due          time.Time
	Reviewers    []uuid.UUID
}

func (c OpenReview) decide(r AccessReview, now time.Time) ([]events.ReviewEvent, error) {
	if r.Organization != uuid.Nil {
		return nil, refuse(CodeConflict, "", "This review exists already.")
	}
	if err := nameText("name").check(c.Name); err != nil {
		return nil, err
	}
	if !c.Due.After(now) {
		return nil, refuse(CodeBadUserInput, "due", "due must be in the future.")
	}
	if c.At < 1 {
		return nil, refuse(CodeBadUserInput, "", "A review is of what stands in the log, and nothing does.")
	}
	return []events.ReviewEvent{events.ReviewOpened{
		Organization: c.Organization, Name: c.Name, At: int64(c.At), Due: micro(c.Due), Reviewers: sortedIDs(c.Reviewers),
	}}, nil
}

// DecideOnToken is a reviewer's decision on one token.
type DecideOnToken struct {
	Token    uuid.UUID
	Decision events.ReviewDecision
}

func (c DecideOnToken) decide(r AccessReview, _ time.Time) ([]events.ReviewEvent, error) {
	if err := r.mustBeOpen(); err != nil {
		return nil, err
	}
	if c.Decision != events.ReviewKeep && c.Decision != events.ReviewRevoke {
		return nil, refuse(CodeBadUserInput, "decision", "A decision is keep or revoke.")
	}
	if _, again := r.Decided[c.Token]; again {
		return nil, refuse(CodeConflict, "token", "This review has decided on the token already.")
	}
	return []events.ReviewEvent{events.ReviewDecided{Token: c.Token, Decision: c.Decision}}, nil
}

// CloseReview ends a review. What nobody has decided until then stays so.
type CloseReview struct{}

func (CloseReview) decide(r AccessReview, _ time.Time) ([]events.ReviewEvent, error) {
	if err := r.mustBeOpen(); err != nil {
		return nil, err
	}
	return []events.ReviewEvent{events.ReviewClosed{}}, nil
}

func (r AccessReview) mustBeOpen() error {
	switch {
	case r.Organization == uuid.Nil:
		return refuse(CodeNotFound, "review", "There is no such review.")
	case r.Closed:
		return refuse(CodeConflict, "review", "This review is closed.")
	}
	return nil
}

// OpenAccessReview begins a review of everything that could reach the
// organization at the position At.
func (t *Tokens) OpenAccessReview(ctx context.Context, call Call, in OpenReview) (Made, error) {
	var id uuid.UUID
	// The snapshot's position is of this attempt, and no part of what is asked for.
	asked := []any{in.Organization, in.Name, in.Due, in.Reviewers}
	out, err := t.Handler.answer(ctx, call, "OpenAccessReview", asked, func(ctx context.Context, d *Decision, who Principal) (err error) {
		if _, err := admit(ctx, d, who, in.Organization, OpOpenReview); err != nil {
			return err
		}
		for _, user := range in.Reviewers {
			member, err := Load(ctx, d, MembershipDecider, events.MembershipStream(in.Organization, user))
			if err != nil {
				return err
			}
			standing := Standing{Role: member.RoleAt(d.now), Organization: in.Organization}
			if Authorize(Principal{Actor: events.Person(user), User: user}, standing, OpDecideReview) != nil {
				return refuse(CodeBadUserInput, "reviewers", "%s is no owner or administrator of the organization.", user)
			}
		}
		if id, err = uuid.NewV7(); err != nil {
			return err
		}
		_, err = onReview(ctx, d, id, in.Organization, in)
		return err
	})
	if out.Receipt.Replayed {
		id = idIn(out.Receipt, events.KindReview)
	}
	return Made{out, id}, err
}

// ReviewedToken names what a reviewer decides on, and how.
type ReviewedToken struct {
	Organization uuid.UUID
	Review       uuid.UUID
	Token        uuid.UUID // of either kind
	Decision     events.ReviewDecision
	Reason       string
}

// DecideAccessReview records a reviewer's decision and what follows from it, in
// one append: a token that is kept was reviewed, one that is not ends.
func (t *Tokens) DecideAccessReview(ctx context.Context, call Call, in ReviewedToken) (Made, error) {
	out, err := t.Handler.answer(ctx, call, "DecideAccessReview", in, func(ctx context.Context, d *Decision, who Principal) error {
		if _, err := admit(ctx, d, who, in.Organization, OpDecideReview); err != nil {
			return err
		}
		r, err := loadReview(ctx, d, in.Review, in.Organization)
		if err != nil {
			return err
		}
		if len(r.Reviewers) > 0 && !slices.Contains(r.Reviewers, who.User) {
			return refuse(CodeForbidden, "", "You are not one of the reviewers of this review.")
		}
		token, err := Load(ctx, d, TokenDecider, events.TokenStream(in.Token))
		if err != nil {
			return err
		}
		if err := inSnapshot(ctx, d, r, who, in, token.Kind); err != nil {
			return err
		}
		if in.Reason != "" || in.Decision == events.ReviewRevoke {
			if err := reasonText("reason").check(in.Reason); err != nil {
				return err
			}
			d.Because(in.Reason)
		}
		if _, err := onReview(ctx, d, in.Review, in.Organization, DecideOnToken{in.Token, in.Decision}); err != nil {
			return err
		}
		return followReview(ctx, d, who, in, token)
	})
	return Made{out, in.Review}, err
}

// inSnapshot refuses a token that could not reach the organization when the review
// began, and a reviewer who would decide on what is his own.
func inSnapshot(ctx context.Context, d *Decision, r AccessReview, who Principal, in ReviewedToken, kind events.TokenKind) error {
	there, owner := false, ""
	if kind == events.PersonalKind {
		stream := events.GrantStream(in.Token, in.Organization)
		if _, err := Load(ctx, d, GrantDecider, stream); err != nil {
			return err
		}
		then := GrantDecider.of(d.upTo(stream, r.At))
		there, owner = then.Live, then.User.String()
	} else {
		history := d.upTo(events.TokenStream(in.Token), r.At)
		then := TokenDecider.of(history)
		if there = then.Organization == in.Organization && then.Ended == NotEnded; there {
			owner = history[0].Meta.Actor.Name() // it is taken to be whose who created it
		}
	}
	switch {
	case !there:
		return refuse(CodeNotFound, "token", "There was no such token when this review began.")
	case owner == who.User.String():
		return refuse(CodeForbidden, "token", "Nobody reviews his own token; let another reviewer decide.")
	}
	return nil
}

// followReview records on the token or the grant what was decided. One that has
// ended meanwhile is left as it is.
func followReview(ctx context.Context, d *Decision, who Principal, in ReviewedToken, token Token) error {
	if token.Kind == events.PersonalKind {
		g, err := Load(ctx, d, GrantDecider, events.GrantStream(in.Token, in.Organization))
		switch {
		case err != nil || !g.Live:
			return err
		case in.Decision == events.ReviewRevoke:
			return withdraw(ctx, d, in.Token, []uuid.UUID{in.Organization}, events.CauseReview)
		}
		_, err = onGrant(ctx, d, in.Token, in.Organization, ReviewGrant{Review: in.Review})
		return err
	}
	switch {
	case !token.Live(d.now):
		return nil
	case in.Decision == events.ReviewRevoke:
		return revoke(ctx, d, who, TokenRef{token.Kind, in.Token}, in.Reason)
	}
	_, err := onToken(ctx, d, in.Token, events.OrganizationTrail(in.Organization), ReviewToken{Review: in.Review})
	return err
}

// CloseAccessReview ends a review.
func (t *Tokens) CloseAccessReview(ctx context.Context, call Call, organization, review uuid.UUID) (Made, error) {
	out, err := t.Handler.answer(ctx, call, "CloseAccessReview", []any{organization, review}, func(ctx context.Context, d *Decision, who Principal) error {
		if _, err := admit(ctx, d, who, organization, OpCloseReview); err != nil {
			return err
		}
		if _, err := loadReview(ctx, d, review, organization); err != nil {
			return err
		}
		_, err := onReview(ctx, d, review, organization, CloseReview{})
		return err
	})
	return Made{out, review}, err
}

func onReview(ctx context.Context, d *Decision, id, organization uuid.UUID, c ReviewCommand) (AccessReview, error) {
	return Do(ctx, d, ReviewDecider, events.ReviewStream(id), events.OrganizationTrail(organization), c)
}

// loadReview gives a review of this organization; another's is not there.
func loadReview(ctx context.Context, d *Decision, id, organization uuid.UUID) (AccessReview, error) {
	r, err := Load(ctx, d, ReviewDecider, events.ReviewStream(id))
	if err == nil && r.Organization != organization {
		err = AccessReview{}.mustBeOpen()
	}
	return r, err
}
