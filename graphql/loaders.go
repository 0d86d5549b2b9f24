// Look-ups by id, gathered over the fields of one request: a list of a hundred tokens asks for their owners once.

package graphql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/vikstrous/dataloadgen"

	"github.com/tokenledger/tokenledger/projections"
)

// gatherFor is how long a look-up waits for others to join it.
const gatherFor = 500 * time.Microsecond

// loaders live for one request, so that what they remember is of one instant and one caller.
type loaders struct {
	tokenByID        *dataloadgen.Loader[uuid.UUID, projections.TokenRow]
	organizationByID *dataloadgen.Loader[uuid.UUID, projections.OrganizationRow]
	userByID         *dataloadgen.Loader[uuid.UUID, projections.UserRow]
	usageByToken     *dataloadgen.Loader[uuid.UUID, projections.Usage]
}

func (h *handler) newLoaders() loaders {
	return loaders{
		tokenByID:        gathered(h, h.views.TokensByID),
		organizationByID: gathered(h, h.views.OrganizationsByID),
		userByID:         gathered(h, h.views.UsersByID),
		usageByToken: gathered(h, func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]projections.Usage, error) {
			return h.views.Usage(ctx, ids, "")
		}),
	}
}

func gathered[T any](h *handler, fetch func(context.Context, []uuid.UUID) (map[uuid.UUID]T, error)) *dataloadgen.Loader[uuid.UUID, T] {
	return dataloadgen.NewMappedLoader(func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]T, error) {
		if err := h.catchUp(ctx); err != nil {
			return nil, err
		}
		return fetch(ctx, ids)
	}, dataloadgen.WithWait(gatherFor), dataloadgen.WithBatchCapacity(1000))
}

// load is one look-up; found is false for what is not there.
func load[T any](ctx context.Context, from *dataloadgen.Loader[uuid.UUID, T], id uuid.UUID) (row T, found bool, err error) {
	row, err = from.Load(ctx, id)
	switch {
	case errors.Is(err, dataloadgen.ErrNotFound):
		return row, false, nil
	case err != nil:
		return row, false, fmt.Errorf("look up %s: %w", id, err)
	}
	return row, true, nil
}
