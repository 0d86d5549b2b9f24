// Names of streams and trails: what is one, and what they are made of.

package events

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestStreamIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := drawUUID(rt, "a"), drawUUID(rt, "b")
		for _, tt := range []struct {
			stream        StreamID
			kind          StreamKind
			first, second uuid.UUID
		}{
			{TokenStream(a), KindToken, a, uuid.Nil},
			{GrantStream(a, b), KindGrant, a, b},
			{OrganizationStream(a), KindOrganization, a, uuid.Nil},
			{UserStream(a), KindUser, a, uuid.Nil},
			{MembershipStream(a, b), KindMembership, a, b},
			{InstallationStream, KindInstallation, uuid.Nil, uuid.Nil},
		} {
			first, second, err := tt.stream.IDs()
			if err != nil || first != tt.first || second != tt.second || tt.stream.Kind() != tt.kind {
				rt.Fatalf("%s: kind %s, ids %s and %s, %v", tt.stream, tt.stream.Kind(), first, second, err)
			}
			if err := tt.stream.check(); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

func TestStreamIDsRefused(t *testing.T) {
	t.Parallel()
	id := sampleToken.String()
	for _, s := range []string{
		"", "token", "token-", "token-x", "token-" + id + ".", "grant-" + id + ".x", "-" + id + "." + id + "." + id,
		"token-" + strings.ToUpper(id), "token-{" + id + "}", "token-urn:uuid:" + id,
		"token-" + strings.ReplaceAll(id, "-", ""), "token-" + id + " ",
		"token-" + strings.Replace(id, "-", "_", 1), "token-" + strings.Replace(id, "0", "g", 1),
	} {
		first, second, err := StreamID(s).IDs()
		if !errors.Is(err, ErrIdentity) || first != uuid.Nil || second != uuid.Nil {
			t.Errorf("%q: %s, %s, %v", s, first, second, err)
		}
	}
	for _, s := range []StreamID{
		"grant-" + StreamID(id), "token" + GrantStream(sampleToken, sampleUser)[5:], "planet-" + StreamID(id),
		"installation-" + StreamID(id), "membership-" + StreamID(id),
	} {
		if err := s.check(); !errors.Is(err, ErrIdentity) {
			t.Errorf("%q passes: %v", s, err)
		}
	}
}

func TestTrailIDs(t *testing.T) {
	t.Parallel()
	id := sampleOrganization.String()
	for _, tt := range []struct {
		trail              TrailID
		organization, user bool
	}{
		{OrganizationTrail(sampleOrganization), true, false},
		{UserTrail(sampleOrganization), false, true},
		{OperatorTrail, false, false},
		{"", false, false},
		{"operator-" + TrailID(id), false, false},
		{"user-", false, false},
		{"user", false, false},
		{"user-" + TrailID(strings.ToUpper(id)), false, false},
		{TrailID(strings.ToUpper(id)), false, false},
		{"{" + TrailID(id) + "}", false, false},
		{TrailID(strings.ReplaceAll(id, "-", "")), false, false},
	} {
		organization, isOrganization := tt.trail.Organization()
		user, isUser := tt.trail.User()
		if isOrganization != tt.organization || isUser != tt.user {
			t.Errorf("%q: an organization's %v, a user's %v", tt.trail, isOrganization, isUser)
		}
		if (isOrganization && organization != sampleOrganization) || (isUser && user != sampleOrganization) {
			t.Errorf("%q is of %s or %s", tt.trail, organization, user)
		}
		valid := tt.organization || tt.user || tt.trail == OperatorTrail
		if err := tt.trail.check(); (err == nil) != valid {
			t.Errorf("%q: %v", tt.trail, err)
		}
	}
}
