// Rotation whose answer was lost: the value that nobody received is replaced by
// another one, and all else stays as it was.

package aggregate

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// ReplaceSuccessor names another successor of a token that has one which was
// never used. The overlap ends when it would have, also where that was before
// now: otherwise an answer that got lost would have cost the token.
type ReplaceSuccessor struct {
	Successor uuid.UUID
	SoFar     Token // the successor that it replaces
}

func (c ReplaceSuccessor) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustExist(); err != nil {
		return nil, err
	}
	switch {
	case t.Ended == Revoked:
		return nil, t.mustBeLive(now)
	case c.SoFar.Delivered:
		return nil, refuse(CodeConflict, "", "This token has been rotated already, and its successor is in use; rotate that one: %s.", t.Successor)
	case c.SoFar.mustBeLive(now) != nil:
		return nil, refuse(CodeConflict, "", "This token has been rotated already, and its successor %s has ended; create another token.", t.Successor)
	case t.SuspendedAt(now) || c.SoFar.SuspendedAt(now):
		return nil, refuse(CodeConflict, "", "This token or its successor is suspended, and another one would not be; resume it first.")
	}
	return []events.TokenEvent{events.TokenRotated{
		Successor: c.Successor, Until: t.RotatesUntil, EndsAtFirstUse: t.EndsAtFirstUse,
	}}, nil
}

// replaced ends the unused successor and names another one in its place, which
// is to be as that one was.
func (t *Tokens) replaced(ctx context.Context, d *Decision, s *subject, made Issued) (former *subject, err error) {
	former = &subject{id: s.Successor, trail: s.trail}
	if former.Token, err = Load(ctx, d, TokenDecider, events.TokenStream(former.id)); err != nil {
		return former, err
	}
	if err := s.do(ctx, d, ReplaceSuccessor{Successor: made.ID, SoFar: former.Token}); err != nil {
		return former, err
	}
	const reason = "its value was never used; another successor takes its place"
	defer d.Because(d.meta.Reason)
	d.Because(reason)
	if err := former.do(ctx, d, RevokeToken{Reason: reason}); err != nil {
		return former, err
	}
	return former, former.follow(ctx, d)
}

// repeated finds out whether a rotation under this key has been recorded and its
// successor never used. Then the answer was lost: the call gets a key of its own
// for another successor, which follows from the first key and what came of it, so
// that this answer, too, can get lost. again tells that this is so.
func (t *Tokens) repeated(ctx context.Context, call Call, ref TokenRef, in Rotation) (_ Call, again bool, _ error) {
	for call.Once != "" {
		o, err := call.order(commandRotate, about(ref, in), nil)
		if err != nil {
			return call, again, err
		}
		receipt, found, err := t.Handler.Log.Replayed(ctx, o.Once)
		if err != nil || !found {
			return call, again, fromLog(err)
		}
		successor := createdIn(receipt)[0].ID // a rotation makes one
		if unused, err := t.unused(ctx, successor); err != nil || !unused {
			return call, again, err
		}
		call, again = call.part(successor.String()), true
	}
	return call, again, nil
}

// unused reports whether a successor has neither been used nor ended by somebody
// else's word. One that was replaced was not used, either: its own successor
// under the next key tells more.
func (t *Tokens) unused(ctx context.Context, id uuid.UUID) (bool, error) {
	d := &Decision{log: t.Handler.Log, streams: map[events.StreamID]*loaded{}}
	token, err := Load(ctx, d, TokenDecider, events.TokenStream(id))
	return token.Kind != "" && !token.Delivered, fromLog(err)
}
