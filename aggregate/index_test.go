// An index over a log, whose lag the tests decide.

package aggregate

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// index is an [Index] that folds the log. Frozen, it answers as of then; only
// Wait moves it on, unless it is stuck: then Wait fails for what is beyond.
type index struct {
	log interface {
		ReadAll(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error]
	}
	mu     sync.Mutex // guards all below
	frozen bool
	stuck  events.Position // 0: it is not; else how far it can get
	at     events.Position
	grants map[pairOf]bool // token, organization
	tokens map[uuid.UUID]events.TokenCreated
	roles  map[pairOf]events.Role // organization, user
	emails map[string]uuid.UUID
	linked map[Identity]uuid.UUID
	used   map[events.TrailID]map[uuid.UUID]time.Time
	names  map[pairOf]string    // organization, user
	asked  map[uuid.UUID]string // addresses, by invitation
}

type pairOf [2]uuid.UUID

func (x *index) Wait(ctx context.Context, p events.Position) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stuck > 0 && p > x.stuck {
		return errStuck
	}
	return x.advance(ctx, p)
}

var errStuck = errors.New("the index does not move")

// stick freezes the index where it is, until it is let go.
func (x *index) stick(ctx context.Context) error {
	err := x.freeze(ctx)
	x.stuck = x.at
	return err
}

// overtaken is an index after whose first Wait something happens that it misses.
type overtaken struct {
	*index
	then func()
}

func (x *overtaken) Wait(ctx context.Context, p events.Position) error {
	err := x.index.Wait(ctx, p)
	if then := x.then; err == nil && then != nil {
		x.then = nil
		then()
	}
	return err
}

func (x *index) freeze(ctx context.Context) error {
	err := x.Wait(ctx, 0)
	x.frozen = true
	return err
}

// advance reads on, unless the index is frozen and has come as far as asked.
func (x *index) advance(ctx context.Context, p events.Position) error {
	if x.frozen && x.at >= p {
		return nil
	}
	if x.grants == nil {
		x.grants, x.tokens = map[pairOf]bool{}, map[uuid.UUID]events.TokenCreated{}
		x.names, x.asked = map[pairOf]string{}, map[uuid.UUID]string{}
		x.roles, x.emails = map[pairOf]events.Role{}, map[string]uuid.UUID{}
		x.linked = map[Identity]uuid.UUID{}
		x.used = map[events.TrailID]map[uuid.UUID]time.Time{}
	}
	for rec, err := range x.log.ReadAll(ctx, x.at) {
		if err != nil {
			return err
		}
		x.at = rec.Position
		x.apply(rec)
	}
	return nil
}

func (x *index) apply(rec events.Recorded) {
	first, second, _ := rec.Stream.IDs()
	switch e := rec.Event.(type) {
	case events.TokenCreated:
		x.tokens[first] = e
	case events.GrantGiven:
		x.grants[pairOf{first, second}] = true
	case events.GrantEnded:
		delete(x.grants, pairOf{first, second})
	case events.MembershipStarted:
		x.roles[pairOf{first, second}] = e.Role
	case events.MembershipRoleChanged:
		x.roles[pairOf{first, second}] = e.Role
	case events.InvitationIssued:
		x.asked[first] = e.Email.Value
	case events.MembershipProvisioned:
		x.names[pairOf{first, second}] = strings.ToLower(e.UserName.Value)
	case events.MembershipEnded:
		delete(x.roles, pairOf{first, second})
	case events.TokenUsed:
		if x.used[rec.Trail] == nil {
			x.used[rec.Trail] = map[uuid.UUID]time.Time{}
		}
		x.used[rec.Trail][first] = rec.RecordedAt
	case events.UserCreated:
		x.emails[strings.ToLower(e.Email.Value)] = first
	case events.UserIdentityLinked:
		x.linked[Identity{e.Issuer, e.Subject.Value}] = first
	case events.UserUpdated:
		x.emails[strings.ToLower(e.Email.Value)] = first
	}
}

// list reads on and collects ids.
func (x *index) list(ctx context.Context, collect func(yes func(uuid.UUID))) ([]uuid.UUID, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	err := x.advance(ctx, 0)
	var out []uuid.UUID
	collect(func(id uuid.UUID) { out = append(out, id) })
	return sortedIDs(out), err
}

func (x *index) GrantsOf(ctx context.Context, user, org uuid.UUID) ([]uuid.UUID, error) {
	return x.list(ctx, func(yes func(uuid.UUID)) {
		for key := range x.grants {
			if key[1] == org && x.tokens[key[0]].Owner == user {
				yes(key[0])
			}
		}
	})
}

func (x *index) PersonalTokens(ctx context.Context, user uuid.UUID) ([]uuid.UUID, error) {
	return x.list(ctx, func(yes func(uuid.UUID)) {
		for id, t := range x.tokens {
			if t.Owner == user {
				yes(id)
			}
		}
	})
}

func (x *index) Owners(ctx context.Context, org uuid.UUID) ([]uuid.UUID, error) {
	return x.list(ctx, func(yes func(uuid.UUID)) {
		for key, role := range x.roles {
			if key[0] == org && role == events.RoleOwner {
				yes(key[1])
			}
		}
	})
}

func (x *index) OrganizationsOf(ctx context.Context, user uuid.UUID) ([]uuid.UUID, error) {
	return x.list(ctx, func(yes func(uuid.UUID)) {
		for key := range x.roles {
			if key[1] == user {
				yes(key[0])
			}
		}
	})
}

func (x *index) UserByEmail(ctx context.Context, email string) (uuid.UUID, bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	err := x.advance(ctx, 0)
	user, found := x.emails[strings.ToLower(email)]
	return user, found, err
}

func (x *index) UserByIdentity(ctx context.Context, issuer, subject string) (uuid.UUID, bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	err := x.advance(ctx, 0)
	user, found := x.linked[Identity{issuer, subject}]
	return user, found, err
}

func (x *index) LastUse(ctx context.Context, token uuid.UUID, trail events.TrailID, to events.Position) (time.Time, bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	err := x.advance(ctx, to)
	at, found := x.used[trail][token]
	return at, found, err
}

func (x *index) MemberByName(ctx context.Context, org uuid.UUID, name string) (uuid.UUID, bool, error) {
	found, err := x.list(ctx, func(yes func(uuid.UUID)) {
		for key, known := range x.names {
			if key[0] == org && known == strings.ToLower(name) {
				yes(key[1])
			}
		}
	})
	if len(found) == 0 {
		return uuid.Nil, false, err
	}
	return found[0], true, err
}

func (x *index) InvitedAddress(ctx context.Context, invitation uuid.UUID) (string, bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	err := x.advance(ctx, 0)
	email, found := x.asked[invitation]
	return email, found, err
}
