// Rotations whose answer was lost, values used after their end, and idle tokens.

package aggregate

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// deliver records the first use of a successor, as the verifier does.
func (w *world) deliver(id uuid.UUID) {
	w.Helper()
	w.observe(id, events.TokenDelivered{})
}

// observe appends facts to a token's stream in its home trail.
func (w *world) observe(id uuid.UUID, facts ...events.Event) events.Receipt {
	w.Helper()
	t := w.token(id)
	trail := events.OrganizationTrail(t.Organization)
	if t.Kind == events.PersonalKind {
		trail = events.UserTrail(t.Owner)
	}
	r, err := w.log.Append(w.Context(), events.Request{Batches: []events.Batch{{
		Stream: events.TokenStream(id), Trail: trail, Meta: events.Meta{Actor: events.System("test")}, Events: facts,
	}}})
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// severed is a log whose answers to appends are lost: the process ends between
// the commit and the answer.
type severed struct{ *eventstore.Log }

var errKilled = errors.New("killed")

func (s severed) Append(ctx context.Context, r events.Request) (events.Receipt, error) {
	if _, err := s.Log.Append(ctx, r); err != nil {
		return events.Receipt{}, err
	}
	return events.Receipt{}, errKilled
}

func TestALostAnswerToARotationCostsNothing(t *testing.T) {
	t.Parallel()
	for name, overlap := range map[string]time.Duration{"an overlap": time.Hour, "no overlap": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, ref := range []TokenRef{
				w.newOrganizationToken(w.by(events.RoleOwner), "evidence:write"),
				w.newPersonalToken(w.by(events.RoleOwner), []uuid.UUID{w.org}, "evidence:write"),
			} {
				w.recoverRotation(ref, overlap)
			}
		})
	}
}

// recoverRotation rotates in a process that is killed before it answers, twice,
// and then in another one under the same key.
func (w *world) recoverRotation(ref TokenRef, overlap time.Duration) {
	w.Helper()
	call := w.by(events.RoleOwner)
	call.Once = "rotate " + ref.ID.String()
	in := Rotation{Overlap: &overlap, ExpectedVersion: to(events.Version(1)), Reason: "90 days"}
	killed := &Tokens{Peppers: w.tokens.Peppers, Handler: &Handler{Log: severed{w.log}}}
	for range 2 {
		if _, err := killed.Rotate(w.Context(), call, ref, in); !errors.Is(err, errKilled) {
			w.Fatal(err)
		}
	}
	until := w.token(ref.ID).RotatesUntil
	out, err := w.tokens.Rotate(w.Context(), call, ref, in)
	if err != nil || out.Value.Reveal() == "" || !slices.Contains(out.Warnings, WarnSuccessorReplaced) {
		w.Fatalf("%s %v %v", out.ID, out.Warnings, err)
	}
	if p := w.token(ref.ID); p.Successor != out.ID || !p.RotatesUntil.Equal(until) {
		w.Errorf("the predecessor rotates to %s until %v, want %s until %v", p.Successor, p.RotatesUntil, out.ID, until)
	}
	live := 0
	for _, rec := range w.all() {
		e, ok := rec.Event.(events.TokenCreated)
		if !ok || e.RotatedFrom != ref.ID {
			continue
		}
		id, _, _ := rec.Stream.IDs()
		s := w.token(id)
		if s.Live(time.Now()) {
			live++
		} else if s.Ended != Revoked || ref.Kind == events.PersonalKind && w.grant(id, w.org).Live {
			w.Errorf("a successor that nobody got: %+v", s)
		}
		if s.Name != w.token(ref.ID).Name || !slices.Equal(s.Scopes, w.token(ref.ID).Scopes) {
			w.Errorf("the successor: %+v", s)
		}
	}
	if live != 1 {
		w.Errorf("%d successors live", live)
	}
	// Once it is used, the same key answers it again, masked, and nothing takes its place.
	w.deliver(out.ID)
	again, err := w.tokens.Rotate(w.Context(), call, ref, in)
	if err != nil || again.ID != out.ID || again.Value.Reveal() != "" || !slices.Contains(again.Warnings, WarnValueShown) {
		w.Errorf("again: %s %v %v", again.ID, again.Warnings, err)
	}
	if overlap > 0 {
		call.Once = ""
		_, err = w.tokens.Rotate(w.Context(), call, ref, Rotation{})
		mustBe(w, err, CodeConflict, "")
	}
}

func (w *world) all() []events.Recorded {
	w.Helper()
	var out []events.Recorded
	for rec, err := range w.log.ReadAll(context.Background(), 0) {
		if err != nil {
			w.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

// Whichever comes first, the first use of a successor and its replacement: the
// other one is refused, so that no value that is in use is ever replaced.
func TestAUsedSuccessorIsNeverReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	ref := w.newOrganizationToken(owner, "evidence:write")
	first, err := w.tokens.Rotate(t.Context(), owner, ref, Rotation{})
	if err != nil {
		t.Fatal(err)
	}
	stream := events.TokenStream(first.ID)
	use := func() error {
		_, err := w.log.Append(t.Context(), events.Request{
			Guards: []events.Guard{events.Open(stream), events.AtVersion(stream, 1)},
			Batches: []events.Batch{{
				Stream: stream, Trail: events.OrganizationTrail(w.org), Meta: events.Meta{Actor: events.OrganizationToken(first.ID)},
				Events: []events.Event{events.TokenDelivered{}},
			}},
		})
		return err
	}
	// The use comes between the decision to replace and its append.
	raced := &Tokens{Peppers: w.tokens.Peppers, Handler: &Handler{Log: &interrupted{Log: w.log, before: use}}}
	_, err = raced.Rotate(t.Context(), owner, ref, Rotation{})
	mustBe(t, err, CodeConflict, "")
	if s := w.token(first.ID); !s.Live(time.Now()) || !s.Delivered {
		t.Errorf("%+v", s)
	}
	if err := use(); !errors.Is(err, events.ErrConflict) {
		t.Errorf("a second first use: %v", err)
	}
}

// interrupted is a log in which something happens before the first append.
type interrupted struct {
	*eventstore.Log
	before func() error
}

func (i *interrupted) Append(ctx context.Context, r events.Request) (events.Receipt, error) {
	if before := i.before; before != nil {
		i.before = nil
		if err := before(); err != nil {
			return events.Receipt{}, err
		}
	}
	return i.Log.Append(ctx, r)
}

func TestWhatCannotBeReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.by(events.RoleOwner)
	rotated := func() (TokenRef, TokenRef) {
		old := w.newOrganizationToken(owner, "evidence:write")
		out, err := w.tokens.Rotate(t.Context(), owner, old, Rotation{})
		if err != nil {
			t.Fatal(err)
		}
		return old, organizationRef(out.ID)
	}
	for name, spoil := range map[string]func(old, next TokenRef) error{
		"the successor was revoked": func(_, next TokenRef) error {
			_, err := w.tokens.Revoke(t.Context(), owner, next, "leaked")
			return err
		},
		"the successor is suspended": func(_, next TokenRef) error {
			_, err := w.tokens.Suspend(t.Context(), owner, next, Suspension{})
			return err
		},
		"the predecessor is suspended": func(old, _ TokenRef) error {
			_, err := w.tokens.Suspend(t.Context(), owner, old, Suspension{})
			return err
		},
		"the predecessor was revoked": func(old, _ TokenRef) error {
			_, err := w.tokens.Revoke(t.Context(), owner, old, "leaked")
			return err
		},
	} {
		old, next := rotated()
		if err := spoil(old, next); err != nil {
			t.Fatal(name, err)
		}
		before := w.head()
		_, err := w.tokens.Rotate(t.Context(), owner, old, Rotation{})
		mustBe(t, err, CodeConflict, "")
		w.recorded(before)
	}
}

func TestTheFamilyOfAReusedValueEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, service := w.by(events.RoleOwner), Call{Principal: Service("verifier")}
	next := func(ref TokenRef, overlap time.Duration) TokenRef {
		out, err := w.tokens.Rotate(t.Context(), owner, ref, Rotation{Overlap: &overlap})
		if err != nil {
			t.Fatal(err)
		}
		w.deliver(out.ID)
		return TokenRef{ref.Kind, out.ID}
	}
	for _, first := range []TokenRef{
		w.newOrganizationToken(owner, "evidence:write"), w.newPersonalToken(owner, []uuid.UUID{w.org, w.found("Other " + uuid.NewString())}),
	} {
		second := next(first, 0)
		third := next(second, time.Hour)
		before := w.head()
		if _, err := w.tokens.EndFamily(t.Context(), service, w.org, first); err != nil {
			t.Fatal(err)
		}
		w.recorded(before) // no policy asks for it
		w.demand(events.Policy{EndFamilyOnReuse: true})
		out, err := w.tokens.EndFamily(t.Context(), service, w.org, first)
		if err != nil || len(out.Receipt.Placed) == 0 {
			t.Fatal(out.Receipt, err)
		}
		for _, ref := range []TokenRef{second, third} {
			token := w.token(ref.ID)
			if first.Kind == events.OrganizationKind && token.Ended != Revoked {
				t.Errorf("%+v", token)
			}
			if first.Kind == events.PersonalKind && (token.Ended != NotEnded || w.grant(ref.ID, w.org).Cause != events.CausePolicy || len(token.Organizations) != 1) {
				t.Errorf("%+v, %+v", token, w.grant(ref.ID, w.org))
			}
			_, err := w.tokens.Update(t.Context(), owner, ref, TokenUpdate{AddOrganizations: []uuid.UUID{w.org}})
			mustBe(t, err, CodeConflict, map[events.TokenKind]string{events.PersonalKind: "organizationIDs"}[ref.Kind])
		}
		before = w.head()
		if _, err := w.tokens.EndFamily(t.Context(), service, w.org, first); err != nil {
			t.Fatal(err)
		}
		w.recorded(before)
		w.demand(events.Policy{})
	}
	_, err := w.tokens.EndFamily(t.Context(), owner, w.org, organizationRef(uuid.New()))
	mustBe(t, err, CodeForbidden, "")
}

func TestIdleTokensEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, service := w.by(events.RoleOwner), Call{Principal: Service("scheduler")}
	org := w.newOrganizationToken(owner, "evidence:write")
	personal := w.newPersonalToken(w.by(events.RoleMember), []uuid.UUID{w.org})
	w.demand(events.Policy{IdleExpiry: hour})
	later := func(by time.Duration) *Directory { return &Directory{Tokens: w.ahead(by), Index: w.index} }
	for _, ref := range []TokenRef{org, personal} {
		_, err := later(30*time.Minute).ExpireIdle(t.Context(), service, w.org, ref, w.head())
		mustBe(t, err, CodeConflict, "")
		_, err = later(2*time.Hour).ExpireIdle(t.Context(), owner, w.org, ref, w.head())
		mustBe(t, err, CodeForbidden, "")
	}
	// A use that the index has not seen yet counts.
	if err := w.index.freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := w.observe(org.ID, events.TokenUsed{})
	_, err := later(time.Hour+5*time.Second).ExpireIdle(t.Context(), service, w.org, org, w.head())
	mustBe(t, err, CodeConflict, "")
	before := w.head()
	for _, ref := range []TokenRef{org, personal} {
		if _, err := later(2*time.Hour).ExpireIdle(t.Context(), service, w.org, ref, w.head()); err != nil {
			t.Fatal(err)
		}
	}
	w.recorded(before, "token.expired in org", "grant.ended in org", "token.organizations_changed in member")
	expired := w.history(events.TokenStream(org.ID))[1].Event.(events.TokenExpired)
	if !expired.ExpiresAt.Equal(used.RecordedAt.Add(time.Hour)) || w.grant(personal.ID, w.org).Cause != events.CausePolicy {
		t.Errorf("expired at %v, used at %v; %+v", expired.ExpiresAt, used.RecordedAt, w.grant(personal.ID, w.org))
	}
	_, err = w.tokens.Update(t.Context(), w.by(events.RoleMember), personal, TokenUpdate{AddOrganizations: []uuid.UUID{w.org}})
	mustBe(t, err, CodeConflict, "organizationIDs")
}
