// Events of every type, made by looking at their shapes: a full one, a minimal one, any one.

package events

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// What the samples are about.
var (
	sampleOrganization = uuid.MustParse("01985d2e-0000-7000-8000-00000000000a")
	sampleUser         = uuid.MustParse("01985d2e-0000-7000-8000-00000000000b")
	sampleToken        = uuid.MustParse("01985d2e-0000-7000-8000-00000000000c")
	sampleTime         = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	sampleKey          = SubjectKey{1, 2, 3}
)

// closedSets holds one value of each type whose values are a closed set.
var closedSets = map[reflect.Type]string{
	reflect.TypeFor[TokenKind]():      string(PersonalKind),
	reflect.TypeFor[Role]():           string(RoleAuditor),
	reflect.TypeFor[GrantCause]():     string(CauseTokenRevoked),
	reflect.TypeFor[KeyUse]():         string(KeySigning),
	reflect.TypeFor[FindingStatus]():  string(FindingClosed),
	reflect.TypeFor[ReviewDecision](): string(ReviewKeep),
}

func sampleCommit(_ SubjectID, at Position, field, value string) (Commitment, error) {
	return Commit(sampleKey.Nonce(at, field), field, value), nil
}

// samplePlace is one in which an event of the kind can stand.
func samplePlace(k Kind) Place {
	p := Place{Position: 1042, TrailPosition: 17, Version: 3, RecordedAt: sampleTime}
	if k.Observation {
		p.Version = 0
	}
	return p
}

// sampleHome is a stream and a trail for events of the kind.
func sampleHome(k Kind) (StreamID, TrailID) {
	switch k.stream() {
	case KindToken:
		return TokenStream(sampleToken), OrganizationTrail(sampleOrganization)
	case KindGrant:
		return GrantStream(sampleToken, sampleOrganization), OrganizationTrail(sampleOrganization)
	case KindOrganization:
		return OrganizationStream(sampleOrganization), OrganizationTrail(sampleOrganization)
	case KindMembership:
		return MembershipStream(sampleOrganization, sampleUser), OrganizationTrail(sampleOrganization)
	case KindUser:
		return UserStream(sampleUser), UserTrail(sampleUser)
	case KindInvitation:
		return InvitationStream(sampleToken), OrganizationTrail(sampleOrganization)
	case KindReview:
		return ReviewStream(sampleToken), OrganizationTrail(sampleOrganization)
	case KindInstallation:
		return InstallationStream, OperatorTrail
	}
	panic("no sample stream of kind " + k.stream())
}

// eachField visits the fields of an event's data, and those of structs in them.
func eachField(v reflect.Value, visit func(name string, v reflect.Value)) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch f.Type {
		case timeType, uuidType, personalType:
		default:
			if f.Type.Kind() == reflect.Struct {
				eachField(v.Field(i), visit)
				continue
			}
		}
		visit(name, v.Field(i))
	}
}

// changed gives a copy of the event with its fields as visit leaves them.
func changed(e Event, visit func(name string, v reflect.Value)) Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	v.Set(reflect.ValueOf(e))
	eachField(v, visit)
	return v.Interface().(Event)
}

// fullEvent has every field set, each to a value of its own.
func fullEvent(k Kind) Event {
	n := 0
	return changed(k.Zero(), func(name string, v reflect.Value) {
		n++
		v.Set(fullValue(name, v.Type(), n))
	})
}

func fullValue(name string, t reflect.Type, n int) reflect.Value {
	value := func() any {
		switch t {
		case timeType:
			return sampleTime.Add(time.Duration(n) * time.Hour)
		case uuidType:
			return sampleUUID(n)
		case positionType:
			return Position(-1)
		case personalType:
			return Personal{Subject: UserStream(sampleUser), Value: "the personal " + name}
		}
		switch t.Kind() {
		case reflect.String:
			if one, ok := closedSets[t]; ok {
				return one
			}
			return fmt.Sprintf("%s “%d”", name, n)
		case reflect.Bool:
			return true
		case reflect.Int64:
			return int64(1)<<53 + int64(n)
		case reflect.Map:
			return map[string]string{"b": name, "a": "\t\"\\"}
		case reflect.Slice:
			s := reflect.MakeSlice(t, 0, 2)
			return reflect.Append(s, fullValue(name, t.Elem(), n), fullValue(name, t.Elem(), n+100)).Interface()
		}
		panic("no sample of type " + t.String())
	}()
	return reflect.ValueOf(value).Convert(t)
}

func sampleUUID(n int) uuid.UUID {
	id := sampleOrganization
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return id
}

// drawEvent draws any event of the kind that can stand at Position at.
func drawEvent(t *rapid.T, k Kind, at Position) Event {
	return changed(k.Zero(), func(name string, v reflect.Value) {
		v.Set(drawValue(t, name, v.Type(), at))
	})
}

func drawValue(t *rapid.T, name string, of reflect.Type, at Position) reflect.Value {
	value := func() any {
		switch of {
		case timeType:
			return time.UnixMicro(rapid.Int64Range(-62135596800_000000, 253402300799_999999).Draw(t, name)).UTC()
		case uuidType:
			return drawUUID(t, name)
		case positionType:
			// A draft is measured as if it stood at safeInteger, so it points no farther back.
			return rapid.Int64Range(1-min(int64(at), safeInteger), 1<<62).Draw(t, name)
		case personalType:
			return Personal{Subject: UserStream(sampleUser), Value: rapid.String().Draw(t, name)}
		}
		switch of.Kind() {
		case reflect.String:
			return rapid.String().Draw(t, name)
		case reflect.Bool:
			return rapid.Bool().Draw(t, name)
		case reflect.Int64:
			return rapid.Int64().Draw(t, name)
		case reflect.Map:
			return rapid.MapOf(rapid.String(), rapid.String()).Draw(t, name)
		case reflect.Slice:
			s := reflect.MakeSlice(of, 0, 0)
			for range rapid.IntRange(0, 3).Draw(t, name) {
				s = reflect.Append(s, drawValue(t, name, of.Elem(), at))
			}
			return s.Interface()
		}
		panic("no generator for " + of.String())
	}()
	return reflect.ValueOf(value).Convert(of)
}

func drawUUID(t *rapid.T, name string) (id uuid.UUID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
	return id
}

// drawMeta draws any envelope texts; an actor has a kind and an id.
func drawMeta(t *rapid.T) Meta {
	text, some := rapid.String(), rapid.StringN(1, -1, -1)
	return Meta{
		Actor:       Actor{Kind: ActorKind(some.Draw(t, "actor kind")), ID: some.Draw(t, "actor"), User: text.Draw(t, "user")},
		Reason:      text.Draw(t, "reason"),
		Correlation: text.Draw(t, "correlation"),
		Trace:       text.Draw(t, "trace"),
	}
}

// recordedForm is the event as a reader of its leaf finds it: positions
// absolute, commitments for personal values, nil for what is empty.
func recordedForm(t testing.TB, e Event, at Position) Event {
	return changed(e, func(name string, v reflect.Value) {
		switch {
		case v.Type() == positionType && v.Int() < 0:
			v.SetInt(v.Int() + int64(at))
		case v.Type() == personalType:
			p := into[Personal](v)
			if p.IsZero() {
				*p = Personal{}
			} else {
				c, err := sampleCommit(p.Subject, at, name, p.Value)
				if err != nil {
					t.Fatal(err)
				}
				*p = Personal{Commitment: c}
			}
		case v.Kind() == reflect.Slice || v.Kind() == reflect.Map:
			if v.Len() == 0 {
				v.SetZero()
			}
		}
	})
}

// leafOf drafts an event and places it.
func leafOf(t testing.TB, m Meta, e Event, p Place) []byte {
	t.Helper()
	k, ok := KindOf(e.Type())
	if !ok {
		t.Fatalf("no kind for %T", e)
	}
	stream, trail := sampleHome(k)
	d, err := NewDraft(stream, trail, m, e)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := d.AppendLeaf(nil, p, sampleCommit)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// again encodes a decoded leaf anew.
func again(r Recorded) ([]byte, error) {
	d, err := NewDraft(r.Stream, r.Trail, r.Meta, r.Event)
	if err != nil {
		return nil, err
	}
	return d.AppendLeaf(nil, Place{r.Position, r.TrailPosition, r.Version, r.RecordedAt}, nil)
}
