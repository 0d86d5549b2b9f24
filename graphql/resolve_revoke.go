// Ending tokens with open eyes: who would miss one, and many for one reason.

package graphql

import (
	"cmp"
	"context"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// RevokePreview implements revokePreview.
func (q queries) RevokePreview(ctx context.Context, id string, days int) (*model.RevokePreview, error) {
	since, err := q.lookBack(ctx, days)
	if err != nil {
		return nil, err
	}
	row, trail, own, err := q.missable(ctx, id)
	if err != nil {
		return nil, err
	}
	known, err := q.views.UsageSince(ctx, row.ID, trail, since, maxParts)
	if err != nil {
		return nil, err
	}
	out := &model.RevokePreview{
		TokenID: row.ID.String(), Status: row.Status(requestOf(ctx).now), Since: since,
		Uses: known.Uses, Refusals: known.Refusals, LastUsedAt: known.LastUsedAt,
		Actions: known.Actions, Sources: known.Sources, Callers: []model.RevokePreviewCaller{},
	}
	open := callerOf(ctx).may(aggregate.OpReadPersonal, own && row.Kind == events.PersonalKind) == nil
	for i := range out.Sources {
		if !open {
			out.Sources[i].Address, out.Sources[i].Agent = nil, nil
		}
		addCaller(out, out.Sources[i])
	}
	return out, nil
}

// addCaller sums up the sources by the program that called; they come the last used first.
func addCaller(out *model.RevokePreview, s projections.UsageSource) {
	for i := range out.Callers {
		if c := &out.Callers[i]; value(c.Agent) == value(s.Agent) {
			c.Uses += s.Uses
			return
		}
	}
	out.Callers = append(out.Callers, model.RevokePreviewCaller{Agent: s.Agent, Uses: s.Uses, LastUsedAt: s.LastUsedAt})
}

// missable finds a token whose use the caller may look at, and the trail in which
// he may: all of them for his own personal token, the organization's else.
func (h *handler) missable(ctx context.Context, name string) (row projections.TokenRow, trail events.TrailID, own bool, err error) {
	nowhere := notFound("id", "There is no such token.")
	id, err := h.tokenID(ctx, "id", name, "")
	if err != nil {
		return row, "", false, err
	}
	row, found, err := load(ctx, requestOf(ctx).tokenByID, id)
	if err != nil || !found {
		if err == nil {
			err = nowhere
		}
		return row, "", false, err
	}
	c := callerOf(ctx)
	if row.Kind == events.PersonalKind && c.Kind != events.OrganizationKind && row.Holder == c.User {
		return row, "", true, c.may(aggregate.OpPreviewRevoke, true)
	}
	if !c.concerns(row) {
		return row, "", false, nowhere
	}
	own = row.Kind == events.OrganizationKind && c.created(row)
	return row, events.OrganizationTrail(c.Organization), own, c.may(aggregate.OpPreviewRevoke, own)
}

// concerns says whether a token is the caller's organization's, has or had access
// to it, or is the caller's own. Of any other he learns nothing, not even its id.
func (c *Caller) concerns(row projections.TokenRow) bool {
	if row.Kind == events.OrganizationKind {
		return row.Holder == c.Organization
	}
	_, granted := row.Grants[c.Organization.String()]
	return granted || c.User != uuid.Nil && row.Holder == c.User
}

// RevokeTokens implements revokeTokens.
func (m mutations) RevokeTokens(ctx context.Context, input model.RevokeTokensInput) (*model.RevokeTokensPayload, error) {
	organization, err := callerOf(ctx).organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	if err := m.catchUp(ctx); err != nil {
		return nil, err
	}
	out := &model.RevokeTokensPayload{DryRun: input.DryRun, RevokedIDs: []string{}, NotRevoked: []model.NotRevoked{}, Receipts: []model.Receipt{}}
	refs, nameOf, err := m.toRevoke(ctx, organization, input, out)
	if err != nil {
		return nil, err
	}
	done, err := m.tokens.RevokeEach(ctx, requestOf(ctx).call(ctx), aggregate.Revocation{
		Organization: organization, Tokens: refs, Reason: input.Reason, Rehearsal: input.DryRun,
	})
	if err != nil && len(done.Receipts) == 0 {
		return nil, err
	}
	ended := map[uuid.UUID]bool{}
	for _, each := range done.Each {
		ended[each.ID] = true
		if each.Err != nil {
			m.notRevoked(ctx, out, cmp.Or(nameOf[each.ID], each.ID.String()), each.Err)
			continue
		}
		out.RevokedIDs = append(out.RevokedIDs, each.ID.String())
	}
	for _, ref := range refs { // what the appends before could not keep from failing
		if !ended[ref.ID] {
			ended[ref.ID] = true
			m.notRevoked(ctx, out, cmp.Or(nameOf[ref.ID], ref.ID.String()), err)
		}
	}
	for _, receipt := range done.Receipts {
		m.recorded(ctx, aggregate.Outcome{Receipt: receipt})
		out.Receipts = append(out.Receipts, *model.NewReceipt(receipt))
	}
	return out, nil
}

func (m mutations) notRevoked(ctx context.Context, out *model.RevokeTokensPayload, id string, err error) {
	shown := m.present(ctx, err)
	code, _ := shown.Extensions["code"].(string)
	out.NotRevoked = append(out.NotRevoked, model.NotRevoked{ID: secret.RedactString(id), Code: code, Message: shown.Message})
}

// toRevoke finds the tokens that the input names, and how it names them. What
// names none goes into the answer.
func (m mutations) toRevoke(
	ctx context.Context, organization uuid.UUID, in model.RevokeTokensInput, out *model.RevokeTokensPayload,
) ([]aggregate.TokenRef, map[uuid.UUID]string, error) {
	if in.Ids == nil && in.Leaked == nil && in.Where == nil && in.OwnerID == nil && in.Scope == nil {
		return nil, nil, badInput("input", "Name the tokens: by ids, found values, a filter, an owner or a scope.")
	}
	refs, nameOf, err := m.named(ctx, append(append([]string{}, in.Ids...), in.Leaked...), out)
	if err != nil {
		return nil, nil, err
	}
	if in.OwnerID != nil {
		owned, err := m.ownedBy(ctx, organization, *in.OwnerID)
		if err != nil {
			return nil, nil, err
		}
		refs = append(refs, owned...)
	}
	if in.Where != nil || in.Scope != nil {
		matching, err := m.matching(ctx, organization, in.Scope)
		if err != nil {
			return nil, nil, err
		}
		refs = append(refs, matching...)
	}
	return refs, nameOf, nil
}

// named finds tokens by whatever names them. Whether the caller may end them is
// decided on the log.
func (m mutations) named(
	ctx context.Context, names []string, out *model.RevokeTokensPayload,
) (refs []aggregate.TokenRef, nameOf map[uuid.UUID]string, err error) {
	if len(names) > aggregate.MaxRevoked {
		return nil, nil, badInput("input", "These are %d names; one call can end %d tokens.", len(names), aggregate.MaxRevoked)
	}
	var fingerprints []string
	for _, name := range names {
		if shown, is := leaked(name); is {
			fingerprints = append(fingerprints, shown)
		}
	}
	// It finds any token; who asks learns of one only what [Caller.concerns] leaves.
	found, err := m.views.TokensByFingerprint(ctx, fingerprints)
	if err != nil {
		return nil, nil, err
	}
	ids := make([]uuid.UUID, 0, len(names))
	nameOf = map[uuid.UUID]string{}
	for _, name := range names {
		var id uuid.UUID
		var err error
		if shown, is := leaked(name); !is {
			id, err = m.tokenID(ctx, "", name, "")
		} else if row, known := found[shown]; known {
			id = row.ID
		} else {
			err = notFound("", "There is no such token.")
		}
		if err != nil {
			m.notRevoked(ctx, out, name, err)
			continue
		}
		ids, nameOf[id] = append(ids, id), name
	}
	rows, err := m.views.TokensByID(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		row, found := rows[id]
		if !found || !callerOf(ctx).concerns(row) {
			m.notRevoked(ctx, out, nameOf[id], notFound("", "There is no such token."))
			continue
		}
		refs = append(refs, aggregate.TokenRef{Kind: row.Kind, ID: id})
	}
	return refs, nameOf, nil
}

// leaked reads the SHA-256 of a value, in both ways of writing it. Nothing else is
// looked up by what it says: a whole value must not get as far as a query.
func leaked(name string) (fingerprint string, is bool) {
	ref, err := secret.ParseReference(fingerprintOf(name))
	return ref.Fingerprint, err == nil && ref.Form == secret.ByFingerprint
}

// ownedBy lists a user's personal tokens with access to the organization.
func (m mutations) ownedBy(ctx context.Context, organization uuid.UUID, owner string) ([]aggregate.TokenRef, error) {
	if err := callerOf(ctx).may(aggregate.OpEndGrants, false); err != nil {
		return nil, err
	}
	user, err := optionalID("ownerID", &owner)
	if err != nil {
		return nil, err
	}
	ids, err := m.views.GrantsOf(ctx, user, organization)
	if err != nil {
		return nil, err
	}
	var refs []aggregate.TokenRef
	for _, id := range ids {
		refs = append(refs, aggregate.TokenRef{Kind: events.PersonalKind, ID: id})
	}
	return refs, nil
}

// matching lists the organization's tokens that have not ended and match the
// filter of the request and the scope, where there is one.
func (m mutations) matching(ctx context.Context, organization uuid.UUID, scope *string) ([]aggregate.TokenRef, error) {
	if err := callerOf(ctx).may(aggregate.OpRevokeOrganizationToken, false); err != nil {
		return nil, err
	}
	if scope != nil {
		row, _, err := load(ctx, requestOf(ctx).organizationByID, organization)
		if err != nil {
			return nil, err
		}
		if _, err := aggregate.With(row.Objects).Parse("scope", []string{*scope}); err != nil {
			return nil, err
		}
	}
	working := map[string]any{"statusIn": []any{
		string(projections.StatusActive), string(projections.StatusRotating), string(projections.StatusSuspended),
	}}
	where := map[string]any{"and": []any{working}}
	if asked := inputFilter(ctx); asked != nil {
		where["and"] = []any{working, asked}
	}
	var refs []aggregate.TokenRef
	most := projections.MaxPage
	page := projections.PageArgs{First: &most}
	for {
		p, err := m.views.Tokens(ctx, projections.TokenQuery{
			Kind: events.OrganizationKind, Visible: projections.Visibility{Holder: organization}, Where: where, Page: page, Now: requestOf(ctx).now,
		})
		if err != nil {
			return nil, err
		}
		for _, e := range p.Edges {
			if scope == nil || (aggregate.Scopes{*scope}).Within(aggregate.Scopes(e.Node.Scopes)) {
				refs = append(refs, aggregate.TokenRef{Kind: events.OrganizationKind, ID: e.Node.ID})
			}
		}
		if !p.HasNext || len(refs) > aggregate.MaxRevoked {
			return refs, nil
		}
		page.After = p.Edges[len(p.Edges)-1].Cursor
	}
}

// inputFilter is the filter within the argument input, as it was sent; see [filter].
func inputFilter(ctx context.Context) map[string]any {
	input, _ := gql.GetFieldContext(ctx).Field.ArgumentMap(gql.GetOperationContext(ctx).Variables)["input"].(map[string]any)
	where, _ := input["where"].(map[string]any)
	return where
}
