// The use case of ending many tokens for one reason, such as those of a list of leaks.

package aggregate

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// MaxRevoked is the number of tokens that one call can end; revokedAtOnce is how
// many of them stand in one append, which keeps it within the log's limits also
// where each token has many grants.
const (
	MaxRevoked    = 10_000
	revokedAtOnce = 50
)

// Revocation is the input for ending many tokens. Organization is the one in
// whose name it is done.
type Revocation struct {
	Organization uuid.UUID
	Tokens       []TokenRef
	Reason       string
	Rehearsal    bool // say what would be ended, and end nothing
}

// RevokedEach is what became of many tokens.
type RevokedEach struct {
	Each     []Each // in the order of the input, each token once
	Receipts []events.Receipt
}

// RevokeEach ends many tokens, in several appends: an organization's token and
// the caller's own personal ones are revoked, of other personal ones the access to
// the organization ends. One that is refused keeps no other from being ended;
// its error says why. A repeated call with the same key goes on where the first
// one broke off, also where it lists only what is left.
func (t *Tokens) RevokeEach(ctx context.Context, call Call, in Revocation) (RevokedEach, error) {
	var out RevokedEach
	refs := uniqueRefs(in.Tokens)
	if len(refs) > MaxRevoked {
		return out, refuse(CodeBadUserInput, "", "These are %d tokens; one call can end %d. Narrow the filter, or call again.", len(refs), MaxRevoked)
	}
	for _, err := range []error{call.check(), reasonText("reason").check(in.Reason)} {
		if err != nil {
			return out, err
		}
	}
	for some := range slices.Chunk(refs, revokedAtOnce) {
		if err := t.revokeSome(ctx, call.part(fmt.Sprint(some)), in, some, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// revokeSome is one append.
func (t *Tokens) revokeSome(ctx context.Context, call Call, in Revocation, refs []TokenRef, out *RevokedEach) error {
	var done []Each
	o, err := call.order("RevokeEach", []any{in.Organization, refs, in.Reason}, func(ctx context.Context, d *Decision) error {
		done = nil
		who, err := authenticate(ctx, d, call.Principal)
		if err != nil {
			return err
		}
		d.Because(in.Reason)
		for _, ref := range refs {
			err := revokeOrWithdraw(ctx, d, who, in, ref)
			if _, refused := asRefusal(err); err != nil && !refused {
				return err
			}
			done = append(done, Each{ID: ref.ID, Err: err})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if in.Rehearsal {
		err := t.Handler.rehearse(ctx, o)
		out.Each = append(out.Each, done...)
		return err
	}
	outcome, err := t.Handler.Handle(ctx, o)
	if err != nil {
		return err
	}
	if outcome.Receipt.Replayed {
		done = endedBefore(outcome.Receipt, refs)
	}
	out.Each = append(out.Each, done...)
	if len(outcome.Receipt.Placed) > 0 {
		out.Receipts = append(out.Receipts, outcome.Receipt)
	}
	return nil
}

// endedBefore reads out of the receipt of then which tokens were ended.
func endedBefore(r events.Receipt, refs []TokenRef) []Each {
	ended := map[uuid.UUID]bool{}
	for _, p := range r.Placed {
		if id, _, err := p.Stream.IDs(); err == nil {
			ended[id] = true
		}
	}
	var done []Each
	for _, ref := range refs {
		each := Each{ID: ref.ID}
		if !ended[ref.ID] {
			each.Err = refuse(CodeConflict, "", "When this was first asked for, the token was refused to be ended; ask again without the Idempotency-Key for the reason.")
		}
		done = append(done, each)
	}
	return done
}

func revokeOrWithdraw(ctx context.Context, d *Decision, who Principal, in Revocation, ref TokenRef) error {
	token, err := Load(ctx, d, TokenDecider, events.TokenStream(ref.ID))
	if err != nil {
		return err
	}
	if ref.Kind == events.OrganizationKind && token.Organization != in.Organization {
		return Token{}.mustExist()
	}
	if ref.Kind == events.OrganizationKind || who.User != uuid.Nil && token.Owner == who.User {
		return revoke(ctx, d, who, ref, in.Reason)
	}
	if _, err := admit(ctx, d, who, in.Organization, OpEndGrants); err != nil {
		return err
	}
	if _, err := reaching(ctx, d, in.Organization, ref); err != nil {
		return err
	}
	return withdraw(ctx, d, ref.ID, []uuid.UUID{in.Organization}, events.CauseOrganization)
}

func uniqueRefs(refs []TokenRef) []TokenRef {
	seen := make(map[TokenRef]bool, len(refs))
	var once []TokenRef
	for _, ref := range refs {
		if !seen[ref] {
			seen[ref] = true
			once = append(once, ref)
		}
	}
	return once
}
