// What the people of a story do: each act is a line with one command.

package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// directed plans a command of the directory, which is to know everything of the log.
func (t *teller) directed(at time.Time, what string, do func(ctx context.Context) error) {
	t.at(at, what, func(ctx context.Context) error {
		if err := t.settle(ctx); err != nil {
			return err
		}
		return do(ctx)
	})
}

// joins makes somebody a user and a member.
func (t *teller) joins(at time.Time, who, org string, role events.Role, until time.Time) {
	t.directed(at, who+" joins", func(ctx context.Context) error {
		p := people[who]
		made, err := t.directory.CreateUser(ctx, t.by(owner), aggregate.NewUser{
			Organization: t.orgs[org], Profile: aggregate.Profile{Email: p.email, DisplayName: p.name}, Role: role, Until: until,
		})
		t.users[who] = made.ID
		return err
	})
}

func (t *teller) policy(at time.Time, who, org string, change aggregate.PolicyChange) {
	t.directed(at, "the policy changes", func(ctx context.Context) error {
		_, err := t.directory.ChangePolicy(ctx, t.by(who), t.orgs[org], change)
		return err
	})
}

// creates makes an organization token.
func (t *teller) creates(at time.Time, who, org string, in aggregate.NewToken) {
	t.begins[in.Name] = at
	t.at(at, who+" creates "+in.Name, func(ctx context.Context) error {
		made, err := t.directory.Tokens.CreateOrganizationToken(ctx, t.by(who), aggregate.NewOrganizationToken{
			Organization: t.orgs[org], NewToken: in,
		})
		if err != nil {
			return err
		}
		return t.keep(ctx, in.Name, events.OrganizationKind, t.orgs[org], made)
	})
}

// grants makes a personal token and grants it.
func (t *teller) grants(at time.Time, who string, orgs []string, in aggregate.NewToken) {
	t.begins[in.Name] = at
	t.at(at, who+" creates "+in.Name, func(ctx context.Context) error {
		var granted []uuid.UUID
		for _, org := range orgs {
			granted = append(granted, t.orgs[org])
		}
		made, err := t.directory.Tokens.CreatePersonalToken(ctx, t.by(who), aggregate.NewPersonalToken{Organizations: granted, NewToken: in})
		if err != nil {
			return err
		}
		return t.keep(ctx, in.Name, events.PersonalKind, granted[0], made)
	})
}

// keep remembers a token by its name in the story, and has it authorized through single
// sign-on where that is the custom by then.
func (t *teller) keep(ctx context.Context, name string, kind events.TokenKind, org uuid.UUID, made aggregate.TokenOutcome) error {
	h := &held{ref: aggregate.TokenRef{Kind: kind, ID: made.ID}, value: made.Value.Reveal(), organization: org}
	t.tokens[name] = h
	if !t.stamping || org != t.orgs[lighthouse] {
		return nil
	}
	_, err := t.directory.Tokens.AuthorizeSSO(ctx, t.by(owner), org, h.ref)
	return err
}

// on plans a command about a token that somebody holds.
func (t *teller) on(at time.Time, what, name string, do func(ctx context.Context, h *held) error) {
	t.at(at, what+" "+name, func(ctx context.Context) error {
		h := t.tokens[name]
		if h == nil {
			return fmt.Errorf("the story has no token %s", name)
		}
		return do(ctx, h)
	})
}

func (t *teller) updates(at time.Time, who, name string, in aggregate.TokenUpdate) {
	t.on(at, who+" changes", name, func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.Update(ctx, t.by(who), h.ref, in)
		return err
	})
}

func (t *teller) revokes(at time.Time, who, name, reason string) {
	t.on(at, who+" revokes", name, func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.Revoke(ctx, t.by(who), h.ref, reason)
		h.ended = true
		return err
	})
}

func (t *teller) deletes(at time.Time, who, name, reason string) {
	t.on(at, who+" deletes", name, func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.Delete(ctx, t.by(who), h.ref, reason)
		h.ended = true
		return err
	})
}

func (t *teller) suspends(at time.Time, who, name, reason string, until time.Time) {
	t.on(at, who+" suspends", name, func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.Suspend(ctx, t.by(who), h.ref, aggregate.Suspension{Until: until, Reason: reason})
		h.ended = true // for whoever uses it
		return err
	})
}

func (t *teller) resumes(at time.Time, who, name, reason string) {
	t.on(at, who+" resumes", name, func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.Resume(ctx, t.by(who), h.ref, reason)
		h.ended = false
		return err
	})
}

// former is what the story calls a token once it has a successor.
func former(name string) string { return name + ", before" }

// rotates gives a token a successor; its holder has the new value from then on.
func (t *teller) rotates(at time.Time, who, name string, in aggregate.Rotation) {
	t.on(at, who+" rotates", name, func(ctx context.Context, h *held) error {
		made, err := t.directory.Tokens.Rotate(ctx, t.by(who), h.ref, in)
		if err != nil {
			return err
		}
		t.tokens[former(name)] = h
		return t.keep(ctx, name, h.ref.Kind, h.organization, made)
	})
}

func (t *teller) authorizes(at time.Time, who, org, name string) {
	t.on(at, who+" authorizes", name, func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.AuthorizeSSO(ctx, t.by(who), t.orgs[org], h.ref)
		return err
	})
}

func (t *teller) approves(at time.Time, who, org, name, reason string) {
	t.on(at, who+" approves", name, func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.ApproveGrant(ctx, t.by(who), t.orgs[org], h.ref.ID, reason)
		return err
	})
}

func (t *teller) declines(at time.Time, who, org, name, reason string) {
	t.on(at, who+" declines", name, func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.DeclineGrant(ctx, t.by(who), t.orgs[org], h.ref.ID, reason)
		h.ended = true
		return err
	})
}

// leaves ends a membership, or with all else all that somebody may.
func (t *teller) leaves(at time.Time, who, reason string, all bool) {
	t.directed(at, who+" leaves", func(ctx context.Context) error {
		if all {
			_, err := t.directory.DeactivateUser(ctx, t.by(owner), t.users[who], reason)
			return err
		}
		_, err := t.directory.EndMember(ctx, t.by(owner), t.orgs[lighthouse], t.users[who], reason)
		return err
	})
}

func (t *teller) invites(at time.Time, who, email string, role events.Role) {
	t.directed(at, who+" invites "+email, func(ctx context.Context) (err error) {
		t.invited[email], err = t.directory.Invite(ctx, t.by(who), aggregate.NewInvitation{
			Organization: t.orgs[lighthouse], Email: email, Role: role,
		})
		return err
	})
}

func (t *teller) opensReview(at time.Time, who, name string, due time.Time) {
	t.directed(at, who+" opens the review "+name, func(ctx context.Context) error {
		head, err := t.log.Head(ctx)
		if err != nil {
			return err
		}
		made, err := t.directory.Tokens.OpenAccessReview(ctx, t.by(who), aggregate.OpenReview{
			Organization: t.orgs[lighthouse], Name: name, At: head, Due: due,
		})
		t.reviews[name] = made.ID
		return err
	})
}

func (t *teller) decides(at time.Time, who, review, token string, decision events.ReviewDecision, reason string) {
	t.on(at, who+" reviews", token, func(ctx context.Context, h *held) error {
		_, err := t.directory.Tokens.DecideAccessReview(ctx, t.by(who), aggregate.ReviewedToken{
			Organization: t.orgs[lighthouse], Review: t.reviews[review], Token: h.ref.ID, Decision: decision, Reason: reason,
		})
		h.ended = h.ended || decision == events.ReviewRevoke
		return err
	})
}

// triages says what became of the newest finding of a rule that is open.
func (t *teller) triages(at time.Time, who string, rule projections.Rule, status events.FindingStatus, note string) {
	t.directed(at, who+" triages "+string(rule), func(ctx context.Context) error {
		page, err := t.views.Findings(ctx, projections.FindingQuery{
			Organization: t.orgs[lighthouse], Rules: []projections.Rule{rule}, Statuses: []events.FindingStatus{events.FindingOpen}, Now: t.clock.Now(),
		})
		if err != nil {
			return err
		}
		if len(page.Edges) == 0 {
			return fmt.Errorf("there is no finding %s", rule)
		}
		_, err = t.directory.TriageFinding(ctx, t.by(who), aggregate.Triage{
			Organization: t.orgs[lighthouse], Rule: string(rule), Position: page.Edges[0].Node.Position, Status: status, Note: note,
		})
		return err
	})
}
