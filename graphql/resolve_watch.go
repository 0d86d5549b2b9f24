// Findings and webhooks.

package graphql

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// Webhooks is what the installation says of webhooks.
type Webhooks interface {
	// Secret is what a webhook's messages are signed with, as its receiver keeps it.
	Secret(webhook uuid.UUID) (string, error)
}

// within is the organization that an operation is for, if the caller may do it there.
func (h *handler) within(ctx context.Context, named *string, op aggregate.Operation) (uuid.UUID, error) {
	c := callerOf(ctx)
	organization, err := c.organization("organizationID", named)
	if err != nil {
		return uuid.Nil, err
	}
	return organization, c.may(op, false)
}

// Findings implements the query findings.
func (q queries) Findings(
	ctx context.Context, after *string, first *int, before *string, last *int, organizationID, rule *string, rules []string,
	status *events.FindingStatus, token *string, resolved *bool, from, to *time.Time,
) (*model.FindingConnection, error) {
	organization, err := q.within(ctx, organizationID, aggregate.OpReadFindings)
	if err != nil {
		return nil, err
	}
	ask := projections.FindingQuery{
		Organization: organization, Resolved: resolved, From: value(from), To: value(to),
		Page: pageArgs(after, first, before, last), Count: counting(ctx), Now: requestOf(ctx).now,
	}
	if rule != nil {
		rules = append(rules, *rule)
	}
	for _, name := range rules {
		r, err := ruleOf(name)
		if err != nil {
			return nil, err
		}
		ask.Rules = append(ask.Rules, r)
	}
	if status != nil {
		ask.Statuses = []events.FindingStatus{*status}
	}
	if token != nil {
		if ask.Token, err = q.tokenID(ctx, "token", *token, ""); err != nil {
			return nil, err
		}
	}
	if err := q.catchUp(ctx); err != nil {
		return nil, err
	}
	p, err := q.views.Findings(ctx, ask)
	if err != nil {
		return nil, err
	}
	return &model.FindingConnection{
		Edges: edges(p, func(row projections.FindingRow, cursor string) *model.FindingEdge {
			return &model.FindingEdge{Node: &model.Finding{FindingRow: row}, Cursor: cursor}
		}),
		PageInfo: pageInfo(p), TotalCount: int(p.Total),
	}, nil
}

func ruleOf(name string) (projections.Rule, error) {
	var names []string
	for _, r := range projections.Rules {
		if string(r) == name {
			return r, nil
		}
		names = append(names, string(r))
	}
	return "", badInput("rule", "There is no rule %q; the rules are %s.", name, strings.Join(names, ", "))
}

// Finding implements the query finding.
func (q queries) Finding(ctx context.Context, rule string, position int64, organizationID *string) (*model.Finding, error) {
	organization, err := q.within(ctx, organizationID, aggregate.OpReadFindings)
	if err != nil {
		return nil, err
	}
	row, found, err := q.finding(ctx, organization, rule, position)
	if err != nil || !found {
		return nil, err
	}
	return &model.Finding{FindingRow: row}, nil
}

func (h *handler) finding(ctx context.Context, organization uuid.UUID, rule string, position int64) (row projections.FindingRow, found bool, err error) {
	r, err := ruleOf(rule)
	if err != nil {
		return row, false, err
	}
	if err := h.catchUp(ctx); err != nil {
		return row, false, err
	}
	return h.views.Finding(ctx, organization, r, events.Position(position))
}

// TriageFinding implements triageFinding.
func (m mutations) TriageFinding(
	ctx context.Context, rule string, position int64, status events.FindingStatus, note, organizationID *string,
) (*model.FindingTriagePayload, error) {
	organization, err := m.within(ctx, organizationID, aggregate.OpTriageFinding)
	if err != nil {
		return nil, err
	}
	row, found, err := m.finding(ctx, organization, rule, position)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound("position", "There is no finding %s at position %d.", rule, position)
	}
	made, err := m.directory.TriageFinding(ctx, requestOf(ctx).call(ctx), aggregate.Triage{
		Organization: organization, Rule: rule, Position: row.Position, Status: status, Note: value(note),
	})
	if err != nil {
		return nil, err
	}
	m.recorded(ctx, made.Outcome)
	row.Status, row.Note = status, note
	if !made.Receipt.RecordedAt.IsZero() {
		by := callerOf(ctx).Actor.Name()
		row.TriagedAt, row.TriagedBy = &made.Receipt.RecordedAt, &by
	}
	return &model.FindingTriagePayload{Finding: &model.Finding{FindingRow: row}, Receipt: model.NewReceipt(made.Receipt)}, nil
}

// Webhooks implements the query webhooks.
func (q queries) Webhooks(ctx context.Context, organizationID *string) ([]model.Webhook, error) {
	organization, err := q.within(ctx, organizationID, aggregate.OpReadWebhooks)
	if err != nil {
		return nil, err
	}
	if err := q.catchUp(ctx); err != nil {
		return nil, err
	}
	list, err := q.views.WebhooksOf(ctx, organization)
	out := make([]model.Webhook, len(list))
	for i, w := range list {
		out[i] = model.Webhook{WebhookState: w}
	}
	return out, err
}

// DeadLetters implements Webhook.deadLetters.
func (w webhooks) DeadLetters(ctx context.Context, obj *model.Webhook) ([]projections.DeadLetter, error) {
	return w.views.DeadLettersOf(ctx, obj.ID)
}

// AddWebhook implements addWebhook.
func (m mutations) AddWebhook(ctx context.Context, in model.AddWebhookInput) (*model.WebhookAddPayload, error) {
	organization, err := m.within(ctx, in.OrganizationID, aggregate.OpManageWebhooks)
	if err != nil {
		return nil, err
	}
	if err := m.reachable(ctx, "url", in.URL); err != nil {
		return nil, err
	}
	made, err := m.directory.AddWebhook(ctx, requestOf(ctx).call(ctx), aggregate.NewWebhook{
		Organization: organization, URL: in.URL, Types: in.Types,
	})
	if err != nil {
		return nil, err
	}
	m.recorded(ctx, made.Outcome)
	payload := &model.WebhookAddPayload{Webhook: &model.Webhook{}, Receipt: model.NewReceipt(made.Receipt)}
	for _, rec := range made.History[events.OrganizationStream(organization)] {
		if e, ok := rec.Event.(events.OrganizationWebhookAdded); ok && e.Webhook == made.ID {
			payload.Webhook.Webhook = projections.Webhook{
				ID: e.Webhook, Organization: organization, URL: e.URL, Types: append([]string{}, e.Types...),
				CreatedAt: rec.RecordedAt, CreatedBy: rec.Meta.Actor.Name(), TrailPosition: rec.TrailPosition,
			}
		}
	}
	if made.Receipt.Replayed { // it has been shown
		return payload, nil
	}
	secret, err := m.hooks.Secret(made.ID)
	if err != nil {
		return nil, fmt.Errorf("the secret of a new webhook: %w", err)
	}
	payload.Secret = &secret
	return payload, nil
}

// RemoveWebhook implements removeWebhook.
func (m mutations) RemoveWebhook(ctx context.Context, id string, organizationID *string) (*model.WebhookRemovePayload, error) {
	organization, webhook, err := m.webhook(ctx, id, organizationID)
	if err != nil {
		return nil, err
	}
	made, err := m.directory.RemoveWebhook(ctx, requestOf(ctx).call(ctx), organization, webhook)
	if err != nil {
		return nil, err
	}
	m.recorded(ctx, made.Outcome)
	return &model.WebhookRemovePayload{RemovedID: webhook.String(), Receipt: model.NewReceipt(made.Receipt)}, nil
}

func (m mutations) webhook(ctx context.Context, id string, organizationID *string) (organization, webhook uuid.UUID, err error) {
	if organization, err = m.within(ctx, organizationID, aggregate.OpManageWebhooks); err != nil {
		return organization, webhook, err
	}
	if webhook, err = model.UnmarshalUUID(id); err != nil {
		return organization, webhook, badInput("id", "%v.", err)
	}
	return organization, webhook, nil
}

// ReplayWebhookDelivery implements replayWebhookDelivery.
func (m mutations) ReplayWebhookDelivery(ctx context.Context, id, messageID string, organizationID *string) (*model.WebhookReplayPayload, error) {
	if messageID == "" {
		return nil, badInput("messageID", "A message's id is needed.")
	}
	return m.replay(ctx, id, messageID, organizationID)
}

// ReplayWebhookDeliveries implements replayWebhookDeliveries.
func (m mutations) ReplayWebhookDeliveries(ctx context.Context, id string, organizationID *string) (*model.WebhookReplayPayload, error) {
	return m.replay(ctx, id, "", organizationID)
}

func (m mutations) replay(ctx context.Context, id, message string, organizationID *string) (*model.WebhookReplayPayload, error) {
	organization, webhook, err := m.webhook(ctx, id, organizationID)
	if err != nil {
		return nil, err
	}
	if err := m.catchUp(ctx); err != nil {
		return nil, err
	}
	n, found, err := m.views.ReplayWebhook(ctx, organization, webhook, message)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, notFound("id", "There is no such webhook.")
	case n == 0 && message != "":
		return nil, notFound("messageID", "No message of that id was given up.")
	}
	return &model.WebhookReplayPayload{Messages: n}, nil
}
