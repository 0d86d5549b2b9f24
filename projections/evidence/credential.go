// What can reach an organization, both kinds alike: its own tokens, and the grants of personal ones.

package evidence

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// The kinds of what can reach an organization, as reports name them.
const (
	organizationToken = "organization token"
	personalToken     = "personal token"
	memberKind        = "member"
)

// How a credential can end, as reports name it.
const (
	endRevoked = "revoked"
	endExpired = "expired"
	endDeleted = "deleted"
	endEnded   = "ended" // of a grant, by a decision
)

// pending is the status of a grant that no administrator has approved yet.
const pending = "PENDING"

// Credential is an organization token, or one life of a personal token's grant.
type Credential struct {
	ID         uuid.UUID
	Kind       string
	Name       string
	User       uuid.UUID // of a personal token
	CreatedBy  string
	Scopes     []string
	Begun      time.Time
	Deadline   *time.Time
	Status     string // at the instant of the state
	EndedAt    *time.Time
	End        string // how it ended, or will at its deadline
	EndedBy    *string
	Reason     *string
	LastUsedAt *time.Time
}

// LiveAt reports whether the credential exists at an instant and has not ended.
// One that ends at the instant by its deadline has ended; one that is ended by
// somebody then has not yet.
func (c Credential) LiveAt(t time.Time) bool {
	if c.EndedAt == nil {
		return true
	}
	if c.End == endExpired {
		return c.EndedAt.After(t)
	}
	return !c.EndedAt.Before(t)
}

// live reports whether a credential of the state has not ended in it. An end that
// somebody decided has come once it is in the state, also at the state's own instant.
func (s *State) live(c Credential) bool {
	return c.EndedAt == nil || c.End == endExpired && c.EndedAt.After(s.At)
}

// standing are the credentials that have not ended, in the order in which they began.
func (s *State) standing() []Credential {
	return slices.DeleteFunc(s.Credentials(), func(c Credential) bool { return !s.live(c) })
}

func ofToken(row projections.TokenRow, at time.Time) Credential {
	c := Credential{
		ID: row.ID, Kind: organizationToken, Name: row.Name, CreatedBy: row.CreatedBy, Scopes: row.Scopes,
		Begun: row.CreatedAt, Deadline: row.EndsAt, Status: string(row.Status(at)), LastUsedAt: row.LastUsedAt,
	}
	c.end(row.EndsAt, endExpired)
	c.end(row.ExpiredAt, endExpired)
	c.end(row.RevokedAt, endRevoked)
	c.end(row.DeletedAt, endDeleted)
	if c.End == endRevoked {
		c.EndedBy, c.Reason = row.RevokedBy, row.RevokedReason
		if row.DeletedAt != nil && row.DeletedAt.Equal(*row.RevokedAt) { // deleting a live token revokes it in one append
			c.End = endDeleted
		}
	}
	return c
}

func ofGrant(row projections.GrantRow, at time.Time) Credential {
	c := Credential{
		ID: row.Token, Kind: personalToken, Name: row.Name, User: row.User, CreatedBy: row.GivenBy, Scopes: row.Scopes,
		Begun: row.GivenAt, Deadline: row.ExpiresAt, Status: "ACTIVE",
	}
	c.end(row.ExpiresAt, endExpired)
	c.end(row.EndedAt, endEnded)
	switch {
	case row.EndedAt != nil:
		c.Status, c.EndedBy, c.Reason = "ENDED", row.EndedBy, row.EndedReason
	case row.ExpiresAt != nil && !row.ExpiresAt.After(at):
		c.Status = "EXPIRED"
	case row.Pending:
		c.Status = pending
	case row.Suspended && (row.SuspendedUntil == nil || row.SuspendedUntil.After(at)):
		c.Status = "SUSPENDED"
	}
	return c
}

// end notes an end, unless an earlier one is known.
func (c *Credential) end(at *time.Time, how string) {
	if at != nil && (c.EndedAt == nil || at.Before(*c.EndedAt)) {
		c.EndedAt, c.End = at, how
	}
}

// Credentials are all that the state knows, ended ones too, in the order in which they began.
func (s *State) Credentials() []Credential {
	var all []Credential
	for _, row := range s.Tokens {
		if row.Kind == events.OrganizationKind {
			all = append(all, ofToken(*row, s.At))
		}
	}
	for _, row := range s.Grants {
		all = append(all, ofGrant(*row, s.At))
	}
	return inOrder(all)
}

func inOrder(all []Credential) []Credential {
	slices.SortFunc(all, func(a, b Credential) int {
		if c := a.Begun.Compare(b.Begun); c != 0 {
			return c
		}
		return compareIDs(a.ID, b.ID)
	})
	return all
}

// name is what a token is called here.
func (s *State) name(id, organization uuid.UUID) string {
	if row := s.Tokens[id]; row != nil && row.Kind == events.OrganizationKind {
		return row.Name
	}
	if row := s.Grants[Pair{id, organization}]; row != nil {
		return row.Name
	}
	return ""
}
