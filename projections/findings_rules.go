// The rules of findings: what is unusual about a use, a refusal or a source, against the token's own history.
//
// Everything here is a function of the events so far and of the time at which
// the log recorded them, in whole numbers: a rebuild finds the same again.

package projections

import (
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// Rule names what makes a finding.
type Rule string

// The rules. The last five are about something that did not happen, or will.
const (
	RuleNewSource     Rule = "new_source"         // an address and agent not seen before
	RuleNewNetwork    Rule = "new_network"        // an address in a /24 or /48 not seen before
	RuleBurst         Rule = "burst"              // many more uses in a minute than ever
	RuleOffHours      Rule = "off_hours"          // an hour of the week in which it is never used
	RuleDormantWoken  Rule = "dormant_woken"      // used after a long rest
	RuleRefusedStorm  Rule = "refused_storm"      // many refusals in a short time
	RuleRotatedValue  Rule = "rotated_value_used" // a value that a successor has replaced
	RuleCreatorLeft   Rule = "creator_left"       // whoever created organization tokens is gone
	RuleExpiryNear    Rule = "expiry_near"        // the deadline is a week away or less
	RuleUnusedScopes  Rule = "unused_scopes"      // rights that are never exercised
	RuleReviewOverdue Rule = "review_overdue"     // nobody has looked at it for as long as the policy says
	RuleRotationDue   Rule = "rotation_due"       // older than the policy says
)

// Rules are all of them.
var Rules = []Rule{
	RuleNewSource, RuleNewNetwork, RuleBurst, RuleOffHours, RuleDormantWoken, RuleRefusedStorm, RuleRotatedValue,
	RuleCreatorLeft, RuleExpiryNear, RuleUnusedScopes, RuleReviewOverdue, RuleRotationDue,
}

// The thresholds, which docs/findings.md repeats. Whoever changes one raises the
// projection's revision.
const (
	dormantAfter = 30 * 24 * time.Hour

	burstLeast   = 60 // uses in a minute
	burstFactor  = 10 // times the mean of the minutes with uses
	burstHistory = 5  // minutes with uses before there is a mean
	burstMinutes = 4096
	burstRest    = time.Hour // after which another one is a finding again

	offHoursUses    = 50 // before there is a habit
	offHoursHistory = 14 * 24 * time.Hour
	offHoursMost    = 84 // of 168 hours of the week; beyond that there is no off
	offHoursRest    = 24 * time.Hour

	stormWindow   = 5 * time.Minute
	stormRefusals = 10
	stormRest     = time.Hour

	reuseRest = time.Hour

	sourcesADay = 20  // findings about sources for each token and rule
	maxNetworks = 256 // remembered for each token; beyond that it comes from everywhere

	unusedAfter    = 90 * 24 * time.Hour
	expiryNearDays = 7
)

// detail is what a finding says besides where it is: numbers and names, and no
// personal value.
type detail map[string]any

// used asks the rules about one use, or a number of them.
func (w *watched) used(f *findingsFold, rec events.Recorded, n int64) {
	at := rec.RecordedAt
	last := w.Since
	if w.LastUsedAt != nil {
		last = *w.LastUsedAt
	}
	if rest := at.Sub(last); rest >= dormantAfter {
		f.raise(w, RuleDormantWoken, rec, detail{"days": int64(rest / (24 * time.Hour))})
	}
	w.offHours(f, rec)
	w.burst(f, rec, n)
	if w.FirstUsedAt == nil {
		w.FirstUsedAt = &at
	}
	w.LastUsedAt = &at
	w.Uses += n
}

// rested reports whether so much time has passed since a rule was last broken,
// and notes this time if so.
func (w *watched) rested(f *findingsFold, rule Rule, at time.Time, rest time.Duration) bool {
	if last, ok := w.Last[rule]; ok && at.Sub(last) < rest {
		return false
	}
	if w.Last == nil {
		w.Last = map[Rule]time.Time{}
	}
	w.Last[rule], f.changed[w] = at, true
	return true
}

func (w *watched) burst(f *findingsFold, rec events.Recorded, n int64) {
	if minute := rec.RecordedAt.Unix() / 60; minute != w.Minute {
		if w.MinuteUses > 0 {
			w.Minutes++
			w.MinutesUses += w.MinuteUses
		}
		if w.Minutes >= burstMinutes { // what is long ago counts less
			w.Minutes, w.MinutesUses = w.Minutes/2, w.MinutesUses/2
		}
		w.Minute, w.MinuteUses = minute, 0
	}
	w.MinuteUses += n
	if w.Minutes < burstHistory {
		return
	}
	limit := max(burstLeast, burstFactor*w.MinutesUses/w.Minutes)
	if w.MinuteUses >= limit && w.rested(f, RuleBurst, rec.RecordedAt, burstRest) {
		f.raise(w, RuleBurst, rec, detail{"uses": w.MinuteUses, "usual": w.MinutesUses / w.Minutes})
	}
}

// week is a set of hours of the week, by UTC.
type week [21]byte

const hoursOfWeek = 168

func (k *week) has(hour int) bool {
	hour = (hour + hoursOfWeek) % hoursOfWeek
	return k[hour/8]&(1<<(hour%8)) != 0
}

func (k *week) add(hour int) { k[hour/8] |= 1 << (hour % 8) }

func (k *week) count() (n int) {
	for _, b := range k {
		n += bits.OnesCount8(b)
	}
	return n
}

func (w *watched) offHours(f *findingsFold, rec events.Recorded) {
	at := rec.RecordedAt.UTC()
	hour := int(at.Weekday())*24 + at.Hour()
	if w.Hours.has(hour) {
		return
	}
	known := w.Uses >= offHoursUses && at.Sub(*w.FirstUsedAt) >= offHoursHistory && w.Hours.count() <= offHoursMost
	if known && !w.Hours.has(hour-1) && !w.Hours.has(hour+1) && w.rested(f, RuleOffHours, at, offHoursRest) {
		f.raise(w, RuleOffHours, rec, detail{"weekday": strings.ToLower(at.Weekday().String()), "hour": int64(at.Hour())})
	}
	w.Hours.add(hour)
}

// The codes of refusals of a token that has ended, as the verifier gives them.
var endedCodes = []string{"REPLACED", "EXPIRED", "REVOKED", "DELETED"}

func (w *watched) refused(f *findingsFold, rec events.Recorded, e events.TokenUseRefused) {
	at := rec.RecordedAt
	if w.Rotated && slices.Contains(endedCodes, e.Code) && w.rested(f, RuleRotatedValue, at, reuseRest) {
		f.raise(w, RuleRotatedValue, rec, detail{"code": e.Code})
	}
	if w.RefusedFrom == nil || at.Sub(*w.RefusedFrom) > stormWindow {
		w.RefusedFrom, w.Refused = &at, 0
	}
	w.Refused += max(e.Count, 1)
	if w.Refused >= stormRefusals && w.rested(f, RuleRefusedStorm, at, stormRest) {
		f.raise(w, RuleRefusedStorm, rec, detail{"refusals": w.Refused, "code": e.Code})
	}
}

// source asks about an address and agent that a token is seen with for the first
// time. The first ones that it has are its own.
func (w *watched) source(f *findingsFold, rec events.Recorded, network string) {
	if w.Uses > 0 && within(&w.SourceDay, &w.SourceFindings, rec.RecordedAt) {
		f.raise(w, RuleNewSource, rec, nil)
	}
	if network == "" || f.networks[networkKey{w.Organization, w.Token, network}] || w.Networks >= maxNetworks {
		return
	}
	if w.Networks > 0 && w.Uses > 0 && within(&w.NetworkDay, &w.NetworkFindings, rec.RecordedAt) {
		f.raise(w, RuleNewNetwork, rec, nil)
	}
	w.Networks++
	f.remember(w, network)
}

// within counts a finding about sources, and reports whether the day has room for
// it. Each rule has a count of its own: what one finds does not depend on whether
// the other can still read addresses.
func within(day, findings *int64, at time.Time) bool {
	if today := at.Unix() / (24 * 60 * 60); today != *day {
		*day, *findings = today, 0
	}
	*findings++
	return *findings <= sourcesADay
}

// exercise notes which rights an action of a use takes, and reports whether that
// is news. An action that nobody has mapped tells nothing.
func (w *watched) exercise(known aggregate.Registry, action string) (news bool) {
	if len(w.Scopes) == 0 || len(w.Exercised) >= maxExercised {
		return false
	}
	for name := range strings.SplitSeq(action, ",") {
		object, verb, ok := known.ActionScope(name)
		if !ok || !aggregate.Scopes(w.Scopes).Allow(object, verb) {
			continue
		}
		if right := object + ":" + verb; !slices.Contains(w.Exercised, right) {
			w.Exercised = append(slices.Clip(w.Exercised), right)
			slices.Sort(w.Exercised)
			news = true
		}
	}
	return news
}

// maxExercised bounds the rights that are remembered for each token.
const maxExercised = 512

// unused gives the scopes that go beyond what was exercised, and the least that
// would have been enough.
func (w *watched) unused() (beyond, proposed []string) {
	exercised := aggregate.Scopes(w.Exercised)
	proposed = exercised.Intersect(exercised) // in as few scopes as that takes
	return aggregate.Scopes(w.Scopes).Beyond(exercised), proposed
}
