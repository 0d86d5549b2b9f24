// What a decision costs once everything about the token is remembered.

package verifier

import (
	"context"
	"crypto/rand"
	"iter"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// at once is a log that is durable at once, so that what is measured is this package's.
type atOnce struct{ position events.Position }

func (l *atOnce) Append(_ context.Context, r events.Request) (events.Receipt, error) {
	var placed []events.Placed
	for _, b := range r.Batches {
		for range b.Events {
			l.position++
			placed = append(placed, events.Placed{Position: l.position})
		}
	}
	return events.Receipt{Placed: placed}, nil
}

func (l *atOnce) ReadStream(context.Context, events.StreamID, events.Version) iter.Seq2[events.Recorded, error] {
	return func(func(events.Recorded, error) bool) {}
}

func (l *atOnce) Decisions(context.Context, events.Position) iter.Seq2[events.Recorded, error] {
	return func(func(events.Recorded, error) bool) {}
}

func (l *atOnce) Rewrap(context.Context, events.Credential, events.Credential) error { return nil }

func (l *atOnce) Blocks(context.Context, events.Position, bool) iter.Seq2[*eventstore.Block, error] {
	return func(func(*eventstore.Block, error) bool) {}
}
func (l *atOnce) Head(context.Context) (events.Position, error) { return l.position, nil }
func (l *atOnce) Credentials(context.Context, []uuid.UUID) ([]events.Credential, error) {
	return nil, nil
}

func (l *atOnce) AllCredentials(context.Context) iter.Seq2[events.Credential, error] {
	return func(func(events.Credential, error) bool) {}
}

type never struct{}

func (never) Source(context.Context, uuid.UUID, events.TrailID, string, string) (events.Position, bool, error) {
	return 0, false, nil
}

func (never) LastUse(context.Context, uuid.UUID, events.TrailID, events.Position) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

// filled is a verifier with an organization, its owner and one token of each kind.
func filled(tb testing.TB) (v *Verifier, organization, personal Query) {
	tb.Helper()
	peppers, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: make([]byte, 32)})
	if err != nil {
		tb.Fatal(err)
	}
	v = New(Config{Log: &atOnce{}, Sources: never{}, Peppers: peppers})
	org, user := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	apply := func(stream events.StreamID, e events.Event) {
		if err := v.state.apply(events.Recorded{Stream: stream, Version: 1, RecordedAt: time.Now(), Event: e}); err != nil {
			tb.Fatal(err)
		}
	}
	apply(events.OrganizationStream(org), events.OrganizationCreated{Name: "acme"})
	apply(events.UserStream(user), events.UserCreated{})
	apply(events.MembershipStream(org, user), events.MembershipStarted{Organization: org, User: user, Role: events.RoleOwner})
	made := func(kind secret.Kind, created events.TokenCreated) Query {
		id := uuid.Must(uuid.NewV7())
		apply(events.TokenStream(id), created)
		if kind == secret.Personal {
			apply(events.GrantStream(id, org), events.GrantGiven{Token: id, Organization: org, User: user})
		}
		value, err := secret.New(kind, secret.ID(id), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		mac, err := peppers.Sum(1, []byte(value.Reveal()))
		if err != nil {
			tb.Fatal(err)
		}
		v.state.credential(events.Credential{Token: id, Pepper: 1, MAC: mac})
		return Query{
			Value: value.Reveal(), Organization: org, Action: "createEvidence", Resource: "evidence/42",
			Address: netip.MustParseAddr("192.0.2.1"), Agent: "ci/1", RequestID: "request-1", Via: "test",
		}
	}
	organization = made(secret.Organization, events.TokenCreated{
		Kind: events.OrganizationKind, Organization: org, Name: "ci", Scopes: []string{"evidence:write"}, ExpiresAt: time.Now().Add(time.Hour),
	})
	personal = made(secret.Personal, events.TokenCreated{
		Kind: events.PersonalKind, Owner: user, Name: "mine", Scopes: []string{"evidence:write", "read"}, Organizations: []uuid.UUID{org},
	})
	v.ready = true
	return v, organization, personal
}

func TestADecisionAllocatesNothing(t *testing.T) {
	v, organization, personal := filled(t)
	wrong := organization
	wrong.Value = unknownValue(t)
	named := personal
	named.Action, named.Scope = "", "evidence:read"
	said := organization
	said.Action, said.Told = "PUT", true
	ownOnly := personal
	ownOnly.Organization = uuid.Nil
	for name, c := range map[string]struct {
		q    Query
		want Code
	}{
		"an organization's": {organization, ""}, "a person's": {personal, ""}, "scopes that are named": {named, ""},
		"an action that is told": {said, ""}, "its only organization": {ownOnly, ""}, "unknown": {wrong, Unknown},
		"malformed": {Query{Value: "x"}, Malformed}, "too long": {Query{Value: organization.Value + "x"}, Malformed},
		"not this": {func() Query { q := organization; q.Action = "createRisk"; return q }(), ScopeInsufficient},
	} {
		var d decided
		var err error
		if n := testing.AllocsPerRun(100, func() { d, err = v.decide(c.q.redacted()) }); n > 0 && !raceDetector {
			t.Errorf("%s: %v allocations", name, n)
		}
		if err != nil || d.code != c.want {
			t.Errorf("%s: %q, %v; want %q", name, d.code, err, c.want)
		}
	}
}

func unknownValue(tb testing.TB) string {
	tb.Helper()
	value, err := secret.New(secret.Organization, secret.ID{1}, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return value.Reveal()
}

// A ground is made anew as soon as anything that it was made of has changed.
func TestAGroundFollowsWhatItIsMadeOf(t *testing.T) {
	t.Parallel()
	v, _, q := filled(t)
	first, err := v.decide(q)
	if err != nil || first.code != "" {
		t.Fatal(first.code, err)
	}
	user, org := first.subject.User, first.subject.Organization
	for i, change := range []struct {
		stream events.StreamID
		fact   events.Event
		scopes int
	}{
		{events.TokenStream(first.token), events.TokenScopesChanged{Scopes: []string{"evidence:write"}}, 1},
		{events.UserStream(user), events.UserUpdated{}, 1},
		{events.GrantStream(first.token, org), events.GrantChanged{}, 1},
		{events.MembershipStream(org, user), events.MembershipRoleChanged{Role: events.RoleAuditor}, 1},
		{events.OrganizationStream(org), events.OrganizationRenamed{}, 1},
		{events.MembershipStream(org, user), events.MembershipRoleChanged{Role: events.RoleMember}, 0},
	} {
		before, _ := v.decide(q)
		version := events.Version(2 + i)
		if err := v.state.apply(events.Recorded{Stream: change.stream, Version: version, RecordedAt: time.Now(), Event: change.fact}); err != nil {
			t.Fatal(err)
		}
		after, _ := v.decide(q)
		if after.ground == before.ground || len(after.scopes) != change.scopes {
			t.Errorf("after %T the ground is the same: %v, its scopes %v", change.fact, after.ground == before.ground, after.scopes)
		}
		found := false
		for _, g := range after.guards {
			found = found || g.Stream == change.stream && g.Version == version
		}
		if !found {
			t.Errorf("after %T nothing guards %s at %d: %v", change.fact, change.stream, version, after.guards)
		}
		if again, _ := v.decide(q); again.ground != after.ground {
			t.Errorf("after %T it is made each time", change.fact)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	v, organization, personal := filled(b)
	for name, q := range map[string]Query{"organization": organization, "personal": personal} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d, err := v.decide(q); err != nil || d.code != "" {
					b.Fatal(d.code, err)
				}
			}
		})
	}
}

// BenchmarkVerify has everything but the log's own work.
func BenchmarkVerify(b *testing.B) {
	v, q, _ := filled(b)
	b.ReportAllocs()
	for b.Loop() {
		if d, err := v.Verify(b.Context(), q); err != nil || !d.Allowed {
			b.Fatal(d.Code, err)
		}
	}
}

func BenchmarkRefuse(b *testing.B) {
	v, q, _ := filled(b)
	q.Value = unknownValue(b)
	b.ReportAllocs()
	for b.Loop() {
		if d, err := v.Verify(b.Context(), q); err != nil || d.Allowed {
			b.Fatal(d.Code, err)
		}
	}
}

// What was forgotten is looked up again, also of a token that was watched from its first event.
func TestForgottenSourcesAreLookedUp(t *testing.T) {
	t.Parallel()
	asked := 0
	b := newSourceBook(asking(func() { asked++ }), 2)
	key := func(i int) sourceKey { return sourceKey{agent: string(rune('a' + i))} }
	for i := range 4 { // two generations of two
		if at, introduces, err := b.lookup(t.Context(), key(i), true); at != 0 || !introduces || err != nil || asked != 0 {
			t.Fatalf("%d: at %d, %v, asked %d times", i, at, err, asked)
		}
		b.remember(key(i), events.Position(i+1))
		b.introduced(key(i))
	}
	if at, introduces, _ := b.lookup(t.Context(), key(1), true); at != 2 || introduces || asked != 0 {
		t.Errorf("one of the older generation is at %d", at)
	}
	if _, _, _ = b.lookup(t.Context(), key(9), true); asked != 1 {
		t.Errorf("asked %d times after something was dropped", asked)
	}
	if len(b.new) > 2 || len(b.old) > 2 {
		t.Errorf("%d and %d are kept", len(b.new), len(b.old))
	}
}

type asking func()

func (a asking) Source(context.Context, uuid.UUID, events.TrailID, string, string) (events.Position, bool, error) {
	a()
	return 0, false, nil
}

func (a asking) LastUse(context.Context, uuid.UUID, events.TrailID, events.Position) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

// The callers that are remembered are bounded; one that is forgotten is recorded once more.
func TestCallersAreForgottenBeforeTheyFillTheMemory(t *testing.T) {
	t.Parallel()
	v, q, _ := filled(t)
	now := v.now()
	for range hourlyKept + 1 {
		v.authenticated(pair{newUUID()}, now)
	}
	if n := len(v.hourly); n > hourlyKept {
		t.Errorf("%d are remembered", n)
	}
	for range 2 { // recorded, and then not again
		if d, err := v.Authenticated(t.Context(), q); err != nil || !d.Allowed {
			t.Fatal(d.Code, err)
		}
	}
	if at := v.log.(*atOnce).position; at != 2 { // its source, and the use
		t.Errorf("%d events", at)
	}
}
