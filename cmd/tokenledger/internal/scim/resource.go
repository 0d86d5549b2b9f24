// The resource User: how a member is shown, and what of a description is kept.

package scim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/projections"
)

const schemaUser = "urn:ietf:params:scim:schemas:core:2.0:User"

// resource is a user as JSON.
type resource struct {
	Schemas     []string `json:"schemas"`
	ID          string   `json:"id"`
	ExternalID  string   `json:"externalId,omitempty"`
	Meta        meta     `json:"meta"`
	UserName    string   `json:"userName"`
	Name        *name    `json:"name,omitempty"`
	DisplayName string   `json:"displayName,omitempty"`
	Emails      []email  `json:"emails,omitempty"`
	Active      bool     `json:"active"`
}

type meta struct {
	ResourceType string     `json:"resourceType"`
	Created      *time.Time `json:"created,omitempty"`
	LastModified *time.Time `json:"lastModified,omitempty"`
	Location     string     `json:"location"`
	Version      string     `json:"version,omitempty"`
}

type name struct {
	Formatted string `json:"formatted"`
}

type email struct {
	Value   string `json:"value"`
	Type    string `json:"type"`
	Primary bool   `json:"primary"`
}

// shown is a member as the provider sees it.
func shown(row projections.ProvisionedRow, base string) resource {
	u := resource{
		Schemas: []string{schemaUser}, ID: row.ID.String(), ExternalID: value(row.ExternalID), UserName: value(row.UserName),
		DisplayName: value(row.DisplayName), Active: row.Active,
		Meta: meta{
			ResourceType: "User", Created: &row.CreatedAt, LastModified: &row.UpdatedAt,
			Location: base + "/Users/" + row.ID.String(), Version: version(row),
		},
	}
	if u.DisplayName != "" {
		u.Name = &name{u.DisplayName}
	}
	if row.Email != nil {
		u.Emails = []email{{*row.Email, "work", true}}
	}
	if u.UserName == "" { // erased
		u.UserName = u.ID
	}
	return u
}

// version is the ETag: that of the user and that of the membership.
func version(row projections.ProvisionedRow) string {
	return fmt.Sprintf(`W/"%d.%d"`, row.UserVersion, row.MemberVersion)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// description is what a provider says of a user, put together from a resource or
// from changes to one.
type description struct {
	was        projections.ProvisionedRow
	userName   string
	externalID string
	email      string
	emailGiven bool
	active     *bool

	// The parts of a name, where they are given; one name is kept of them.
	display, formatted, given, family *string
}

// describing begins with a user as he is.
func describing(row projections.ProvisionedRow) *description {
	return &description{was: row, userName: value(row.UserName), externalID: value(row.ExternalID), email: value(row.Email)}
}

// letsOut reports whether it says of somebody of whom nothing is known that he is not
// active, and nothing else.
func (d *description) letsOut() bool {
	return d.active != nil && !*d.active && d.userName == "" && d.externalID == "" && d.email == "" &&
		d.display == nil && d.formatted == nil && d.given == nil && d.family == nil
}

// displayName is the one name that is kept.
func (d *description) displayName() string {
	switch {
	case d.display != nil:
		return *d.display
	case d.formatted != nil:
		return *d.formatted
	case d.given == nil && d.family == nil:
		return value(d.was.DisplayName)
	}
	// A part that is not given is taken from the name as it is.
	given, family := value(d.was.DisplayName), ""
	if i := strings.LastIndexByte(given, ' '); i >= 0 {
		given, family = given[:i], given[i+1:]
	}
	if d.given != nil {
		given = *d.given
	}
	if d.family != nil {
		family = *d.family
	}
	return strings.TrimSpace(given + " " + family)
}

// address is the given one; else the user's name, where it is an address and
// was the address so far.
func (d *description) address() string {
	follows := d.email == "" || strings.EqualFold(value(d.was.Email), value(d.was.UserName))
	if !d.emailGiven && follows && strings.Contains(d.userName, "@") {
		return d.userName
	}
	return d.email
}

// provision is what of the description differs from what is.
func (d *description) provision() (aggregate.Provision, error) {
	var p aggregate.Provision
	if d.userName == "" {
		return p, bad(invalidValue, "userName is required.")
	}
	profile := aggregate.Profile{Email: d.address(), DisplayName: d.displayName()}
	if profile.Email == "" {
		return p, bad(invalidValue, "A user needs an address: in emails, or as userName.")
	}
	if profile.DisplayName == "" {
		profile.DisplayName = profile.Email
	}
	if !d.was.Named || d.userName != value(d.was.UserName) || d.externalID != value(d.was.ExternalID) {
		p.Names = &aggregate.ProviderNames{UserName: d.userName, ExternalID: d.externalID}
	}
	if profile.Email != value(d.was.Email) || profile.DisplayName != value(d.was.DisplayName) {
		p.Profile = &profile
	}
	p.Active = d.active
	return p, nil
}

// notKept are the attributes of the schemas User and Enterprise User that a
// ledger of tokens has no use for. They are accepted and not kept, so that the
// usual mappings of providers work.
var notKept = map[string]bool{
	"nickname": true, "profileurl": true, "title": true, "usertype": true, "preferredlanguage": true, "locale": true,
	"timezone": true, "password": true, "phonenumbers": true, "ims": true, "photos": true, "addresses": true, "groups": true,
	"entitlements": true, "roles": true, "x509certificates": true,
}

const schemaEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user"

// set takes an attribute over, or one sub-attribute of it. known is false for a
// name that no schema has.
func (d *description) set(attribute, sub string, v any) (known bool, err error) {
	attribute, sub = strings.ToLower(attribute), strings.ToLower(sub)
	switch {
	case attribute == "username" && sub == "":
		return true, text(&d.userName, "userName", v)
	case attribute == "externalid" && sub == "":
		return true, text(&d.externalID, "externalId", v)
	case attribute == "displayname" && sub == "":
		d.display = new("")
		return true, text(d.display, "displayName", v)
	case attribute == "name":
		return d.setName(sub, v)
	case attribute == "active" && sub == "":
		return true, d.setActive(v)
	case attribute == "emails":
		return d.setEmails(sub, v)
	}
	return notKept[attribute] || strings.HasPrefix(attribute, schemaEnterprise), nil
}

func text(into *string, attribute string, v any) error {
	if v == nil {
		*into = ""
		return nil
	}
	s, ok := v.(string)
	if !ok {
		return bad(invalidValue, attribute+" must be a text.")
	}
	*into = s
	return nil
}

func (d *description) setName(sub string, v any) (bool, error) {
	parts := map[string]**string{"formatted": &d.formatted, "givenname": &d.given, "familyname": &d.family}
	if sub != "" {
		if part, ok := parts[sub]; ok {
			*part = new("")
			return true, text(*part, "name."+sub, v)
		}
		return sub == "middlename" || sub == "honorificprefix" || sub == "honorificsuffix", nil
	}
	if v == nil {
		d.formatted = new("")
		return true, nil
	}
	whole, ok := v.(map[string]any)
	if !ok {
		return true, bad(invalidValue, "name must be an object.")
	}
	return true, each(whole, func(key string, v any) error {
		_, err := d.setName(strings.ToLower(key), v)
		return err
	})
}

// setActive also reads the texts that some providers send for a boolean.
func (d *description) setActive(v any) error {
	if s, ok := v.(string); ok {
		switch strings.ToLower(s) {
		case "true":
			v = true
		case "false":
			v = false
		}
	}
	active, ok := v.(bool)
	if !ok {
		return bad(invalidValue, "active must be true or false.")
	}
	d.active = &active
	return nil
}

// setEmails takes the primary address of a list, else its first.
func (d *description) setEmails(sub string, v any) (bool, error) {
	switch sub {
	case "value":
		d.emailGiven = true
		return true, text(&d.email, "emails.value", v)
	case "type", "primary", "display":
		return true, nil
	case "":
	default:
		return false, nil
	}
	list, ok := v.([]any)
	if one, is := v.(map[string]any); is {
		list, ok = []any{one}, true
	}
	if v != nil && !ok {
		return true, bad(invalidValue, "emails must be a list.")
	}
	chosen := ""
	for _, item := range list {
		e, ok := item.(map[string]any)
		if !ok {
			return true, bad(invalidValue, "emails must be a list of objects.")
		}
		address, _ := e["value"].(string)
		primary, _ := e["primary"].(bool)
		if primary && address != "" {
			chosen = address
			break
		}
		if chosen == "" {
			chosen = address
		}
	}
	d.email, d.emailGiven = chosen, chosen != ""
	return true, nil
}

// setAll takes the attributes of a resource over. What no schema has is left out.
func (d *description) setAll(attributes map[string]any) error {
	return each(attributes, func(key string, v any) error {
		_, err := d.set(key, "", v)
		return err
	})
}

// each visits the members of an object in an order of their own, so that equal
// requests have equal outcomes. Names that differ in case alone are one name.
func each(members map[string]any, visit func(key string, v any) error) error {
	seen := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if lower := strings.ToLower(key); seen[lower] {
			return bad(invalidSyntax, "An attribute is there twice.")
		} else {
			seen[lower] = true
		}
		if err := visit(key, members[key]); err != nil {
			return err
		}
	}
	return nil
}

// selected is a resource with the top-level attributes that the caller wants.
func selected(u resource, only, without string) any {
	if only == "" && without == "" {
		return u
	}
	body, err := json.Marshal(u)
	var all map[string]json.RawMessage
	if err != nil || json.Unmarshal(body, &all) != nil {
		return u
	}
	names := func(list string) map[string]bool {
		set := map[string]bool{}
		for n := range strings.SplitSeq(list, ",") {
			n, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(n), schemaUser+":"), ".")
			set[strings.ToLower(n)] = true
		}
		return set
	}
	wanted, unwanted := names(only), names(without)
	for key := range all {
		lower := strings.ToLower(key)
		if key == "id" || key == "schemas" {
			continue
		}
		if only != "" && !wanted[lower] || only == "" && unwanted[lower] {
			delete(all, key)
		}
	}
	return all
}
