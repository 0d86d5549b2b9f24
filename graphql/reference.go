// How arguments name tokens: by UUID, 22-character id, masked value or fingerprint.

package graphql

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
)

// tokenID finds the token that an argument names. kind is empty where the
// argument may name either kind. That there is such a token, and that the caller
// may know of it, is for others to say; only a fingerprint has to be looked up,
// and finds nothing that the caller may not see.
func (h *handler) tokenID(ctx context.Context, field, text string, kind events.TokenKind) (uuid.UUID, error) {
	ref, err := secret.ParseReference(text)
	switch {
	case errors.Is(err, secret.ErrWholeValue):
		return uuid.Nil, badInput(field, "%v.", secret.ErrWholeValue)
	case err != nil:
		return uuid.Nil, badInput(field, "%v.", secret.ErrReference)
	case ref.Form == secret.ByMasked && kind != "" && ref.Kind != prefixOf(kind):
		return uuid.Nil, notFound(field, "There is no such token.")
	case ref.Form == secret.ByFingerprint:
		return h.tokenByFingerprint(ctx, field, ref.Fingerprint, kind)
	}
	return uuid.UUID(ref.ID), nil
}

func prefixOf(kind events.TokenKind) secret.Kind {
	if kind == events.PersonalKind {
		return secret.Personal
	}
	return secret.Organization
}
