// The use cases about several tokens at once.

package aggregate

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// TokensOutcome is what happened to several tokens in one append.
type TokensOutcome struct {
	Outcome
	Tokens []Issued // in the order of the input
}

// CreateOrganizationTokens makes several in one append: all of them or none.
func (t *Tokens) CreateOrganizationTokens(ctx context.Context, call Call, in []NewOrganizationToken) (TokensOutcome, error) {
	return createSeveral(ctx, t, call, "CreateOrganizationTokens", in, t.createForOrganization)
}

// CreatePersonalTokens makes several of the caller's in one append: all of them or none.
func (t *Tokens) CreatePersonalTokens(ctx context.Context, call Call, in []NewPersonalToken) (TokensOutcome, error) {
	return createSeveral(ctx, t, call, "CreatePersonalTokens", in, t.createForCaller)
}

func createSeveral[N any](
	ctx context.Context, t *Tokens, call Call, command string, in []N,
	create func(context.Context, *Decision, Principal, N) (Issued, error),
) (TokensOutcome, error) {
	if err := bulkSize("input", len(in)); err != nil {
		return TokensOutcome{}, err
	}
	var made []Issued
	out, err := t.Handler.answer(ctx, call, command, in, func(ctx context.Context, d *Decision, who Principal) error {
		made = nil
		for i, one := range in {
			issued, err := create(ctx, d, who, one)
			if err != nil {
				return below(fmt.Sprintf("input[%d]", i), err)
			}
			made = append(made, issued)
		}
		return nil
	})
	if err != nil {
		return TokensOutcome{}, err
	}
	if out.Receipt.Replayed {
		made = shownBefore(&out)
	}
	return TokensOutcome{Outcome: out, Tokens: made}, nil
}

// Each is what became of one of several tokens.
type Each struct {
	ID      uuid.UUID
	Outcome TokenOutcome
	Err     error
}

// UpdateEach updates several tokens alike, each by itself: one that is refused
// keeps no other from being changed.
func (t *Tokens) UpdateEach(ctx context.Context, call Call, kind events.TokenKind, ids []uuid.UUID, in TokenUpdate) ([]Each, error) {
	return each(call, ids, func(call Call, id uuid.UUID) (TokenOutcome, error) {
		return t.Update(ctx, call, TokenRef{kind, id}, in)
	})
}

// DeleteEach deletes several tokens, each by itself.
func (t *Tokens) DeleteEach(ctx context.Context, call Call, kind events.TokenKind, ids []uuid.UUID, reason string) ([]Each, error) {
	return each(call, ids, func(call Call, id uuid.UUID) (TokenOutcome, error) {
		return t.Delete(ctx, call, TokenRef{kind, id}, reason)
	})
}

// each gives every token a key of its own, so that a repeated call goes on
// where the first one broke off.
func each(call Call, ids []uuid.UUID, do func(Call, uuid.UUID) (TokenOutcome, error)) ([]Each, error) {
	for _, err := range []error{call.check(), bulkSize("ids", len(ids))} {
		if err != nil {
			return nil, err
		}
	}
	var out []Each
	for _, id := range uniqueIDs(ids) {
		outcome, err := do(call.part(id.String()), id)
		out = append(out, Each{ID: id, Outcome: outcome, Err: err})
	}
	return out, nil
}

// revoke ends a token for good; what follows from that, too.
func revoke(ctx context.Context, d *Decision, who Principal, ref TokenRef, reason string) error {
	s, err := open(ctx, d, who, ref, actRevoke)
	if err != nil {
		return err
	}
	if err := s.do(ctx, d, RevokeToken{Reason: reason}); err != nil {
		return err
	}
	return s.follow(ctx, d)
}

// MaxBulk is the number of tokens that one call can be about.
const MaxBulk = 1000

func bulkSize(field string, n int) error {
	if n == 0 || n > MaxBulk {
		return refuse(CodeBadUserInput, field, "%s has %d entries; between 1 and %d are possible.", field, n, MaxBulk)
	}
	return nil
}

func uniqueIDs(ids []uuid.UUID) []uuid.UUID {
	var once []uuid.UUID
	for _, id := range ids {
		if !slices.Contains(once, id) {
			once = append(once, id)
		}
	}
	return once
}
