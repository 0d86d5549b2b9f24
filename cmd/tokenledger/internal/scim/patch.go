// PATCH: changes to a user, as RFC 7644, section 3.5.2, and providers write them.

package scim

import (
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// maxOperations of one PATCH.
const maxOperations = 100

type patchRequest struct {
	Schemas    []string
	Operations []patchOperation
}

type patchOperation struct {
	Op    string
	Path  string
	Value any
}

// apply makes the changes, one after the other.
func (p patchRequest) apply(d *description) error {
	if len(p.Operations) == 0 || len(p.Operations) > maxOperations {
		return bad(invalidSyntax, "A PATCH has 1 to 100 operations.")
	}
	for _, o := range p.Operations {
		if err := o.apply(d); err != nil {
			return err
		}
	}
	return nil
}

func (o patchOperation) apply(d *description) error {
	v := o.Value
	switch strings.ToLower(o.Op) {
	case "add", "replace":
	case "remove":
		if o.Path == "" {
			return bad(noTarget, "remove needs a path.")
		}
		v = nil
	default:
		return bad(invalidSyntax, "op is add, replace or remove.")
	}
	if o.Path != "" {
		return set(d, o.Path, v)
	}
	attributes, ok := v.(map[string]any)
	if !ok {
		return bad(invalidValue, "Without a path, the value is an object of attributes.")
	}
	return each(attributes, func(key string, v any) error { // some providers write paths as keys
		if strings.EqualFold(key, "schemas") {
			return nil
		}
		return set(d, key, v)
	})
}

// maxPath is longer than any path that means something here.
const maxPath = 512

// set changes what a path names.
func set(d *description, path string, v any) error {
	lower := strings.ToLower(path)
	if strings.HasPrefix(lower, schemaEnterprise) {
		return nil
	}
	if len(path) > maxPath {
		return bad(invalidPath, "The path is too long.")
	}
	p, err := filter.ParsePath([]byte(path))
	if err != nil {
		return bad(invalidPath, "The path cannot be read.")
	}
	if uri := p.AttributePath.URI(); uri != "" && !strings.EqualFold(uri, schemaUser) {
		return bad(invalidPath, "The path names a schema that users do not have.")
	}
	attribute, sub := p.AttributePath.AttributeName, p.AttributePath.SubAttributeName()
	if p.SubAttribute != nil {
		sub = p.SubAttributeName()
	}
	switch strings.ToLower(attribute) {
	case "id", "meta", "schemas":
		return bad(mutability, attribute+" is not yours to change.")
	case "emails":
		// One address is kept; whatever tells it from others means that one.
	default:
		if p.ValueExpression != nil && !notKept[strings.ToLower(attribute)] {
			return bad(invalidPath, attribute+" is no list.")
		}
	}
	known, err := d.set(attribute, sub, v)
	if err == nil && !known {
		err = bad(invalidPath, "There is no such attribute.")
	}
	return err
}
