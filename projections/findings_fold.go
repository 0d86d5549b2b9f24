// A run of events through the rules: which rows it needs, what each event does, and what is written.

package projections

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// findingsFold is a run being folded. Findings are written in the order in which
// the events come, since one may be raised, taken back and raised again.
type findingsFold struct {
	out      findingsOut
	rec      events.Recorded          // that is taken in
	watched  map[uuid.UUID][]*watched // by token, one for each organization
	orgs     map[uuid.UUID]*watchedOrganization
	networks map[networkKey]bool // known
	changed  map[any]bool        // of what watched and orgs point to
	counted  map[*watched]bool   // only its habits changed, unless it is among the changed
}

// findingsOut takes what events do to findings. The event is the one by which it
// happens; a finding's row has no triage in it.
type findingsOut interface {
	// put writes a finding, or makes it another one of the same identity.
	put(by events.Recorded, row FindingRow, timed bool)
	// withdraw takes one out before its time; it never was a finding.
	withdraw(by events.Recorded, id findingName)
	resolve(by events.Recorded, id findingName)
	triage(by events.Recorded, e events.OrganizationFindingTriaged)
	// remember keeps a network that is somebody's personal data.
	remember(k networkKey, subject uuid.UUID)
	// forget drops what only the networks of these tokens of a subject could show.
	forget(subject uuid.UUID, of []*watched)
}

// findingName is what a finding is known by.
type findingName struct {
	organization uuid.UUID
	rule         Rule
	position     events.Position
}

type networkKey struct {
	organization, token uuid.UUID
	network             string
}

func newFindingsFold(out findingsOut) *findingsFold {
	return &findingsFold{
		out: out, watched: map[uuid.UUID][]*watched{}, orgs: map[uuid.UUID]*watchedOrganization{},
		networks: map[networkKey]bool{}, changed: map[any]bool{}, counted: map[*watched]bool{},
	}
}

// load reads what the run may ask for: the tokens that it is about, those of
// organizations whose policy changes, those of creators who leave, and those whose
// holders are erased.
func (f *findingsFold) load(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	tokens, orgs, all, creators, erased := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}, map[uuid.UUID]bool{}, map[string]bool{}, map[uuid.UUID]bool{}
	var seen []networkKey
	for _, rec := range run {
		first, second, err := rec.Stream.IDs()
		if err != nil {
			return at(rec, err)
		}
		if org, ok := rec.Trail.Organization(); ok {
			orgs[org] = true
		}
		switch e := rec.Event.(type) {
		case events.TokenEvent:
			tokens[first] = true
			if s, ok := e.(events.TokenSourceSeen); ok {
				if org, of := rec.Trail.Organization(); of {
					seen = append(seen, networkKey{org, first, networkOf(s.Address.Value)})
				}
			}
		case events.GrantEvent:
			tokens[first] = true
		case events.OrganizationPolicyChanged:
			all[first] = true
		case events.MembershipEnded:
			creators[second.String()] = true
		case events.UserDeactivated:
			creators[first.String()] = true
		case events.UserErased, events.OrganizationNetworkDataErased:
			erased[first] = true
		}
	}
	if err := f.loadWatched(ctx, tx, t, tokens, all, creators, erased); err != nil {
		return err
	}
	if err := f.loadNetworks(ctx, tx, t, seen); err != nil {
		return err
	}
	known, err := selectRows[watchedOrganization](ctx, tx, t.Name("organizations"), "t.organization = ANY($1)", sortedIDs(orgs))
	for i := range known {
		f.orgs[known[i].Organization] = &known[i]
	}
	return err
}

func (f *findingsFold) loadWatched(
	ctx context.Context, tx pgx.Tx, t Tables, tokens, all map[uuid.UUID]bool, creators map[string]bool, erased map[uuid.UUID]bool,
) error {
	type ask struct {
		condition string
		of        any
	}
	asks := []ask{{"token = ANY($1)", sortedIDs(tokens)}}
	if len(all) > 0 {
		asks = append(asks, ask{"live AND organization = ANY($1)", sortedIDs(all)})
	}
	if len(creators) > 0 {
		asks = append(asks, ask{"live AND creator = ANY($1)", slices.Sorted(maps.Keys(creators))})
	}
	if len(erased) > 0 {
		asks = append(asks, ask{"holder = ANY($1)", sortedIDs(erased)})
	}
	for _, a := range asks {
		rows, err := readWatched(ctx, tx, t, a.condition, a.of)
		if err != nil {
			return err
		}
		for _, w := range rows {
			if f.find(w.Token, w.Organization) == nil {
				f.watched[w.Token] = append(f.watched[w.Token], w)
			}
		}
	}
	return nil
}

func (f *findingsFold) loadNetworks(ctx context.Context, tx pgx.Tx, t Tables, seen []networkKey) error {
	if len(seen) == 0 {
		return nil
	}
	orgs, tokens, networks := make([]uuid.UUID, len(seen)), make([]uuid.UUID, len(seen)), make([]string, len(seen))
	for i, k := range seen {
		orgs[i], tokens[i], networks[i] = k.organization, k.token, k.network
	}
	rows, err := tx.Query(ctx, `SELECT organization, token, network FROM `+t.Name("networks")+`
		WHERE (organization, token, network) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]))`, orgs, tokens, networks)
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Name("networks"), err)
	}
	var k networkKey
	_, err = pgx.ForEachRow(rows, []any{&k.organization, &k.token, &k.network}, func() error {
		f.networks[k] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Name("networks"), err)
	}
	return nil
}

// networkOf is the network that an address counts for; empty for none.
func networkOf(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	size := 48
	if a.Is4() {
		size = 24
	}
	return netip.PrefixFrom(a, size).Masked().String()
}

func (f *findingsFold) find(token, organization uuid.UUID) *watched {
	for _, w := range f.watched[token] {
		if w.Organization == organization {
			return w
		}
	}
	return nil
}

func (f *findingsFold) organization(id uuid.UUID) *watchedOrganization {
	o := f.orgs[id]
	if o == nil {
		o = &watchedOrganization{Organization: id}
		f.orgs[id] = o
	}
	return o
}

// apply takes one event in.
func (f *findingsFold) apply(rec events.Recorded) error {
	f.rec = rec
	first, second, err := rec.Stream.IDs()
	if err != nil {
		return err
	}
	switch e := rec.Event.(type) {
	case events.TokenEvent:
		return f.applyToken(first, e, rec)
	case events.GrantEvent:
		return f.applyGrant(first, second, e, rec)
	case events.OrganizationEvent:
		f.applyOrganization(first, e, rec)
	case events.MembershipEnded:
		f.left(rec, second, first)
	case events.UserDeactivated:
		f.left(rec, first, uuid.Nil)
	case events.UserErased:
		f.forget(first)
	}
	return nil
}

func (f *findingsFold) applyOrganization(id uuid.UUID, e events.OrganizationEvent, rec events.Recorded) {
	o := f.organization(id)
	switch e := e.(type) {
	case events.OrganizationCreated:
		f.changed[o] = true
	case events.OrganizationObjectRegistered:
		objects := maps.Clone(o.Objects)
		if objects == nil {
			objects = map[string]map[string]string{}
		}
		objects[e.Object] = e.Actions
		o.Objects = objects
		f.changed[o] = true
	case events.OrganizationPolicyChanged:
		o.Policy = e.After
		f.changed[o] = true
		for _, w := range f.all(func(w *watched) bool { return w.Live && w.Organization == id }) {
			f.awaitPolicy(w, o.Policy, rec.RecordedAt)
		}
	case events.OrganizationNetworkDataErased:
		f.forget(id)
	case events.OrganizationFindingTriaged:
		f.out.triage(rec, e)
	case events.OrganizationRenamed, events.OrganizationSSOProviderChanged, events.OrganizationWebhookAdded, events.OrganizationWebhookRemoved:
		// No rule asks.
	}
}

// all lists what is loaded, in the order of the tokens.
func (f *findingsFold) all(which func(*watched) bool) (out []*watched) {
	for _, list := range f.watched {
		for _, w := range list {
			if which(w) {
				out = append(out, w)
			}
		}
	}
	slices.SortFunc(out, compareWatched)
	return out
}

// left finds the organization tokens that a user has created who is gone, from
// one organization or from all.
func (f *findingsFold) left(rec events.Recorded, user, organization uuid.UUID) {
	byOrg := map[uuid.UUID][]uuid.UUID{}
	for _, w := range f.all(func(w *watched) bool {
		return w.Live && w.Creator == user.String() && (organization == uuid.Nil || w.Organization == organization)
	}) {
		byOrg[w.Organization] = append(byOrg[w.Organization], w.Token)
	}
	for _, org := range slices.SortedFunc(maps.Keys(byOrg), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }) {
		f.insert(org, RuleCreatorLeft, rec.Position, rec.RecordedAt, false, nil, byOrg[org], detail{"user": user.String()})
	}
}

// forget drops the networks that are somebody's personal data, and all that was
// made of them: from here on it is as if they had never been readable.
func (f *findingsFold) forget(subject uuid.UUID) {
	for k := range f.networks {
		if w := f.find(k.token, k.organization); w != nil && w.Holder == subject {
			delete(f.networks, k)
		}
	}
	of := f.all(func(w *watched) bool { return w.Holder == subject })
	for _, w := range of {
		w.Networks, w.NetworkDay, w.NetworkFindings = 0, 0, 0
		f.changed[w] = true
	}
	f.out.forget(subject, of)
}

func (f *findingsFold) remember(w *watched, network string) {
	k := networkKey{w.Organization, w.Token, network}
	f.networks[k] = true
	f.out.remember(k, w.Holder)
}

// raise writes a finding about a token that an event shows.
func (f *findingsFold) raise(w *watched, rule Rule, rec events.Recorded, d detail) {
	f.insert(w.Organization, rule, rec.Position, rec.RecordedAt, false, &w.Token, nil, d)
}

func (f *findingsFold) insert(
	org uuid.UUID, rule Rule, at events.Position, when time.Time, timed bool, token *uuid.UUID, tokens []uuid.UUID, d detail,
) {
	if tokens == nil {
		tokens = []uuid.UUID{}
	}
	f.out.put(f.rec, FindingRow{
		Organization: org, Rule: rule, Position: at, RaisedAt: when, Token: token, Tokens: tokens, Detail: d.json(),
	}, timed)
}

func (d detail) json() json.RawMessage {
	if d == nil {
		return json.RawMessage("{}")
	}
	b, err := json.Marshal(d)
	if err != nil {
		panic("projections: a finding's detail that JSON cannot write: " + err.Error())
	}
	return b
}

// await writes down what becomes a finding at a time unless it is met before.
func (f *findingsFold) await(w *watched, rule Rule, of events.Position, when, now time.Time, timed bool, d detail) {
	old, waiting := w.Awaited[rule]
	switch {
	case waiting && old.Position == of && (old.At.Equal(when) || !old.At.After(now) && !when.After(now)):
		return // nothing new, or it is one already
	case waiting && old.Position != of:
		f.met(w, rule, now)
	}
	if !when.After(now) {
		when = now // a policy that is stricter than before finds it at once
	}
	after := maps.Clone(w.Awaited)
	if after == nil {
		after = map[Rule]awaited{}
	}
	after[rule] = awaited{of, when}
	w.Awaited = after
	f.changed[w] = true
	f.insert(w.Organization, rule, of, when, timed, &w.Token, nil, d)
}

// met takes back what was awaited: before its time it never was a finding, after
// it the finding is resolved.
func (f *findingsFold) met(w *watched, rule Rule, now time.Time) {
	old, waiting := w.Awaited[rule]
	if !waiting {
		return
	}
	if id := (findingName{w.Organization, rule, old.Position}); old.At.After(now) {
		f.out.withdraw(f.rec, id)
	} else {
		f.out.resolve(f.rec, id)
	}
	after := maps.Clone(w.Awaited)
	delete(after, rule)
	w.Awaited = after
	f.changed[w] = true
}

// write stores what has changed of what the rules remember.
func (f *findingsFold) write(ctx context.Context, tx pgx.Tx, t Tables) error {
	changed := f.all(func(w *watched) bool { return f.changed[w] })
	rows := make([]watchedRecord, len(changed))
	for i, w := range changed {
		rows[i] = w.record()
	}
	if err := upsert(ctx, tx, t.Name("watched"), []string{"token", "organization"}, rows); err != nil {
		return err
	}
	if err := writeHabits(ctx, tx, t, f.all(func(w *watched) bool { return f.counted[w] && !f.changed[w] })); err != nil {
		return err
	}
	var orgs []watchedOrganization
	for _, id := range slices.SortedFunc(maps.Keys(f.orgs), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }) {
		if o := f.orgs[id]; f.changed[o] {
			orgs = append(orgs, *o)
		}
	}
	return upsert(ctx, tx, t.Name("organizations"), []string{"organization"}, orgs)
}

// registry is what actions the organization knows.
func (o *watchedOrganization) registry() aggregate.Registry { return aggregate.With(o.Objects) }
