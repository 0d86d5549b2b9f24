// Access reviews: people look at every token, one by one, and say what becomes of it.

package events

import (
	"time"

	"github.com/google/uuid"
)

// ReviewEvent is a fact about one access review.
//
//sumtype:decl
type ReviewEvent interface {
	Event
	reviewEvent()
}

type reviewFact struct{}

func (reviewFact) sealed()      {}
func (reviewFact) reviewEvent() {}

// ReviewOpened begins a review of the tokens that could reach the organization
// at the position At, a snapshot that later changes leave as it is.
type ReviewOpened struct {
	reviewFact
	Organization uuid.UUID   `json:"organization"`
	Name         string      `json:"name"`
	At           int64       `json:"at"`
	Due          time.Time   `json:"due"`
	Reviewers    []uuid.UUID `json:"reviewers,omitempty"` // empty: every owner and administrator
}

// ReviewDecided is a reviewer's decision on one token of the snapshot. What
// follows from it is recorded on the token or the grant in the same append.
type ReviewDecided struct {
	reviewFact
	Token    uuid.UUID      `json:"token"`
	Decision ReviewDecision `json:"decision"`
}

// ReviewDecision is what a reviewer decides on a token.
type ReviewDecision string

// The decisions.
const (
	ReviewKeep   ReviewDecision = "keep"
	ReviewRevoke ReviewDecision = "revoke" // of a personal token: its grant to the organization ends
)

// ReviewClosed ends a review; what was not decided until then stays so.
type ReviewClosed struct{ reviewFact }

// Type implements [Event].
func (ReviewOpened) Type() Type { return "review.opened" }

// Type implements [Event].
func (ReviewDecided) Type() Type { return "review.decided" }

// Type implements [Event].
func (ReviewClosed) Type() Type { return "review.closed" }
