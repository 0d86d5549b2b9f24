// What things are called: positions, versions, trails, streams and subjects.

package events

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Position is the place of an event in the log, or in its trail: 1, 2, 3 …
// without a gap, in commit order. 0 stands before the first event.
//
// Inside an event that is not yet recorded, a negative Position is relative to
// the event's own place (-1 is the event right before it); the encoder writes
// it as an absolute one.
type Position int64

// Version counts the decisions of one stream: 1, 2, 3 … An observation has
// version 0.
type Version int64

// StreamKind is the kind of thing whose life a stream tells.
type StreamKind string

// The kinds of streams.
const (
	KindToken        StreamKind = "token"
	KindGrant        StreamKind = "grant"
	KindOrganization StreamKind = "organization"
	KindUser         StreamKind = "user"
	KindMembership   StreamKind = "membership"
	KindInvitation   StreamKind = "invitation"
	KindReview       StreamKind = "review"
	KindInstallation StreamKind = "installation"
)

// StreamID names one stream: its kind, a dash, and one or two UUIDs.
type StreamID string

// TokenStream is the stream of one token, of either kind.
func TokenStream(token uuid.UUID) StreamID { return streamOf(KindToken, token) }

// GrantStream is the stream of a personal token's access to one organization.
func GrantStream(token, organization uuid.UUID) StreamID {
	return streamOf(KindGrant, token) + StreamID("."+organization.String())
}

// OrganizationStream is the stream of one organization.
func OrganizationStream(organization uuid.UUID) StreamID {
	return streamOf(KindOrganization, organization)
}

// UserStream is the stream of one user.
func UserStream(user uuid.UUID) StreamID { return streamOf(KindUser, user) }

// MembershipStream is the stream of one user's membership of an organization.
func MembershipStream(organization, user uuid.UUID) StreamID {
	return streamOf(KindMembership, organization) + StreamID("."+user.String())
}

// InvitationStream is the stream of one invitation into an organization.
func InvitationStream(invitation uuid.UUID) StreamID { return streamOf(KindInvitation, invitation) }

// ReviewStream is the stream of one access review of an organization.
func ReviewStream(review uuid.UUID) StreamID { return streamOf(KindReview, review) }

// InstallationStream is the one stream of the installation itself.
const InstallationStream = StreamID(string(KindInstallation) + "-00000000-0000-0000-0000-000000000000")

func streamOf(kind StreamKind, id uuid.UUID) StreamID {
	return StreamID(string(kind) + "-" + id.String())
}

// Kind is the part before the first dash.
func (s StreamID) Kind() StreamKind {
	kind, _, _ := strings.Cut(string(s), "-")
	return StreamKind(kind)
}

// ErrIdentity is returned for a text that names no stream or trail.
var ErrIdentity = errors.New("not an identity of this ledger")

// IDs gives the UUIDs of which the stream's name is made: the token for a token
// stream, token and organization for a grant, organization and user for a
// membership; second is the zero UUID where there is only one.
func (s StreamID) IDs() (first, second uuid.UUID, err error) {
	_, rest, ok := strings.Cut(string(s), "-")
	if !ok {
		return first, second, fmt.Errorf("stream %q: %w", s, ErrIdentity)
	}
	head, tail, two := strings.Cut(rest, ".")
	if first, ok = parseUUID(head); !ok {
		return uuid.Nil, uuid.Nil, fmt.Errorf("stream %q: %w", s, ErrIdentity)
	}
	if two {
		if second, ok = parseUUID(tail); !ok {
			return uuid.Nil, uuid.Nil, fmt.Errorf("stream %q: %w", s, ErrIdentity)
		}
	}
	return first, second, nil
}

// check refuses what none of the constructors makes.
func (s StreamID) check() error {
	if _, _, err := s.IDs(); err != nil {
		return err
	}
	two := len(s) > len(s.Kind())+len("-")+36
	switch s.Kind() {
	case KindGrant, KindMembership:
		if two {
			return nil
		}
	case KindToken, KindOrganization, KindUser, KindInvitation, KindReview:
		if !two {
			return nil
		}
	case KindInstallation:
		if s == InstallationStream {
			return nil
		}
	}
	return fmt.Errorf("stream %q: %w", s, ErrIdentity)
}

// TrailID names the one trail that an event stands in: an organization's UUID,
// "user-" and a user's UUID, or "operator".
type TrailID string

// OperatorTrail holds what concerns the installation and no tenant.
const OperatorTrail TrailID = "operator"

const userTrailPrefix = "user-"

// OrganizationTrail is the trail of one organization.
func OrganizationTrail(organization uuid.UUID) TrailID { return TrailID(organization.String()) }

// UserTrail is the trail of one user.
func UserTrail(user uuid.UUID) TrailID { return TrailID(userTrailPrefix + user.String()) }

// Organization gives the organization whose trail this is; ok is false for a
// user's trail and the operator's.
func (t TrailID) Organization() (id uuid.UUID, ok bool) {
	return parseUUID(string(t))
}

// User gives the user whose trail this is; ok is false for any other trail.
func (t TrailID) User() (id uuid.UUID, ok bool) {
	rest, ok := strings.CutPrefix(string(t), userTrailPrefix)
	if !ok {
		return uuid.Nil, false
	}
	return parseUUID(rest)
}

// check refuses what none of the constructors makes.
func (t TrailID) check() error {
	if _, ok := t.Organization(); ok || t == OperatorTrail {
		return nil
	}
	if _, ok := t.User(); ok {
		return nil
	}
	return fmt.Errorf("trail %q: %w", t, ErrIdentity)
}

// plain reports whether a name from a leaf is made of what names are made of,
// so that it can stand unescaped in a subject, a header and a leaf.
func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return name != ""
}

// SubjectID names whose personal data a value is: the stream of a user, of an
// organization (for the network data of its tokens), or the installation's. A
// subject's key opens that subject's values and no others.
type SubjectID = StreamID
