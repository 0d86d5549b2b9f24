// Anything with an id.

package graphql

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
)

// maxNodes is how many things one call can name.
const maxNodes = 100

// Node implements node.
func (q queries) Node(ctx context.Context, id string) (model.Node, error) {
	nodes, err := q.Nodes(ctx, []string{id})
	if err != nil {
		return nil, renamed(err, "ids[0]", "id")
	}
	return nodes[0], nil
}

// Nodes implements nodes. The look-ups run side by side, so that the loaders gather them.
func (q queries) Nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	if len(ids) > maxNodes {
		return nil, badInput("ids", "ids has %d entries; at most %d are possible.", len(ids), maxNodes)
	}
	nodes := make([]model.Node, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	for i, text := range ids {
		id, err := model.UnmarshalUUID(text)
		if err != nil {
			return nil, below("ids", i, badInput("", "%v.", err))
		}
		group.Go(func() (err error) {
			nodes[i], err = q.node(ctx, id)
			return err
		})
	}
	return nodes, group.Wait()
}

// node is null for what is not there, and for what is not for the caller.
func (q queries) node(ctx context.Context, id uuid.UUID) (model.Node, error) {
	for _, find := range []func(context.Context, uuid.UUID) (model.Node, error){q.tokenNode, q.organizationNode, q.userNode} {
		node, err := find(ctx, id)
		var r *aggregate.Refusal
		switch {
		case err == nil && node != nil:
			return node, nil
		case errors.As(err, &r) && (r.Code == aggregate.CodeNotFound || r.Code == aggregate.CodeForbidden || r.Code == aggregate.CodeBadUserInput):
			continue
		case err != nil:
			return nil, err
		}
	}
	return nil, nil
}

func (q queries) tokenNode(ctx context.Context, id uuid.UUID) (model.Node, error) {
	row, found, err := load(ctx, requestOf(ctx).tokenByID, id)
	if err != nil || !found {
		return nil, err
	}
	if err := callerOf(ctx).maySee(row); err != nil {
		return nil, err
	}
	now := requestOf(ctx).now
	if row.Kind == events.PersonalKind {
		return model.NewPersonalAccessToken(row, secret.Value{}, now), nil
	}
	return model.NewAPIToken(row, secret.Value{}, now), nil
}

func (q queries) organizationNode(ctx context.Context, id uuid.UUID) (model.Node, error) {
	c := callerOf(ctx)
	if err := c.within("id", id); err != nil {
		return nil, err
	}
	if err := c.may(aggregate.OpReadOrganization, false); err != nil {
		return nil, err
	}
	return q.organization(ctx, id)
}

func (q queries) userNode(ctx context.Context, id uuid.UUID) (model.Node, error) {
	if err := q.maySeeUser(ctx, id); err != nil {
		return nil, err
	}
	return q.user(ctx, id)
}
