// Snapshots: what is written is what is read, and nothing else is taken for it.

package verifier

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
)

// kept is [Snapshots] in memory.
type kept struct {
	at    events.Position
	parts [][]byte
}

func (k *kept) Newest(context.Context) (events.Position, error) { return k.at, nil }

func (k *kept) Parts(context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, p := range k.parts {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (k *kept) Replace(_ context.Context, at events.Position, parts iter.Seq[[]byte]) error {
	k.at, k.parts = at, nil
	for p := range parts {
		k.parts = append(k.parts, slices.Clone(p))
	}
	return nil
}

// signed is a [Sealer] whose boxes can be read, and not be changed.
type signed struct{ key string }

func (s signed) Seal(plain []byte) []byte {
	sum := sha256.Sum256(append([]byte(s.key), plain...))
	return append(sum[:], plain...)
}

var errForged = errors.New("forged")

func (s signed) Open(b []byte) ([]byte, error) {
	if len(b) < sha256.Size || !bytes.Equal(s.Seal(b[sha256.Size:]), b) {
		return nil, errForged
	}
	return b[sha256.Size:], nil
}

// history applies facts to a verifier's memory as a log would have them.
type history struct {
	v        *Verifier
	versions map[events.StreamID]events.Version
	recorded []events.Recorded
}

func newHistory(c Config) *history {
	c.Sealer = signed{"key"}
	v := New(c)
	v.snapshotLeast, v.partSize = 1, 300
	return &history{v: v, versions: map[events.StreamID]events.Version{}}
}

func (h *history) record(stream events.StreamID, fact events.Event) {
	h.versions[stream]++
	at := events.Position(len(h.recorded) + 1)
	r := events.Recorded{
		Position: at, Stream: stream, Version: h.versions[stream], Event: fact,
		RecordedAt: time.UnixMicro(1_790_000_000_000_000 + int64(at)).UTC(), LeafHash: [32]byte{byte(at), byte(at >> 8), 1},
	}
	h.recorded = append(h.recorded, r)
	if err := h.v.take(r); err != nil {
		panic(err)
	}
}

// facts are all that changes the memory, of a few streams.
func facts(orgs, users, tokens []uuid.UUID) []func(t *rapid.T) (events.StreamID, events.Event) {
	of := func(t *rapid.T, ids []uuid.UUID) uuid.UUID { return rapid.SampledFrom(ids).Draw(t, "id") }
	when := func(t *rapid.T) time.Time {
		return time.UnixMicro(1_800_000_000_000_000 + rapid.Int64Range(0, 1e9).Draw(t, "when")).UTC()
	}
	scopes := func(t *rapid.T) []string {
		return rapid.SampledFrom([][]string{nil, {"read"}, {"evidence:write"}, {"evidence:write", "task:read"}}).Draw(t, "scopes")
	}
	token := func(fact func(*rapid.T) events.Event) func(*rapid.T) (events.StreamID, events.Event) {
		return func(t *rapid.T) (events.StreamID, events.Event) { return events.TokenStream(of(t, tokens)), fact(t) }
	}
	grant := func(fact events.Event) func(*rapid.T) (events.StreamID, events.Event) {
		return func(t *rapid.T) (events.StreamID, events.Event) {
			return events.GrantStream(of(t, tokens), of(t, orgs)), fact
		}
	}
	user := func(fact events.Event) func(*rapid.T) (events.StreamID, events.Event) {
		return func(t *rapid.T) (events.StreamID, events.Event) { return events.UserStream(of(t, users)), fact }
	}
	org := func(fact func(*rapid.T) events.Event) func(*rapid.T) (events.StreamID, events.Event) {
		return func(t *rapid.T) (events.StreamID, events.Event) {
			return events.OrganizationStream(of(t, orgs)), fact(t)
		}
	}
	member := func(fact func(org, user uuid.UUID, t *rapid.T) events.Event) func(*rapid.T) (events.StreamID, events.Event) {
		return func(t *rapid.T) (events.StreamID, events.Event) {
			o, u := of(t, orgs), of(t, users)
			return events.MembershipStream(o, u), fact(o, u, t)
		}
	}
	return []func(*rapid.T) (events.StreamID, events.Event){
		token(func(t *rapid.T) events.Event {
			return events.TokenCreated{Kind: events.OrganizationKind, Organization: of(t, orgs), Scopes: scopes(t), ExpiresAt: when(t), RotatedFrom: of(t, tokens)}
		}),
		token(func(t *rapid.T) events.Event {
			return events.TokenCreated{Kind: events.OrganizationKind, Organization: of(t, orgs), Scopes: scopes(t)}
		}),
		token(func(t *rapid.T) events.Event {
			return events.TokenCreated{Kind: events.PersonalKind, Owner: of(t, users), Scopes: scopes(t), Organizations: orgs[:2]}
		}),
		token(func(t *rapid.T) events.Event { return events.TokenScopesChanged{Scopes: scopes(t)} }),
		token(func(t *rapid.T) events.Event { return events.TokenExpiryChanged{ExpiresAt: when(t)} }),
		token(func(t *rapid.T) events.Event {
			return events.TokenOrganizationsChanged{Added: orgs[1:], Removed: orgs[:1]}
		}),
		token(func(t *rapid.T) events.Event { return events.TokenRotated{Until: when(t), EndsAtFirstUse: true} }),
		token(func(t *rapid.T) events.Event {
			return rapid.SampledFrom([]events.Event{
				events.TokenDelivered{},
				events.TokenRevoked{},
				events.TokenExpired{},
				events.TokenDeleted{},
				events.TokenSuspended{},
				events.TokenSuspended{Until: time.UnixMicro(1_900_000_000_000_000).UTC()},
				events.TokenResumed{},
				events.TokenSSOAuthorized{},
				events.TokenSSOAuthorizationWithdrawn{},
				events.TokenRenamed{Name: "x"},
			}).Draw(t, "fact")
		}),
		grant(events.GrantGiven{}), grant(events.GrantGiven{Pending: true}), grant(events.GrantApproved{}), grant(events.GrantEnded{}),
		grant(events.GrantSuspended{}), grant(events.GrantResumed{}), grant(events.GrantSSOAuthorized{}), grant(events.GrantSSOAuthorizationWithdrawn{}),
		user(events.UserCreated{}), user(events.UserDeactivated{}), user(events.UserReactivated{}), user(events.UserSignedOut{}),
		member(func(o, u uuid.UUID, t *rapid.T) events.Event {
			return events.MembershipStarted{Organization: o, User: u, Role: events.RoleMember, Until: when(t)}
		}),
		member(func(_, _ uuid.UUID, t *rapid.T) events.Event {
			return events.MembershipRoleChanged{Role: events.RoleAdmin}
		}),
		member(func(_, _ uuid.UUID, t *rapid.T) events.Event { return events.MembershipEnded{} }),
		org(func(t *rapid.T) events.Event { return events.OrganizationCreated{} }),
		org(func(t *rapid.T) events.Event {
			return events.OrganizationPolicyChanged{After: events.Policy{
				SSORequired: true, ScopeCeiling: scopes(t), AllowedSources: []string{"192.0.2.0/24"}, IdleExpiry: 90, EndFamilyOnReuse: true,
			}}
		}),
		org(func(t *rapid.T) events.Event {
			return events.OrganizationObjectRegistered{Object: "scan", Actions: map[string]string{"startScan": "write"}}
		}),
		func(t *rapid.T) (events.StreamID, events.Event) {
			return events.InstallationStream, events.InstallationOperatorAppointed{User: of(t, users)}
		},
	}
}

// TestASnapshotIsTheMemory after any history, in parts of any size.
func TestASnapshotIsTheMemory(t *testing.T) {
	t.Parallel()
	ids := func() []uuid.UUID { return []uuid.UUID{newUUID(), newUUID(), newUUID()} }
	orgs, users, tokens := ids(), ids(), append(ids(), ids()...)
	choices := facts(orgs, users, tokens)
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(Config{})
		h.v.partSize = rapid.IntRange(1, 2000).Draw(t, "part")
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			h.record(rapid.SampledFrom(choices).Draw(t, "fact")(t))
		}
		k := &kept{}
		_ = k.Replace(t.Context(), 1, h.v.parts())
		got := newState()
		at, err := restored(k.Parts(t.Context()), h.v.sealer, got)
		if err != nil || at != h.v.decided {
			t.Fatalf("%+v of %+v, %v", at, h.v.decided, err)
		}
		want := h.v.state
		for what, pair := range map[string][2]any{
			"tokens": {byID(got), byID(want)}, "users": {got.users, want.users}, "members": {got.members, want.members}, "organizations": {got.orgs, want.orgs},
		} {
			if !reflect.DeepEqual(pair[0], pair[1]) {
				t.Errorf("%s:\n got %s\nwant %s", what, spelled(pair[0]), spelled(pair[1]))
			}
		}
		for _, tok := range got.tokens.all() {
			if got.lists.number(got.lists.of(tok)) != tok.scopes {
				t.Error("equal lists of scopes are kept twice")
			}
		}
	})
}

// spelledToken is a token with its list of scopes, whose number is each memory's own.
type spelledToken struct {
	token
	scopes []string
}

func byID(s state) map[uuid.UUID]*spelledToken {
	all := map[uuid.UUID]*spelledToken{}
	for id, t := range s.tokens.all() {
		spelled := &spelledToken{*t, s.lists.of(t)}
		spelled.token.scopes = 0
		all[id] = spelled
	}
	return all
}

func newUUID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func spelled(all any) (text string) {
	for r := reflect.ValueOf(all).MapRange(); r.Next(); {
		text += fmt.Sprintf("%v: %+v\n", r.Key(), r.Value().Elem())
	}
	return text
}

// heldHistory is a log of a history, which tells from where it was read.
type heldHistory struct {
	atOnce
	recorded []events.Recorded
	from     []events.Position
}

func (l *heldHistory) Head(context.Context) (events.Position, error) {
	return events.Position(len(l.recorded)), nil
}

func (l *heldHistory) Decisions(_ context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
	l.from = append(l.from, after)
	return func(yield func(events.Recorded, error) bool) {
		for _, r := range l.recorded[min(int(after), len(l.recorded)):] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// TestAStartReadsWhatCameAfterTheSnapshot, and everything where the snapshot is
// not one of this log, of this program and of this key, all of it and in order.
func TestAStartReadsWhatCameAfterTheSnapshot(t *testing.T) {
	t.Parallel()
	h := newHistory(Config{})
	org := newUUID()
	h.record(events.OrganizationStream(org), events.OrganizationCreated{Name: "acme"})
	var tokens []uuid.UUID
	for range 40 {
		tokens = append(tokens, newUUID())
		h.record(events.TokenStream(tokens[len(tokens)-1]), events.TokenCreated{
			Kind: events.OrganizationKind, Organization: org, Scopes: []string{"read"},
		})
	}
	written := &kept{}
	h.v.snapshots = written
	if err := h.v.snapshotIfDue(t.Context()); err != nil || len(written.parts) < 3 || written.at != 41 {
		t.Fatalf("%d parts at %d, %v", len(written.parts), written.at, err)
	}
	if err := h.v.snapshotIfDue(t.Context()); err != nil || h.v.unsaved != 0 {
		t.Fatalf("nothing has happened since: %d, %v", h.v.unsaved, err)
	}
	h.record(events.TokenStream(tokens[7]), events.TokenRevoked{})
	h.record(events.TokenStream(newUUID()), events.TokenCreated{Kind: events.OrganizationKind, Organization: org})

	other := newHistory(Config{})
	for range 50 {
		other.record(events.OrganizationStream(newUUID()), events.OrganizationCreated{Name: "acme"})
		other.recorded[len(other.recorded)-1].LeafHash[3] = 9
	}
	for name, c := range map[string]struct {
		log     []events.Recorded
		sealer  Sealer
		damage  func(parts [][]byte) [][]byte
		from    []events.Position
		revoked bool
	}{
		"whole":            {from: []events.Position{40}},
		"none":             {damage: func([][]byte) [][]byte { return nil }, from: []events.Position{0}},
		"another key":      {sealer: signed{"other"}, from: []events.Position{0}},
		"a part missing":   {damage: func(p [][]byte) [][]byte { return slices.Delete(p, 1, 2) }, from: []events.Position{0}},
		"the end missing":  {damage: func(p [][]byte) [][]byte { return p[:len(p)-1] }, from: []events.Position{0}},
		"the start twice":  {damage: func(p [][]byte) [][]byte { return append(p[:1], p...) }, from: []events.Position{0}},
		"one more":         {damage: func(p [][]byte) [][]byte { return append(p, p[len(p)-1]) }, from: []events.Position{0}},
		"a bit turned":     {damage: func(p [][]byte) [][]byte { p[1][60] ^= 1; return p }, from: []events.Position{0}},
		"a longer future":  {log: h.recorded[:30], from: []events.Position{40, 0}},
		"another history":  {log: other.recorded, from: []events.Position{40, 0}},
		"another format":   {damage: reformatted, from: []events.Position{0}},
		"a part of before": {damage: func(p [][]byte) [][]byte { return append(p[:1], remarked(p[1]), p[2]) }, from: []events.Position{0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &kept{at: written.at}
			for _, p := range written.parts {
				k.parts = append(k.parts, slices.Clone(p))
			}
			if c.damage != nil {
				k.parts = c.damage(k.parts)
			}
			if len(k.parts) == 0 {
				k.at = 0
			}
			log := &heldHistory{recorded: h.recorded}
			if c.log != nil {
				log.recorded = c.log
			}
			v := New(Config{Log: log, Snapshots: k, Sealer: signed{"key"}})
			if c.sealer != nil {
				v.sealer = c.sealer
			}
			head, _ := log.Head(t.Context())
			if err := v.fill(t.Context(), head); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(log.from, c.from) {
				t.Errorf("it read after %v, want %v", log.from, c.from)
			}
			want := New(Config{Log: &heldHistory{recorded: log.recorded}})
			if err := want.fill(t.Context(), head); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(byID(v.state), byID(want.state)) || !reflect.DeepEqual(v.state.orgs, want.state.orgs) || v.decided != want.decided {
				t.Errorf("the memory is another than that of one who has read everything")
			}
			if name == "whole" {
				return
			}
			// Who could not use it leaves one that the next start can.
			v.snapshotLeast = 1
			if err := v.snapshotIfDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if at, err := restored(k.Parts(t.Context()), v.sealer, newState()); err != nil || at != v.decided || k.at != at.position {
				t.Errorf("the snapshot kept afterwards: %d at %+v, %v; want %+v", k.at, at, err, v.decided)
			}
		})
	}
}

// reformatted are the parts as another program would have sealed them.
func reformatted(parts [][]byte) [][]byte {
	for i, p := range parts {
		plain, _ := signed{"key"}.Open(p)
		parts[i] = signed{"key"}.Seal(append([]byte{2 * (snapshotFormat + 1)}, plain[1:]...))
	}
	return parts
}

// remarked is a part of a snapshot at another mark.
func remarked(part []byte) []byte {
	plain, _ := signed{"key"}.Open(part)
	plain = slices.Clone(plain)
	plain[10] ^= 1 // in the hash
	return signed{"key"}.Seal(plain)
}

// TestSnapshotsAreWrittenWhileTheMemoryChanges: an entry may be younger than the
// mark, and what is applied after it changes nothing twice.
func TestSnapshotsAreWrittenWhileTheMemoryChanges(t *testing.T) {
	t.Parallel()
	h := newHistory(Config{})
	org := newUUID()
	h.record(events.OrganizationStream(org), events.OrganizationCreated{Name: "acme"})
	var streams []events.StreamID
	var users []uuid.UUID
	made := func() {
		stream := events.TokenStream(newUUID())
		streams = append(streams, stream)
		h.record(stream, events.TokenCreated{Kind: events.OrganizationKind, Organization: org, Scopes: []string{rand.Text()}})
	}
	for range 30 {
		made()
	}
	for range 150 {
		users = append(users, newUUID())
		h.record(events.UserStream(users[len(users)-1]), events.UserCreated{})
	}
	at, k := h.v.decided, &kept{}
	i := 0
	_ = k.Replace(t.Context(), at.position, func(yield func([]byte) bool) {
		for p := range h.v.parts() { // between two parts the log goes on
			h.v.mu.Lock()
			made()
			h.record(streams[i], events.TokenRevoked{})
			h.record(streams[len(streams)-1-i], events.TokenScopesChanged{Scopes: []string{"read"}})
			for k := range 2 {
				u := users[(2*i+k)%len(users)]
				h.record(events.MembershipStream(org, u), events.MembershipStarted{Organization: org, User: u, Role: events.RoleMember})
			}
			i++
			h.v.mu.Unlock()
			if !yield(p) {
				return
			}
		}
	})
	if i < 3 {
		t.Fatalf("%d parts", i)
	}
	v := New(Config{Log: &heldHistory{recorded: h.recorded}, Snapshots: k, Sealer: signed{"key"}})
	if err := v.fill(t.Context(), events.Position(len(h.recorded))); err != nil {
		t.Fatal(err)
	}
	if v.saved != at.position {
		t.Errorf("the snapshot was at %d, want %d", v.saved, at.position)
	}
	if got, want := v.state, h.v.state; !reflect.DeepEqual(byID(got), byID(want)) || !reflect.DeepEqual(got.members, want.members) {
		t.Error("tokens or members differ")
	}
	for id, u := range h.v.state.users {
		if got := v.state.users[id]; !reflect.DeepEqual(got, u) {
			t.Errorf("user %v: %+v, want %+v", id, *got, *u)
		}
	}
}
