// What providers read first: what this service can do, and what a user is (RFC
// 7643, sections 5 to 7).

package scim

import "net/http"

type object = map[string]any

const (
	schemaConfig       = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	schemaResourceType = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaSchema       = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

func serviceProviderConfig(c *call) error {
	can := func(yes bool) object { return object{"supported": yes} }
	send(c.w, http.StatusOK, object{
		"schemas": []string{schemaConfig},
		"patch":   can(true),
		"bulk":    object{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter":  object{"supported": true, "maxResults": maxCount}, "changePassword": can(false), "sort": can(false), "etag": can(true),
		"authenticationSchemes": []object{{
			"type": "oauthbearertoken", "name": "Organization token",
			"description": "A token of the organization (tola_…) with the scope user:write, or user:read to read only, as a bearer token.",
			"primary":     true,
		}},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": c.base() + "/ServiceProviderConfig"},
	})
	return nil
}

func userType(c *call) object {
	return object{
		"schemas": []string{schemaResourceType}, "id": "User", "name": "User", "endpoint": "/Users",
		"description": "A member of the organization.", "schema": schemaUser,
		"meta": object{"resourceType": "ResourceType", "location": c.base() + "/ResourceTypes/User"},
	}
}

func resourceTypes(c *call) error {
	sendAll(c, userType(c))
	return nil
}

func resourceType(c *call) error {
	if c.r.PathValue("id") != "User" {
		return notFound("There is no such resource type.")
	}
	send(c.w, http.StatusOK, userType(c))
	return nil
}

func sendAll(c *call, all ...object) {
	send(c.w, http.StatusOK, object{
		"schemas": []string{schemaList}, "totalResults": len(all), "startIndex": 1, "itemsPerPage": len(all), "Resources": all,
	})
}

func schemas(c *call) error {
	sendAll(c, userSchema(c))
	return nil
}

func schema(c *call) error {
	if c.r.PathValue("id") != schemaUser {
		return notFound("There is no such schema.")
	}
	send(c.w, http.StatusOK, userSchema(c))
	return nil
}

// attribute describes one; of those that are not said, RFC 7643 has defaults.
func attribute(name, kind, description string, more object) object {
	a := object{
		"name": name, "type": kind, "description": description, "multiValued": false, "required": false,
		"caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
	}
	for key, v := range more {
		a[key] = v
	}
	return a
}

func userSchema(c *call) object {
	return object{
		"schemas": []string{schemaSchema}, "id": schemaUser, "name": "User", "description": "A member of the organization.",
		"attributes": []object{
			attribute("userName", "string", "The name that the user goes by, unique in the organization.", object{"required": true, "uniqueness": "server"}),
			attribute("externalId", "string", "The provider's own name of the user.", object{"caseExact": true}),
			attribute("displayName", "string", "The name as people write it.", nil),
			attribute("name", "complex", "The parts of the name; put together, they are displayName.", object{"subAttributes": []object{
				attribute("formatted", "string", "The whole name.", nil),
				attribute("givenName", "string", "The first part.", object{"mutability": "writeOnly", "returned": "never"}),
				attribute("familyName", "string", "The last part.", object{"mutability": "writeOnly", "returned": "never"}),
			}}),
			attribute("emails", "complex", "The address, one: the primary, or the first.", object{"multiValued": true, "subAttributes": []object{
				attribute("value", "string", "The address, unique in the installation.", object{"uniqueness": "server"}),
				attribute("type", "string", "Always work.", object{"mutability": "readOnly"}),
				attribute("primary", "boolean", "Always true.", object{"mutability": "readOnly"}),
			}}),
			attribute("active", "boolean", "The user is a member of the organization and let in.", nil),
		},
		"meta": object{"resourceType": "Schema", "location": c.base() + "/Schemas/" + schemaUser},
	}
}
