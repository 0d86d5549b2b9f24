// Webhooks: where an organization has its events sent.

package aggregate

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// The most that an organization may have, and that one webhook may name.
const (
	MaxWebhooks     = 20
	maxWebhookTypes = 100
	maxWebhookURL   = 2048
)

// FindingType is what a webhook names to be sent findings, beside types of events.
const FindingType = "finding"

// NewWebhook is the input for a webhook. That the URL may be called at all is
// for the caller of this to check: it depends on the installation.
type NewWebhook struct {
	Organization uuid.UUID
	URL          string
	Types        []string // of events, or kinds of streams, or [FindingType]; empty: all
}

// AddWebhook begins a webhook.
type AddWebhook struct {
	ID uuid.UUID
	NewWebhook
}

func (c AddWebhook) decide(o Organization) ([]events.OrganizationEvent, error) {
	if err := o.mustExist(); err != nil {
		return nil, err
	}
	if len(o.Webhooks) >= MaxWebhooks {
		return nil, refuse(CodeConflict, "", "This organization has %d webhooks; more are not possible.", MaxWebhooks)
	}
	if err := (text{field: "url", min: 1, max: maxWebhookURL}).check(c.URL); err != nil {
		return nil, err
	}
	if len(c.Types) > maxWebhookTypes {
		return nil, refuse(CodeBadUserInput, "types", "A webhook names at most %d types; name kinds such as token instead.", maxWebhookTypes)
	}
	for _, t := range c.Types {
		if !sendable(t) {
			return nil, refuse(CodeBadUserInput, "types", "There is no type of event %q, nor a kind of them; one is token.revoked, a kind is token, and findings are finding.", t)
		}
	}
	return []events.OrganizationEvent{events.OrganizationWebhookAdded{
		Webhook: c.ID, URL: c.URL, Types: slices.Compact(slices.Sorted(slices.Values(c.Types))),
	}}, nil
}

// sendable reports whether a webhook can name this.
func sendable(name string) bool {
	if name == FindingType {
		return true
	}
	return slices.ContainsFunc(events.Catalogue(), func(k events.Kind) bool {
		return string(k.Type) == name || strings.HasPrefix(string(k.Type), name+".") && !strings.Contains(name, ".")
	})
}

// RemoveWebhook ends a webhook.
type RemoveWebhook struct{ ID uuid.UUID }

func (c RemoveWebhook) decide(o Organization) ([]events.OrganizationEvent, error) {
	if err := o.mustExist(); err != nil {
		return nil, err
	}
	if !slices.Contains(o.Webhooks, c.ID) {
		return nil, refuse(CodeNotFound, "id", "There is no such webhook.")
	}
	return []events.OrganizationEvent{events.OrganizationWebhookRemoved{Webhook: c.ID}}, nil
}

// AddWebhook has an organization's events sent to a URL from now on. What was
// made is the webhook.
func (y *Directory) AddWebhook(ctx context.Context, call Call, in NewWebhook) (Made, error) {
	var webhook uuid.UUID
	made, err := y.run(ctx, call, "AddWebhook", in, events.KindOrganization,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if _, err := admit(ctx, d, who, in.Organization, OpManageWebhooks); err != nil {
				return webhook, err
			}
			id, err := uuid.NewV7FromReader(rand.Reader)
			if err != nil {
				return webhook, fmt.Errorf("make a webhook's id: %w", err)
			}
			webhook = id
			return webhook, onOrganization(ctx, d, in.Organization, AddWebhook{webhook, in})
		})
	if err != nil || !made.Receipt.Replayed {
		return made, err
	}
	for _, rec := range made.History[events.OrganizationStream(in.Organization)] {
		if added, ok := rec.Event.(events.OrganizationWebhookAdded); ok && rec.Position == made.Receipt.Last() {
			made.ID = added.Webhook
		}
	}
	made.Warnings = append(made.Warnings, WarnValueShown)
	return made, nil
}

// RemoveWebhook ends a webhook; nothing is sent there any more.
func (y *Directory) RemoveWebhook(ctx context.Context, call Call, organization, webhook uuid.UUID) (Made, error) {
	made, err := y.run(ctx, call, "RemoveWebhook", []any{organization, webhook}, events.KindOrganization,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if _, err := admit(ctx, d, who, organization, OpManageWebhooks); err != nil {
				return webhook, err
			}
			return webhook, onOrganization(ctx, d, organization, RemoveWebhook{ID: webhook})
		})
	made.ID = webhook
	return made, err
}
