// What the events of tokens and grants mean to the rules.

package projections

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// applyToken takes an event of a token in: its life in its own trail, its uses in
// the trail of the organization that they were for.
func (f *findingsFold) applyToken(token uuid.UUID, e events.TokenEvent, rec events.Recorded) error {
	org, inOrg := rec.Trail.Organization()
	if created, ok := e.(events.TokenCreated); ok {
		if created.Kind == events.OrganizationKind {
			f.begin(token, org, org, rec.Meta.Actor.Name(), created.Scopes, rec)
		}
		return nil
	}
	if !inOrg { // a personal token's own life concerns all that it is granted to
		if _, rotated := e.(events.TokenRotated); rotated {
			for _, w := range f.watched[token] {
				f.rotated(w, rec.RecordedAt)
			}
		}
		return nil
	}
	w := f.find(token, org)
	if w == nil {
		if rec.Decision() {
			return errNoBeginning
		}
		return nil // refused, since it was never granted here
	}
	if rec.Decision() {
		f.changed[w] = true
	} else {
		f.counted[w] = true
	}
	switch e := e.(type) {
	case events.TokenUsed:
		w.used(f, rec, max(e.Count, 1))
		f.exercised(w, e.Action, rec)
	case events.TokenUseRefused:
		w.refused(f, rec, e)
	case events.TokenSourceSeen:
		w.source(f, rec, networkOf(e.Address.Value))
	case events.TokenScopesChanged:
		f.scoped(w, e.Scopes, rec)
	case events.TokenRotated:
		f.rotated(w, rec.RecordedAt)
	case events.TokenReviewed:
		f.reviewed(w, rec)
	case events.TokenExpiryWarned:
		if e.Days <= expiryNearDays {
			f.await(w, RuleExpiryNear, rec.Position, rec.RecordedAt, rec.RecordedAt, false, detail{"days": e.Days, "expiresAt": e.ExpiresAt})
		}
	case events.TokenExpiryChanged:
		f.met(w, RuleExpiryNear, rec.RecordedAt)
	case events.TokenRevoked, events.TokenExpired, events.TokenDeleted:
		f.end(w, rec.RecordedAt)
	case events.TokenCreated, events.TokenRenamed, events.TokenDescribed, events.TokenTagged, events.TokenOrganizationsChanged,
		events.TokenSuspended, events.TokenResumed, events.TokenSSOAuthorized, events.TokenSSOAuthorizationWithdrawn,
		events.TokenDelivered:
		// No rule asks, or it was taken in above.
	}
	return nil
}

func (f *findingsFold) applyGrant(token, org uuid.UUID, e events.GrantEvent, rec events.Recorded) error {
	if given, ok := e.(events.GrantGiven); ok {
		f.begin(token, org, given.User, "", given.Scopes, rec)
		f.awaitExpiry(f.find(token, org), given.ExpiresAt, rec)
		return nil
	}
	w := f.find(token, org)
	if w == nil {
		return errNoBeginning
	}
	f.changed[w] = true
	switch e := e.(type) {
	case events.GrantChanged:
		if !slices.Equal(texts(e.Scopes), w.Scopes) {
			f.scoped(w, e.Scopes, rec)
		}
		f.awaitExpiry(w, e.ExpiresAt, rec)
	case events.GrantReviewed:
		f.reviewed(w, rec)
	case events.GrantEnded:
		f.end(w, rec.RecordedAt)
	case events.GrantGiven, events.GrantApproved, events.GrantSuspended, events.GrantResumed,
		events.GrantSSOAuthorized, events.GrantSSOAuthorizationWithdrawn, events.GrantExpiryWarned:
		// No rule asks, or it was taken in above.
	}
	return nil
}

// begin starts to watch, or goes on with what is known of a grant that is given again.
func (f *findingsFold) begin(token, org, holder uuid.UUID, creator string, scopes []string, rec events.Recorded) {
	w := f.find(token, org)
	if w == nil {
		w = &watched{Token: token, Organization: org}
		f.watched[token] = append(f.watched[token], w)
	}
	f.changed[w] = true
	w.Holder, w.Creator, w.Live = holder, text(creator), true
	w.Since, w.SinceAt = rec.RecordedAt, rec.Position
	w.Reviewed, w.ReviewedAt = nil, 0
	f.scoped(w, scopes, rec)
	f.awaitPolicy(w, f.organization(org).Policy, rec.RecordedAt)
}

// scoped begins to wait for the use of scopes. Nobody waits for the uses of a
// token that has all its owner's rights.
func (f *findingsFold) scoped(w *watched, scopes []string, rec events.Recorded) {
	w.Scopes, w.ScopesAt, w.ScopesSince, w.Exercised = texts(scopes), rec.Position, rec.RecordedAt, []string{}
	f.met(w, RuleUnusedScopes, rec.RecordedAt)
	f.awaitScopes(w, rec.RecordedAt)
}

func (f *findingsFold) awaitScopes(w *watched, now time.Time) {
	beyond, proposed := w.unused()
	if len(beyond) == 0 {
		f.met(w, RuleUnusedScopes, now)
		return
	}
	d := detail{"unused": texts(beyond), "proposed": texts(proposed)}
	if old, waiting := w.Awaited[RuleUnusedScopes]; waiting {
		if old.At.After(now) { // what is said is as of the time when it becomes a finding
			f.insert(w.Organization, RuleUnusedScopes, old.Position, old.At, true, &w.Token, nil, d)
		}
		return
	}
	f.await(w, RuleUnusedScopes, w.ScopesAt, w.ScopesSince.Add(unusedAfter), now, true, d)
}

func (f *findingsFold) exercised(w *watched, action string, rec events.Recorded) {
	if w.exercise(f.organization(w.Organization).registry(), action) {
		f.changed[w] = true
		if _, waiting := w.Awaited[RuleUnusedScopes]; waiting {
			f.awaitScopes(w, rec.RecordedAt)
		}
	}
}

func (f *findingsFold) reviewed(w *watched, rec events.Recorded) {
	w.Reviewed, w.ReviewedAt = &rec.RecordedAt, rec.Position
	f.awaitPolicy(w, f.organization(w.Organization).Policy, rec.RecordedAt)
}

func (f *findingsFold) rotated(w *watched, now time.Time) {
	w.Rotated, f.changed[w] = true, true
	f.met(w, RuleRotationDue, now)
	f.met(w, RuleExpiryNear, now)
}

// awaitPolicy waits for what the policy demands: a review, and a rotation.
func (f *findingsFold) awaitPolicy(w *watched, p events.Policy, now time.Time) {
	from, of := w.Since, w.SinceAt
	if !w.Rotated && p.RotationAge > 0 {
		f.await(w, RuleRotationDue, of, from.Add(p.RotationAge.Duration()), now, true, detail{"age": int64(p.RotationAge)})
	} else {
		f.met(w, RuleRotationDue, now)
	}
	if w.Reviewed != nil {
		from, of = *w.Reviewed, w.ReviewedAt
	}
	if p.ReviewEvery > 0 {
		f.await(w, RuleReviewOverdue, of, from.Add(p.ReviewEvery.Duration()), now, true, detail{"every": int64(p.ReviewEvery)})
	} else {
		f.met(w, RuleReviewOverdue, now)
	}
}

// awaitExpiry tells an organization in time that a personal token which reaches
// it will end: the warnings themselves stand in its owner's trail.
func (f *findingsFold) awaitExpiry(w *watched, at time.Time, rec events.Recorded) {
	before := w.ExpiresAt
	w.ExpiresAt = optionalTime(at)
	switch {
	case at.IsZero():
		f.met(w, RuleExpiryNear, rec.RecordedAt)
	case before == nil || !before.Equal(at):
		f.met(w, RuleExpiryNear, rec.RecordedAt)
		f.await(w, RuleExpiryNear, rec.Position, at.Add(-expiryNearDays*24*time.Hour), rec.RecordedAt, true, detail{"days": expiryNearDays, "expiresAt": at})
	}
}

// end stops waiting for anything of a token.
func (f *findingsFold) end(w *watched, now time.Time) {
	w.Live, w.ExpiresAt = false, nil
	for _, rule := range []Rule{RuleUnusedScopes, RuleReviewOverdue, RuleRotationDue, RuleExpiryNear} {
		f.met(w, rule, now)
	}
}
