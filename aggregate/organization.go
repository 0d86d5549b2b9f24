// The organization: its names, the objects of its systems, and its policy.

package aggregate

import (
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Organization is what the rules need to know of an organization.
type Organization struct {
	Exists      bool
	Name        string
	DisplayName string
	Objects     map[string]map[string]string // registered: object → action → verb
	Policy      events.Policy
	Provider    events.Provider // of single sign-on; zero: none
	Webhooks    []uuid.UUID
}

// OrganizationDecider holds the rules of organization streams.
var OrganizationDecider = Decider[Organization, OrganizationCommand, events.OrganizationEvent]{
	Kind: events.KindOrganization,
	Decide: func(o Organization, c OrganizationCommand, _ time.Time) ([]events.OrganizationEvent, error) {
		return c.decide(o)
	},
	Evolve: evolveOrganization,
}

// OrganizationCommand is something to be decided on one organization.
type OrganizationCommand interface {
	decide(o Organization) ([]events.OrganizationEvent, error)
}

// Registry is what scopes and actions the organization knows.
func (o Organization) Registry() Registry { return With(o.Objects) }

func evolveOrganization(o Organization, e events.OrganizationEvent) Organization {
	switch e := e.(type) {
	case events.OrganizationCreated:
		return Organization{Exists: true, Name: e.Name, DisplayName: e.DisplayName}
	case events.OrganizationRenamed:
		o.Name, o.DisplayName = e.Name, e.DisplayName
	case events.OrganizationObjectRegistered:
		objects := make(map[string]map[string]string, len(o.Objects)+1)
		maps.Copy(objects, o.Objects)
		objects[e.Object] = maps.Clone(e.Actions)
		o.Objects = objects
	case events.OrganizationPolicyChanged:
		o.Policy = e.After
		o.Policy.MemberScopes = canonical(e.After.MemberScopes)
		o.Policy.ScopeCeiling = canonical(e.After.ScopeCeiling)
		o.Policy.AllowedSources = canonical(e.After.AllowedSources)
	case events.OrganizationSSOProviderChanged:
		o.Provider = e.After
	case events.OrganizationWebhookAdded:
		o.Webhooks = sortedIDs(o.Webhooks, []uuid.UUID{e.Webhook})
	case events.OrganizationWebhookRemoved:
		o.Webhooks = without(o.Webhooks, []uuid.UUID{e.Webhook})
	case events.OrganizationNetworkDataErased, events.OrganizationFindingTriaged:
		// For readers; no rule asks.
	}
	return o
}

func (o Organization) mustExist() error {
	if !o.Exists {
		return refuse(CodeNotFound, "", "There is no such organization.")
	}
	return nil
}

// CreateOrganization begins an organization. Without a display name the name is shown.
type CreateOrganization struct {
	Index       int64
	Name        string
	DisplayName string
}

func (c CreateOrganization) decide(o Organization) ([]events.OrganizationEvent, error) {
	if o.Exists {
		return nil, refuse(CodeConflict, "id", "There is such an organization already.")
	}
	display, err := namesOf(c.Name, c.DisplayName)
	if err != nil {
		return nil, err
	}
	return []events.OrganizationEvent{events.OrganizationCreated{Index: c.Index, Name: c.Name, DisplayName: display}}, nil
}

// RenameOrganization gives an organization other names.
type RenameOrganization struct{ Name, DisplayName string }

func (c RenameOrganization) decide(o Organization) ([]events.OrganizationEvent, error) {
	if err := o.mustExist(); err != nil {
		return nil, err
	}
	display, err := namesOf(c.Name, c.DisplayName)
	if err != nil || c.Name == o.Name && display == o.DisplayName {
		return nil, err
	}
	return []events.OrganizationEvent{events.OrganizationRenamed{Name: c.Name, DisplayName: display}}, nil
}

func namesOf(name, display string) (string, error) {
	if display == "" {
		display = name
	}
	if err := nameText("name").check(name); err != nil {
		return "", err
	}
	return display, nameText("displayName").check(display)
}

// RegisterObject makes an object of the organization's systems known, with its
// actions and the verb that each needs. Registering it again replaces them.
type RegisterObject struct {
	Name    string
	Actions map[string]string
}

func (c RegisterObject) decide(o Organization) ([]events.OrganizationEvent, error) {
	if err := o.mustExist(); err != nil {
		return nil, err
	}
	if err := o.Registry().check(c.Name, c.Actions); err != nil {
		return nil, err
	}
	if before, known := o.Objects[c.Name]; known && maps.Equal(before, c.Actions) {
		return nil, nil
	}
	return []events.OrganizationEvent{events.OrganizationObjectRegistered{Object: c.Name, Actions: maps.Clone(c.Actions)}}, nil
}
