// What holds for every decider and every sequence of commands.

package aggregate

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
)

// deepCopy copies a state with all that it points to.
func deepCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Slice:
		if v.IsNil() {
			return out
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(deepCopy(v.Index(i)))
		}
	case reflect.Map:
		if v.IsNil() {
			return out
		}
		out.Set(reflect.MakeMap(v.Type()))
		for _, k := range v.MapKeys() {
			out.SetMapIndex(k, deepCopy(v.MapIndex(k)))
		}
	case reflect.Struct:
		out.Set(v) // also what cannot be set one by one, such as times
		for i := range v.NumField() {
			if f := out.Field(i); f.CanSet() {
				f.Set(deepCopy(v.Field(i)))
			}
		}
	default:
		out.Set(v)
	}
	return out
}

// live runs commands on a decider from nothing on, and checks after each that
// what was decided evolves, that nothing was written to, and what else must
// hold. It gives every state that there was.
func live[S, C any, E events.Event](
	t *rapid.T, dec Decider[S, C, E], command *rapid.Generator[C], must func(before S, decided []E, after S),
) {
	var s S
	now := noon
	for range rapid.IntRange(1, 40).Draw(t, "length") {
		now = now.Add(time.Duration(rapid.IntRange(0, 180).Draw(t, "minutes")) * time.Minute)
		before := deepCopy(reflect.ValueOf(s)).Interface().(S)
		decided, err := dec.Decide(s, command.Draw(t, "command"), now)
		if err != nil && len(decided) > 0 {
			t.Fatalf("%d events and a refusal: %v", len(decided), err)
		}
		after := s
		for _, e := range decided {
			mid := deepCopy(reflect.ValueOf(after)).Interface().(S)
			if kind, known := events.KindOf(e.Type()); !known || kind.Observation {
				t.Fatalf("%s is no decision of the catalogue", e.Type())
			}
			evolved := dec.Evolve(after, e)
			if !reflect.DeepEqual(after, mid) {
				t.Fatalf("evolving %s wrote to the state before it: %+v, was %+v", e.Type(), after, mid)
			}
			after = evolved
		}
		if !reflect.DeepEqual(s, before) {
			t.Fatalf("deciding wrote to the state: %+v, was %+v", s, before)
		}
		if len(decided) > 0 && reflect.DeepEqual(before, after) && !isStamp(decided[0]) {
			t.Fatalf("%s was decided and changes nothing in %+v", decided[0].Type(), before)
		}
		must(before, decided, after)
		s = after
	}
}

// isStamp names the events that are recorded although no rule sees a change.
func isStamp(e events.Event) bool {
	switch e.(type) {
	case events.TokenSSOAuthorized, events.GrantSSOAuthorized, events.UserUpdated, events.InstallationAdministratorRecovered:
		return true
	}
	return false
}

func anyTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		return hours(rapid.IntRange(-5, 100).Draw(t, "hours"))
	})
}

func anyTokenCommand() *rapid.Generator[TokenCommand] {
	ids := rapid.SliceOfN(rapid.SampledFrom([]uuid.UUID{orgA, orgB, user1}), 0, 3)
	return rapid.Custom(func(t *rapid.T) TokenCommand {
		name, scopes, at := rapid.StringN(0, 3, -1).Draw(t, "name"), anyScopes().Draw(t, "scopes"), anyTime().Draw(t, "at")
		limits := Limits{Scopes: anyScopes().Draw(t, "limit"), Unscoped: rapid.Bool().Draw(t, "unscoped")}
		kind := rapid.SampledFrom([]events.TokenKind{events.OrganizationKind, events.PersonalKind}).Draw(t, "kind")
		add, remove := ids.Draw(t, "add"), ids.Draw(t, "remove")
		return rapid.SampledFrom([]TokenCommand{
			CreateToken{
				Kind: kind, Organization: orgA, Owner: user1, Organizations: add, Name: "n" + name, Scopes: scopes,
				Ceiling: AllScopes(), ExpiresAt: at, Limits: freely,
			},
			CreateToken{Kind: kind, Name: name, Scopes: scopes, ExpiresAt: at, Limits: limits},
			RenameToken{name},
			DescribeToken{name},
			TagToken{[]string{name, "x"}},
			ChangeTokenScopes{Scopes: scopes, Limits: limits},
			ChangeTokenExpiry{ExpiresAt: at},
			ChangeTokenOrganizations{Add: add, Remove: remove, Limits: freely},
			SuspendToken{at},
			ResumeToken{},
			RevokeToken{name},
			ExpireToken{},
			SupersedeToken{},
			DeleteToken{},
			RotateToken{Successor: next, Overlap: time.Duration(len(name)) * time.Hour, EndsAtFirstUse: len(name) > 1},
			StampToken{},
			UnstampToken{},
		}).Draw(t, "which")
	})
}

func TestNoSequenceOfCommandsBringsATokenBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live(t, TokenDecider, anyTokenCommand(), func(before Token, decided []events.TokenEvent, after Token) {
			if before.Ended != NotEnded {
				if after.Ended != before.Ended {
					t.Fatalf("%s became %q", before.Ended, after.Ended)
				}
				for _, e := range decided {
					if _, deleted := e.(events.TokenDeleted); !deleted {
						t.Fatalf("%s after the end", e.Type())
					}
				}
			}
			if before.Deleted && (!after.Deleted || len(decided) > 0) {
				t.Fatalf("%d events after the deletion", len(decided))
			}
			if after.Deleted && after.Ended == NotEnded {
				t.Fatal("a live token was deleted")
			}
			if after.Kind == events.OrganizationKind && (len(after.Scopes) == 0 || !after.Scopes.Within(after.Ceiling)) {
				t.Fatalf("an organization token has %v under %v", after.Scopes, after.Ceiling)
			}
		})
	})
}

// A grant that follows its token after each command says what the token says.
func TestGrantsMirrorTheToken(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var grant Grant
		live(t, TokenDecider, anyTokenCommand(), func(_ Token, _ []events.TokenEvent, token Token) {
			if token.Kind == "" {
				return
			}
			before := deepCopy(reflect.ValueOf(grant)).Interface().(Grant)
			commands := []GrantCommand{FollowToken{token}}
			if token.Ended == NotEnded && !grant.Live {
				commands = []GrantCommand{GiveGrant{ID: next, Organization: orgA, Token: token}, FollowToken{token}}
			}
			for _, c := range commands {
				decided, err := GrantDecider.Decide(grant, c, noon)
				if err != nil {
					t.Fatal(err)
				}
				grant = GrantDecider.Fold(grant, decided...)
			}
			if again, _ := GrantDecider.Decide(grant, FollowToken{token}, noon); len(again) > 0 {
				t.Fatalf("a grant that follows still has %s to say", again[0].Type())
			}
			if grant.Live != (token.Ended == NotEnded) {
				t.Fatalf("the token ended %q, the grant is live: %v", token.Ended, grant.Live)
			}
			same := grant.Name == token.Name && reflect.DeepEqual(grant.Scopes, token.Scopes) &&
				grant.ExpiresAt.Equal(token.ExpiresAt) && grant.Suspended == token.Suspended
			if grant.Live && !same {
				t.Fatalf("%+v does not mirror %+v (before: %+v)", grant, token, before)
			}
		})
	})
}

func TestOrganizationsOnlyGrow(t *testing.T) {
	t.Parallel()
	command := rapid.Custom(func(t *rapid.T) OrganizationCommand {
		name := rapid.StringMatching(`[a-c]{0,2}`).Draw(t, "name")
		verb := rapid.SampledFrom([]string{"read", "write", "introspect"}).Draw(t, "verb")
		return rapid.SampledFrom([]OrganizationCommand{
			CreateOrganization{Name: name},
			RenameOrganization{Name: name, DisplayName: name},
			RegisterObject{Name: name, Actions: map[string]string{name: verb, name + "Now": verb}},
			RegisterObject{Name: "token", Actions: map[string]string{name: verb}},
			SetPolicy{Policy: events.Policy{SSORequired: len(name) > 1, MemberScopes: []string{name + ":" + verb}}},
		}).Draw(t, "which")
	})
	rapid.Check(t, func(t *rapid.T) {
		live(t, OrganizationDecider, command, func(before Organization, _ []events.OrganizationEvent, after Organization) {
			if before.Exists && !after.Exists {
				t.Fatal("an organization is gone")
			}
			for object := range before.Objects {
				if _, still := after.Objects[object]; !still {
					t.Fatalf("%s is not registered any more", object)
				}
			}
			for _, scope := range after.Policy.MemberScopes {
				if !after.Registry().Knows(scope) {
					t.Fatalf("members have the unknown scope %s", scope)
				}
			}
		})
	})
}

func TestUsersMembershipsAndTheInstallation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live(t, UserDecider, rapid.SampledFrom([]UserCommand{
			CreateUser{user1, Profile{Email: "ada@example.com"}},
			CreateUser{user1, Profile{}},
			UpdateUser{user1, Profile{"ada@example.com", "Ada"}},
			DeactivateUser{},
			ReactivateUser{},
			EraseUser{},
		}), func(before User, _ []events.UserEvent, after User) {
			if before.Exists && !after.Exists {
				t.Fatal("a user is gone")
			}
		})
		membership := rapid.Custom(func(t *rapid.T) MembershipCommand {
			role := rapid.SampledFrom([]events.Role{"owner", "admin", "auditor", "member", "janitor", ""}).Draw(t, "role")
			until := anyTime().Draw(t, "until")
			return rapid.SampledFrom([]MembershipCommand{
				StartMembership{orgA, user1, role, until}, ChangeMembership{role, until}, EndMembership{},
			}).Draw(t, "which")
		})
		live(t, MembershipDecider, membership, func(_ Membership, _ []events.MembershipEvent, after Membership) {
			if after.Role == events.RoleOwner && !after.Until.IsZero() {
				t.Fatal("an owner's membership ends by the clock")
			}
		})
		live(t, InstallationDecider, rapid.SampledFrom([]InstallationCommand{
			InitializeInstallation{"o"},
			RegisterOrganization{orgA},
			AppointOperator{user1},
			RecordRecovery{user1, next},
			RecordKeyRotation{events.KeyPepper, 2, ""},
			RecordKeyRotation{events.KeySigning, 3, "k"},
			RecordKeyRotation{"other", 2, ""},
			RecordArchive{First: 1, Last: 9},
			RecordArchive{First: 1, Last: 7},
			RecordArchive{First: 10, Last: 20},
			RecordArchive{First: 12, Last: 30},
			RecordArchive{First: 3, Last: 2},
		}), func(before Installation, decided []events.InstallationEvent, after Installation) {
			for _, e := range decided {
				if e, ok := e.(events.InstallationOrganizationRegistered); ok && e.Index != before.Organizations {
					t.Fatalf("index %d after %d organizations", e.Index, before.Organizations)
				}
				if e, ok := e.(events.InstallationEventsArchived); ok && (e.First != before.Archived+1 || after.Archived != e.Last || e.Last < e.First) {
					t.Fatalf("archived %d to %d after %d", e.First, e.Last, before.Archived)
				}
			}
			if len(decided) > 0 && !after.Initialized {
				t.Fatal("something happened before the beginning")
			}
		})
	})
}
