// What is kept of a token: as little as a decision needs, since there may be millions.

package verifier

import (
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// instant is a time in microseconds since 1970, as precise as the log's; 0: none.
type instant int64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.UnixMicro())
}

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(i)).UTC()
}

// token is what most tokens have; the rest stands in more.
type token struct {
	id        uuid.UUID
	mac       [32]byte
	home      uuid.UUID // organization, or owner of a personal token
	expiresAt instant
	createdAt instant
	usedAt    instant // of an organization token; see lastUse
	more      *more   // nil for most organization tokens
	revision  uint32  // its version
	scopes    uint32  // the number of their list; see scopeLists
	pepper    int32   // 0: its credential is not known
	end       ending
	personal  bool
	watched   bool // followed from its first event, with all its sources
	useKnown  bool // see lastUse
}

// more is what few tokens have.
type more struct {
	stampedAt   instant // authorized through single sign-on; organization tokens
	replacedAt  instant // end of a rotation's overlap
	gate        gate
	firstUse    bool // its overlap ends when the successor is first used
	delivered   bool // as a successor, it was used
	successorOf uuid.UUID
	grantedTo   []uuid.UUID // replaced and never changed
	grants      []granted   // of a personal token, also those that ended
}

// nothing is the more of a token that has none. It is never written to.
var nothing more

func (t *token) rest() *more {
	if t.more == nil {
		return &nothing
	}
	return t.more
}

// version is that of the token's stream. Nobody decides four thousand million times about one.
func (t *token) version() events.Version { return events.Version(t.revision) }

// own is the more of a token that is about to be changed.
func (t *token) own() *more {
	if t.more == nil {
		t.more = new(more)
	}
	return t.more
}

// granted is a grant with the organization that it reaches.
type granted struct {
	organization uuid.UUID
	grant
}

type grant struct {
	version   events.Version
	gate      gate
	givenAt   instant
	stampedAt instant
	usedAt    instant
	useKnown  bool
	ended     bool
	pending   bool // closed until an administrator approves it
	approved  bool
}

// grant gives the token's grant for an organization, or nil.
func (t *token) grant(organization uuid.UUID) *grant {
	all := t.rest().grants
	for i := range all {
		if all[i].organization == organization {
			return &all[i].grant
		}
	}
	return nil
}

// granted gives the token's grant for an organization, and makes it if there is none.
func (t *token) granted(organization uuid.UUID) *grant {
	if g := t.grant(organization); g != nil {
		return g
	}
	m := t.own()
	m.grants = append(m.grants, granted{organization: organization})
	return &m.grants[len(m.grants)-1].grant
}

// gate is an [events.Gate] in less room.
type gate struct {
	until  instant
	closed bool
}

func gateOf(g events.Gate) gate { return gate{instantOf(g.Until), g.Closed} }

func (g gate) openAt(t time.Time) bool {
	return events.Gate{Closed: g.closed, Until: g.until.time()}.OpenAt(t)
}

// ending is why a token is over for good.
type ending uint8

const (
	notOver ending = iota
	overRevoked
	overExpired
	overReplaced
	overDeleted
)

var endingCodes = [...]Code{notOver: "", overRevoked: Revoked, overExpired: Expired, overReplaced: Replaced, overDeleted: Deleted}

func (e ending) code() Code { return endingCodes[e] }
