// The envelope of a recorded event, and what is asked of the log and answered by it.

package events

import (
	"errors"
	"time"

	"github.com/google/uuid"
)

// Type is the name of an event's kind, "<stream kind>.<what happened>".
type Type string

// Event is one fact, in the past tense. The set is closed: every type stands in
// [Catalogue], and what this program does not know is an [Unknown].
type Event interface {
	Type() Type
	sealed()
}

// ActorKind tells people and automation apart.
type ActorKind string

// The kinds of actors.
const (
	ActorPerson            ActorKind = "person"
	ActorPersonalToken     ActorKind = "personal_token"
	ActorOrganizationToken ActorKind = "organization_token"
	ActorSystem            ActorKind = "system"
)

// Actor is who did it. ID is the user's UUID for a person, the token's for a
// token, and a component's name ("scheduler", "bearer", "init") for the system.
// User is the owner of a personal token, else empty.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id"`
	User string    `json:"user,omitempty"`
}

// Person is the actor for a signed-in user.
func Person(user uuid.UUID) Actor { return Actor{Kind: ActorPerson, ID: user.String()} }

// PersonalToken is the actor for a call made with a user's personal token.
func PersonalToken(token, user uuid.UUID) Actor {
	return Actor{Kind: ActorPersonalToken, ID: token.String(), User: user.String()}
}

// OrganizationToken is the actor for a call made with an organization's token.
func OrganizationToken(token uuid.UUID) Actor {
	return Actor{Kind: ActorOrganizationToken, ID: token.String()}
}

// System is the actor for what the service does by itself.
func System(component string) Actor { return Actor{Kind: ActorSystem, ID: component} }

// Name is how lists show the actor: the user where one stands behind the call,
// else the actor's own id.
func (a Actor) Name() string {
	if a.User != "" {
		return a.User
	}
	return a.ID
}

// Meta is what is said about an event besides the fact itself.
type Meta struct {
	Actor       Actor
	Reason      string // why, in the actor's words; clear text for good
	Correlation string // the request that caused it
	Trace       string // W3C traceparent that the request came with
}

// Recorded is an event in its place in the log. Leaf and LeafHash are shared
// and must not be changed.
type Recorded struct {
	Position      Position
	Trail         TrailID
	TrailPosition Position
	Stream        StreamID
	Version       Version // 0: an observation
	RecordedAt    time.Time
	Meta          Meta
	Event         Event
	Leaf          []byte // the canonical line, without its newline
	LeafHash      [32]byte
	// Traceparent names a span as W3C Trace Context does: the one that appended the event, where
	// this process did so a while ago, or published it, where it came in a message. It is no
	// part of the leaf, and proves nothing.
	Traceparent string
}

// Decision reports whether the event changed what its stream is.
func (r Recorded) Decision() bool { return r.Version > 0 }

// Batch is some events of one stream in one trail, by one actor.
type Batch struct {
	Stream StreamID
	Trail  TrailID
	Meta   Meta
	Events []Event
}

// Key makes a request happen once: the caller's identity, the key that the
// caller chose, and the hash of the canonical command. The zero Key is none.
type Key struct {
	Caller string
	Key    string
	Hash   [32]byte
}

// Set reports whether the key is used at all.
func (k Key) Set() bool { return k.Key != "" }

// Credential is the verification material of one token. It is written with the
// events that introduce the token and stands in no leaf.
type Credential struct {
	Token  uuid.UUID
	Pepper int // version of the pepper that the MAC was made with
	MAC    [32]byte
}

// Request is what a caller asks the log to append: all of it or nothing.
type Request struct {
	Once        Key
	Guards      []Guard
	Quiet       []Quiet
	NotAfter    time.Time // zero: no deadline; compared with the block's RecordedAt
	Batches     []Batch
	Credentials []Credential
}

// Guard is one expectation about a stream, checked under the log's lock.
type Guard struct {
	Stream  StreamID
	Version Version // with Open false: the exact version, 0 for no such stream
	Open    bool    // the stream's gate is open at the block's RecordedAt
}

// Quiet is the expectation that no stream of a kind has had a decision after a
// position, also checked under the log's lock. It is for what no single stream
// tells, such as that nobody else has an address: whoever has looked it up in a
// read model that includes the position knows that it still is so.
type Quiet struct {
	Kind  StreamKind
	After Position
}

// NoStream expects that the stream has no decision yet.
func NoStream(s StreamID) Guard { return Guard{Stream: s} }

// AtVersion expects that the stream's last decision is number v.
func AtVersion(s StreamID, v Version) Guard { return Guard{Stream: s, Version: v} }

// Open expects that the stream exists and its gate lets uses pass.
func Open(s StreamID) Guard { return Guard{Stream: s, Open: true} }

// Gate tells whether uses of a stream may be recorded. The zero Gate is open;
// a closed one with Until set opens by itself at that time.
type Gate struct {
	Closed bool
	Until  time.Time
}

// OpenAt reports whether the gate lets a use pass at the instant t.
func (g Gate) OpenAt(t time.Time) bool {
	return !g.Closed || (!g.Until.IsZero() && !t.Before(g.Until))
}

// GateAfter is the gate that the event leaves behind it; changed is false for
// the many events that leave it as it was.
func GateAfter(e Event) (g Gate, changed bool) {
	if m, ok := e.(interface{ gate() Gate }); ok {
		return m.gate(), true
	}
	return Gate{}, false
}

// Placed tells where one event of a request came to stand.
type Placed struct {
	Position      Position
	TrailPosition Position
	Stream        StreamID
	Version       Version
	Type          Type
	LeafHash      [32]byte
}

// Receipt answers a request: one Placed for each event, in the request's order.
type Receipt struct {
	RecordedAt time.Time
	Placed     []Placed
	Replayed   bool // the request's Key had been used: these are the events of then
}

// Last is the position of the request's last event, 0 if it had none.
func (r Receipt) Last() Position {
	if len(r.Placed) == 0 {
		return 0
	}
	return r.Placed[len(r.Placed)-1].Position
}

// What the log answers when it does not append. Each refuses the request as a
// whole and leaves nothing behind.
var (
	// ErrConflict: a stream is not at the version that the request expects.
	ErrConflict = errors.New("the state this was decided on has changed")
	// ErrGateClosed: a stream is closed to uses.
	ErrGateClosed = errors.New("closed to uses")
	// ErrTooLate: the request's NotAfter has passed.
	ErrTooLate = errors.New("the deadline of the request has passed")
	// ErrKeyReused: the key was used before with another command.
	ErrKeyReused = errors.New("the idempotency key was used with another command")
	// ErrBusy: the log takes no more requests at present; try again later.
	ErrBusy = errors.New("the log is busy")
	// ErrUnavailable: the log's database cannot be reached or its clock cannot be trusted.
	ErrUnavailable = errors.New("the log is unavailable")
	// ErrArchived: what is to be read was archived and left the database, and the archive is not at hand.
	ErrArchived = errors.New("archived")
	// ErrInvalid: the request breaks a rule of the log and never can be appended.
	ErrInvalid = errors.New("not a valid request")
)
